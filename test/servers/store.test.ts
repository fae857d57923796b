import pg from "pg";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { fixedClock } from "../../src/core/clock.ts";
import { storeConformance } from "../../src/store/conformance.fixtures.ts";
import { openStore } from "../../src/store/open.ts";
import { startPostgres } from "./start/postgres.ts";

const server = await startPostgres();
afterAll(() => server?.stop());

let counter = 0;

async function execute(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server!.url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

describe.skipIf(!server)("metadata on a server", () => {
  storeConformance("with its metadata in PostgreSQL", async () => {
    const schema = `conformance_${++counter}`;
    const folder = await mkdtemp(join(tmpdir(), "millrace-pg-"));
    return {
      open: (hooks) =>
        openStore(join(folder, ".millrace"), {
          clock: fixedClock(1_000),
          metadata: `${server!.url}?schema=${schema}`,
          ...(hooks ? { hooks } : {}),
        }),
      setFormat: (format) => execute(`update ${schema}.store_format set format = ${format}`),
      end: () => rm(folder, { recursive: true, force: true }),
    };
  });
});
