import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createConnection } from "mysql2/promise";
import pg from "pg";
import { afterAll, expect } from "vitest";
import { silent } from "../../src/core/progress.ts";
import type { Kind } from "../../src/frame/column.ts";
import type { Contract } from "../../src/frame/contract.ts";
import type { Frame } from "../../src/frame/frame.ts";
import { readDataset } from "../../src/ingest/dataset.ts";
import { createFetcher } from "../../src/ingest/fetch.ts";
import { fingerprintSource } from "../../src/ingest/fingerprint.ts";
import { ingestSource, type IngestReport } from "../../src/ingest/ingest.ts";
import type { Source } from "../../src/ingest/source.ts";
import { startMariadb } from "./start/mariadb.ts";
import { startPostgres } from "./start/postgres.ts";
import type { RunningServer } from "./start/running-server.ts";

/** Those there are on this machine, till the file's tests are over. */
export const servers: { postgres?: RunningServer | undefined; mysql?: RunningServer | undefined } = {
  postgres: await startPostgres(),
  mysql: await startMariadb(),
};
/** The project of a file's tests. */
export const root: string = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-databases-"));
afterAll(async () => {
  await servers.postgres?.stop();
  await servers.mysql?.stop();
  fs.rmSync(root, { recursive: true, force: true });
});

let counter = 0;

type Columns = Readonly<Record<string, Kind>>;

interface Outcome {
  readonly report: IngestReport;
  readonly frame: Frame;
  readonly bytes: Buffer;
  readonly digest: string;
}

/** Fingerprints and reads as a run does. */
export async function read(source: Source, columns: Columns, folder?: string): Promise<Outcome> {
  const contract: Contract = {
    columns: Object.entries(columns).map(([name, kind]) => ({ name, kind, missing: 1, onViolation: "fail" })),
  };
  const output = path.join(root, `out${++counter}.parquet`);
  const fetcher = createFetcher(folder);
  try {
    const digest = await fingerprintSource(source, { root, fetcher });
    const report = await ingestSource({ source, contract, root, output, progress: silent, fetcher });
    return { report, frame: await readDataset(output, contract), bytes: fs.readFileSync(output), digest };
  } catch (error) {
    expect(fs.existsSync(output)).toBe(false);
    throw error;
  } finally {
    await fetcher.close();
  }
}

/** The address as a source takes it where it holds a password. */
export function fromEnvironment(url: string): { readonly env: string } {
  const env = `TEST_ADDRESS_${new URL(url).port}`;
  process.env[env] = url;
  return { env };
}

/** Runs statements on the server, one after the other. */
export async function inPostgres(...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: servers.postgres!.url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The same of MariaDB. */
export async function inMysql(...statements: readonly string[]): Promise<void> {
  const connection = await createConnection(servers.mysql!.url);
  try {
    for (const statement of statements) await connection.query(statement);
  } finally {
    await connection.end();
  }
}
