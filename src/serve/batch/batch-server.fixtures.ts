import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { quoteLiteral } from "../../query/quote.ts";
import { withQuery } from "../../query/session.ts";
import { fixedModels, type ServedModel } from "../model-source.ts";
import { createServer, type Server, type ServerOptions } from "../server.ts";

export const parquet = "application/vnd.apache.parquet";
export const ndjson = "application/x-ndjson";

/** A server that is asked for batches. */
export interface BatchServer {
  start(given?: Partial<ServerOptions>): Promise<void>;
  readonly url: string;
  /** What it told of, one after the other. */
  readonly faults: readonly unknown[];
  /** Gone after the test. */
  readonly folder: string;
  /** Where bodies are kept. */
  readonly spool: string;
  /** The names of bodies that are kept. */
  kept(): Promise<string[]>;
  /** The bytes of a Parquet file that a query gives. */
  fileOf(sql: string, options?: string): Promise<Buffer>;
  send(body: Buffer | string, model?: string, accept?: string, type?: string): Promise<Response>;
}

/** One a test, which ends with it; `models` are what it serves. */
export function batchServer(...models: readonly ServedModel[]): BatchServer {
  let server: Server | undefined;
  let [url, folder, spool] = ["", "", ""];
  let faults: unknown[] = [];
  beforeEach(async () => {
    folder = await realpath(await mkdtemp(path.join(tmpdir(), "millrace-parquet-")));
    spool = path.join(folder, "spool");
    await mkdir(spool);
    faults = [];
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
    await rm(folder, { recursive: true });
  });
  return {
    async start(given = {}) {
      server = await createServer({
        models: fixedModels(models),
        clock: systemClock,
        version: "1",
        port: 0,
        temporaryPath: () => path.join(spool, randomUUID()),
        onFault: (error) => faults.push(error),
        ...given,
      });
      ({ url } = await server.listen());
    },
    get url() {
      return url;
    },
    get faults() {
      return faults;
    },
    get folder() {
      return folder;
    },
    get spool() {
      return spool;
    },
    kept: () => readdir(spool),
    async fileOf(sql, options = "") {
      const file = path.join(folder, `${randomUUID()}.parquet`);
      await withQuery({ files: [file] }, (session) =>
        session.run(`COPY (${sql}) TO ${quoteLiteral(file)} (FORMAT parquet${options})`),
      );
      return readFile(file);
    },
    send(body, model = "houses", accept = ndjson, type = parquet) {
      const bytes = typeof body === "string" ? body : new Uint8Array(body);
      const headers = { "content-type": type, accept };
      return fetch(`${url}/v1/models/${model}/batch`, { method: "POST", headers, body: bytes });
    },
  };
}
