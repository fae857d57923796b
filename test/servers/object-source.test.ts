import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { silent } from "../../src/core/progress.ts";
import type { Kind } from "../../src/frame/column.ts";
import type { Contract } from "../../src/frame/contract.ts";
import { rowsFromFrame } from "../../src/frame/rows.ts";
import { join } from "../../src/ingest/combined-source.ts";
import { readDataset } from "../../src/ingest/dataset.ts";
import { createFetcher } from "../../src/ingest/fetch.ts";
import { fingerprintSource } from "../../src/ingest/fingerprint.ts";
import { ingestSource, type IngestReport } from "../../src/ingest/ingest.ts";
import { csv, json, jsonl, parquet, type Source } from "../../src/ingest/source.ts";
import { connectObjects, type ObjectStore } from "../../src/store/objects/client.ts";
import { createProject, isBuilt } from "../e2e/cli.ts";
import { housePipeline, houses } from "../e2e/data.ts";
import { startCuttingProxy } from "./start/cutting-proxy.ts";
import { objectStoreOfSuite } from "./start/suite-object-store.ts";

const server = await objectStoreOfSuite();
const objects = server && (await connectObjects({ bucket: "mill" }));
const root = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-object-source-"));
afterAll(() => {
  objects?.close();
  fs.rmSync(root, { recursive: true, force: true });
});

let counter = 0;

async function put(key: string, content: string | Uint8Array, store: ObjectStore = objects!): Promise<void> {
  const file = path.join(root, `put ${++counter}`);
  fs.writeFileSync(file, content);
  await store.put(key, file);
}

type Columns = Readonly<Record<string, Kind>>;

interface Outcome {
  readonly report: IngestReport;
  readonly rows: readonly object[];
  readonly digest: string;
}

const newFolder = (): string => path.join(root, `downloads ${++counter}`);

/** Fingerprints and reads as a run does. */
async function read(source: Source, columns: Columns, folder = newFolder()): Promise<Outcome> {
  const contract: Contract = {
    columns: Object.entries(columns).map(([name, kind]) => ({ name, kind, missing: 1, onViolation: "fail" })),
  };
  const output = path.join(root, `out ${++counter}.parquet`);
  const fetcher = createFetcher(folder);
  try {
    const digest = await fingerprintSource(source, { root, fetcher });
    const report = await ingestSource({ source, contract, root, output, progress: silent, fetcher });
    return { report, rows: rowsFromFrame(await readDataset(output, contract)), digest };
  } catch (error) {
    expect(fs.existsSync(output)).toBe(false);
    throw error;
  } finally {
    await fetcher.close();
  }
}

const ab: Columns = { a: "number", b: "text" };

