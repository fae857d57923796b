import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { silent } from "../core/progress.ts";
import type { Contract } from "../frame/contract.ts";
import { isPublicAddress } from "./address.ts";
import { readDataset } from "./dataset.ts";
import { createFetcher } from "./fetch.ts";
import { fingerprintSource } from "./fingerprint.ts";
import { ingestSource } from "./ingest.ts";
import { insideAddresses } from "./inside-addresses.fixtures.ts";
import { csv, type HttpLimits } from "./source.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-http-"));
const contract: Contract = { columns: [{ name: "n", kind: "number", missing: 0, onViolation: "fail" }] };
const body = "n\n1\n2\n";

/** Counts every connection: what is refused must never reach it. */
let canary: Server;
let base = "";
let port = 0;
let hits: { url: string; etag: string | undefined }[] = [];
let connections = 0;
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  canary = createServer((request, response) => {
    hits.push({ url: request.url ?? "", etag: request.headers["if-none-match"] });
    answer(request, response);
  });
  canary.on("connection", () => ++connections);
  await new Promise<void>((resolve) => canary.listen(0, "127.0.0.1", resolve));
  port = (canary.address() as AddressInfo).port;
  base = `http://127.0.0.1:${port}`;
});
beforeEach(() => {
  hits = [];
  connections = 0;
  answer = (_, response) => void response.end(body);
});
afterAll(async () => {
  canary.closeAllConnections();
  await new Promise((resolve) => canary.close(resolve));
  rmSync(root, { recursive: true, force: true });
});

let counter = 0;
async function read(url: string, http: HttpLimits = { allowPrivate: true }): Promise<number[]> {
  const output = join(root, `out${++counter}.parquet`);
  await ingestSource({ source: csv(url, { http }), contract, root, output, progress: silent });
  const [column] = (await readDataset(output, contract)).columns;
  return column?.kind === "number" ? [...column.values] : [];
}

describe("sources over HTTP", () => {
  it("reads a file, and one that is packed", async () => {
    expect(await read(`${base}/a.csv`)).toEqual([1, 2]);
    answer = (_, response) => void response.end(gzipSync(body));
    expect(await read(`${base}/a.csv.gz?x=1`)).toEqual([1, 2]);
    expect(await read(`http://localhost:${port}/a.csv.gz`)).toEqual([1, 2]);
  });

  it("asks with the ETag it knows, and fetches again only what changed or was damaged", async () => {
    let etag = '"one"';
    let text = body;
    answer = (request, response) => {
      if (request.headers["if-none-match"] === etag) response.writeHead(304).end();
      else response.writeHead(200, { etag }).end(text);
    };
    const folder = join(root, "downloads");
    const source = csv(`${base}/b.csv`, { http: { allowPrivate: true } });
    const look = async (): Promise<string> => fingerprintSource(source, { root, fetcher: createFetcher(folder) });
    const first = await look();
    expect(await look()).toBe(first);
    expect(hits.map((hit) => hit.etag)).toEqual([undefined, '"one"']);
    etag = '"two"';
    text = "n\n3\n";
    expect(await look()).not.toBe(first);
    expect(readdirSync(folder).filter((name) => name.endsWith(".csv"))).toHaveLength(1);
    const [file] = readdirSync(folder).filter((name) => name.endsWith(".csv"));
    rmSync(join(folder, file!));
    await look();
    expect(hits.at(-1)!.etag).toBeUndefined();
  });

  it("follows redirects and judges each: other schemes and too many are refused", async () => {
    answer = (request, response) => {
      if (request.url === "/start.csv") response.writeHead(302, { location: "/end.csv" }).end();
      else if (request.url === "/loop.csv") response.writeHead(302, { location: "/loop.csv" }).end();
      else if (request.url === "/file.csv") response.writeHead(302, { location: "file:///etc/passwd" }).end();
      else response.end(body);
    };
    expect(await read(`${base}/start.csv`)).toEqual([1, 2]);
    await expect(read(`${base}/loop.csv`)).rejects.toMatchObject({ code: "SOURCE_UNREACHABLE" });
    await expect(read(`${base}/file.csv`)).rejects.toMatchObject({ code: "SOURCE_REFUSED" });
  });

  it("gives up on what is too large, too slow, cut off, or answered with a fault", async () => {
    answer = (_, response) => void response.end("n\n".repeat(1000));
    await expect(read(`${base}/a.csv`, { allowPrivate: true, maxBytes: 100 })).rejects.toMatchObject({
      code: "SOURCE_REFUSED",
    });
    answer = (_, response) => void response.write("n\n");
    await expect(read(`${base}/a.csv`, { allowPrivate: true, timeout: "200ms" })).rejects.toMatchObject({
      code: "SOURCE_UNREACHABLE",
      message: expect.stringContaining("took longer than 200 ms"),
    });
    answer = (_, response) => {
      response.writeHead(200, { "content-length": "1000" }).write(body);
      setTimeout(() => response.destroy(), 20);
    };
    await expect(read(`${base}/a.csv`)).rejects.toMatchObject({ code: "SOURCE_UNREACHABLE" });
    answer = (_, response) => void response.writeHead(503).end();
    await expect(read(`${base}/a.csv`)).rejects.toMatchObject({
      code: "SOURCE_UNREACHABLE",
      message: expect.stringContaining("status 503"),
    });
    expect(existsSync(join(root, `out${counter}.parquet`))).toBe(false);
  });

  it("refuses limits that are none", () => {
    for (const [http, said] of [
      [{ timeout: "soon" as "1s" }, '"soon"'],
      [{ timeout: "0s" as const }, '"0s"'],
      // A timer of the platform would end at once.
      [{ timeout: "30d" as const }, "at most 24 days"],
      [{ maxBytes: 0 }, "got 0"],
      [{ maxBytes: NaN }, "got NaN"],
    ] as const)
      expect(() => csv("https://example.com/a.csv", { http })).toThrow(said);
  });

  it("stops when it is cancelled", async () => {
    answer = (_, response) => void response.write("n\n");
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const source = csv(`${base}/a.csv`, { http: { allowPrivate: true } });
    const work = ingestSource({
      source,
      contract,
      root,
      output: join(root, "never.parquet"),
      progress: silent,
      signal: controller.signal,
    });
    await expect(work).rejects.toMatchObject({ code: "CANCELLED" });
  });
});

describe("addresses inside", () => {
  it("are refused in every form, and no connection is made", async () => {
    const addresses = insideAddresses(`:${port}`);
    expect(addresses.length).toBeGreaterThan(120);
    for (const url of addresses) {
      // A name that does not resolve on this machine is as good as refused.
      const code = /localhost/i.test(url) ? /^SOURCE_(REFUSED|UNREACHABLE)$/ : /^SOURCE_REFUSED$/;
      await expect(read(url, {}), url).rejects.toMatchObject({ code: expect.stringMatching(code) });
    }
    expect(connections).toBe(0);
  });

  it("are told from public ones", () => {
    for (const address of ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"])
      expect(isPublicAddress(address), address).toBe(true);
    for (const address of ["", "x", "172.31.255.255", "192.0.0.8", "203.0.113.9", "::ffff:8.8.8.8", "2001:db8::1"])
      expect(isPublicAddress(address), address).toBe(false);
  });
});