describe.skipIf(!server)("a source in an object store", () => {
  it("is one object, a pattern, or all below a prefix, in the order of the keys", async () => {
    await put("one/b.csv", "a,b\n2,y\n");
    await put("one/a.csv", "a,b\n1,x\n");
    await put("one/deep/c.csv", "a,b\n3,z\n");
    await put("one/notes.txt", "nothing");
    await put("one/_part.csv", "a,b\n9,hidden\n");
    await put("one/folder/", "");
    const [x, y, z] = [
      { a: 1, b: "x" },
      { a: 2, b: "y" },
      { a: 3, b: "z" },
    ];
    expect((await read(csv("s3://mill/one/a.csv"), ab)).rows).toEqual([x]);
    expect((await read(csv("s3://mill/one/*.csv"), ab)).rows).toEqual([x, y]);
    expect((await read(csv("s3://mill/one/**/?.csv"), ab)).rows).toEqual([x, y, z]);
    expect((await read(csv("s3://mill/one/"), ab)).rows).toEqual([x, y, z]);
    expect((await read(csv("s3://mill/one"), ab)).rows).toEqual([x, y, z]);
  });

  it("is of any format, and packed", async () => {
    await put("two/rows.jsonl", '{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n');
    await put("two/rows.json", '[{"a":1,"b":"x"},{"a":2,"b":"y"}]');
    const { gzipSync } = await import("node:zlib");
    await put("two/rows.csv.gz", gzipSync("a,b\n1,x\n2,y\n"));
    const sources = [
      jsonl("s3://mill/two/rows.jsonl"),
      json("s3://mill/two/rows.json"),
      csv("s3://mill/two/rows.csv.gz"),
    ];
    const outcomes = await Promise.all(sources.map((source) => read(source, ab)));
    for (const { rows } of outcomes)
      expect(rows).toEqual([
        { a: 1, b: "x" },
        { a: 2, b: "y" },
      ]);
    const written = fs.readdirSync(root).find((name) => name.endsWith(".parquet"))!;
    await put("two/rows.parquet", fs.readFileSync(path.join(root, written)));
    expect((await read(parquet("s3://mill/two/rows.parquet"), ab)).rows.length).toBeGreaterThan(0);
  });

  it("has the partitions of its keys as columns", async () => {
    await put("three/year=2023/city=S%C3%A3o%20Paulo/x.csv", "a\n1\n");
    await put("three/year=2024/city=__HIVE_DEFAULT_PARTITION__/x.csv", "a\n2\n");
    const { rows } = await read(csv("s3://mill/three/"), { a: "number", year: "number", city: "text" });
    expect(rows).toEqual([
      { a: 1, year: 2023, city: "São Paulo" },
      { a: 2, year: 2024, city: null },
    ]);
  });

  it("is fetched again only where an object changed, and says what it read", async () => {
    await put("four/a.csv", "a,b\n1,x\n");
    await put("four/b.csv", "a,b\n2,y\n");
    const proxy = await startCuttingProxy(server!.url, Number.POSITIVE_INFINITY);
    const source = csv("s3://mill/four/*.csv", { s3: { endpoint: proxy.url } });
    const folder = newFolder();
    const first = await read(source, ab, folder);
    const names = fs.readdirSync(folder).sort();
    const times = names.map((name) => fs.statSync(path.join(folder, name)).mtimeMs);
    const again = await read(source, ab, folder);
    expect(again).toEqual(first);
    expect(fs.readdirSync(folder).sort()).toEqual(names);
    expect(names.map((name) => fs.statSync(path.join(folder, name)).mtimeMs)).toEqual(times);
    await put("four/b.csv", "a,b\n3,z\n");
    const changed = await read(source, ab, folder);
    expect(changed.rows).toEqual([
      { a: 1, b: "x" },
      { a: 3, b: "z" },
    ]);
    expect(changed.digest).not.toBe(first.digest);
    expect(fs.readdirSync(folder)).toHaveLength(names.length);
    expect(changed.report.objects).toEqual([
      { object: "s3://mill/four/a.csv", etag: first.report.objects![0]!.etag, sizeBytes: 8 },
      { object: "s3://mill/four/b.csv", etag: expect.stringMatching(/^"[0-9a-f]{32}"$/) as string, sizeBytes: 8 },
    ]);
    expect(changed.report.objects![1]!.etag).not.toBe(first.report.objects![1]!.etag);
    expect(changed.report.origins.map(({ file }) => file)).toEqual(["s3://mill/four/a.csv", "s3://mill/four/b.csv"]);
    await proxy.stop();
  });

  it("can be part of a join, and grow by objects that alone are read", async () => {
    await put("eight/day=1/a.csv", "a,b\n1,x\n");
    await put("eight/day=2/a.csv", "a,b\n2,y\n");
    await put("names.csv", "b,name\nx,Xenia\ny,Yves\n");
    const joined = join(csv("s3://mill/eight/"), csv("s3://mill/names.csv"), { on: "b" });
    const { rows, report } = await read(joined, { a: "number", name: "text" });
    expect(rows).toEqual([
      { a: 1, name: "Xenia" },
      { a: 2, name: "Yves" },
    ]);
    expect(report.objects).toHaveLength(3);
    const growing = csv("s3://mill/eight/", { incremental: true });
    const folder = newFolder();
    await read(growing, { ...ab, day: "number" }, folder);
    await put("eight/day=3/a.csv", "a,b\n3,z\n");
    const grown = await read(growing, { ...ab, day: "number" }, folder);
    expect(grown.rows.map((row) => Object.values(row))).toEqual([
      [1, "x", 1],
      [2, "y", 2],
      [3, "z", 3],
    ]);
    expect(grown.report.partitions).toMatchObject({ reused: 2, converted: 1 });
  });

  it("is fetched again where the file that was fetched was touched", async () => {
    await put("five/a.csv", "a,b\n1,x\n");
    const folder = newFolder();
    const source = csv("s3://mill/five/a.csv");
    const first = await read(source, ab, folder);
    const file = fs.readdirSync(folder).find((name) => name.endsWith(".csv"))!;
    fs.writeFileSync(path.join(folder, file), "a,b\n7,q\n");
    expect((await read(source, ab, folder)).rows).toEqual(first.rows);
  });

  it("that is not there is named, with its neighbour", async () => {
    await put("six/houses.csv", "a,b\n1,x\n");
    const refused = (source: string, extra: object): Promise<unknown> =>
      expect(read(csv(source), ab)).rejects.toMatchObject(extra);
    await refused("s3://mill/six/house.csv", {
      code: "SOURCE_NOT_FOUND",
      remedy: 'Did you mean "s3://mill/six/houses.csv"?',
    });
    await refused("s3://mill/six/*.tsv", { code: "SOURCE_NOT_FOUND" });
    await refused("s3://mill/none/", { code: "SOURCE_NOT_FOUND" });
    await refused("s3://no-such-bucket/x.csv", { code: "BUCKET_MISSING" });
    await refused("s3://Bad_Bucket/x.csv", { code: "OBJECT_ADDRESS_INVALID" });
    await refused("s3://key:secret@mill/x.csv", {
      code: "OBJECT_ADDRESS_INVALID",
      message: expect.not.stringContaining("secret@") as string,
    });
    await put("six/deep/notes.txt", "x");
    await refused("s3://mill/six/deep/", { code: "SOURCE_EMPTY" });
    await put("six/empty.csv", "");
    await refused("s3://mill/six/empty.csv", { code: "SOURCE_EMPTY", message: expect.stringContaining("s3://") });
  });

  it("leaves nothing behind where the server is gone, wrong or cut off", async () => {
    await put("seven/a.csv", `a,b\n${"1,some text to be cut\n".repeat(300_000)}`);
    const folder = newFolder();
    const source = csv("s3://mill/seven/a.csv");
    const proxy = await startCuttingProxy(server!.url, 300_000);
    await expect(read(csv("s3://mill/seven/a.csv", { s3: { endpoint: proxy.url } }), ab, folder)).rejects.toMatchObject(
      {
        code: expect.stringMatching(/OBJECT_TRUNCATED|OBJECTS_UNREACHABLE/) as string,
      },
    );
    await proxy.stop();
    expect(fs.readdirSync(folder)).toEqual([]);
    process.env["AWS_SECRET_ACCESS_KEY"] = "wrong";
    await expect(read(source, ab, folder)).rejects.toMatchObject({ code: "OBJECTS_DENIED" });
    Object.assign(process.env, server!.environment);
    await server!.pause();
    await expect(read(source, ab, folder)).rejects.toMatchObject({ code: "OBJECTS_UNREACHABLE" });
    await server!.resume();
    expect((await read(source, ab, folder)).rows).toHaveLength(300_000);
  });
});

describe.skipIf(!server || !isBuilt)("a project whose data lie in an object store", () => {
  it("is written by init, runs, and is answered from the cache until an object changes", async () => {
    const project = createProject();
    try {
      await put("project/data/houses.csv", houses(150));
      const made = await project.run("init", "s3://mill/project/data/houses.csv", "--target", "price", "--json");
      expect(made.code, made.stderr).toBe(0);
      project.pipeline("houses", housePipeline().replace("data/houses.csv", "s3://mill/project/data/*.csv"));
      const statuses = async (): Promise<Set<string>> => {
        const ran = await project.run("run", "houses", "--json");
        expect(ran.code, ran.stderr).toBe(0);
        return new Set(ran.json<{ steps: readonly { status: string }[] }>().steps.map(({ status }) => status));
      };
      expect(await statuses()).toContain("ran");
      expect([...(await statuses())]).not.toContain("failed");
      await put("project/data/houses.csv", houses(160));
      expect(await statuses()).toContain("ran");
    } finally {
      project.remove();
    }
  });
});
