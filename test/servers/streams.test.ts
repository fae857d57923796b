import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { silent } from "../../src/core/progress.ts";
import { openProject } from "../../src/app/project.ts";
import { runPipeline } from "../../src/app/run-pipeline.ts";
import type { Contract } from "../../src/frame/contract.ts";
import { columnOf } from "../../src/frame/frame.ts";
import { linear, number, pipeline, stream } from "../../src/index.ts";
import { readDataset } from "../../src/ingest/dataset.ts";
import { createFetcher } from "../../src/ingest/fetch.ts";
import { fingerprintSource } from "../../src/ingest/fingerprint.ts";
import { ingestSource, type IngestReport } from "../../src/ingest/ingest.ts";
import type { Source } from "../../src/ingest/source.ts";
import { startNats } from "./start/nats.ts";

const server = await startNats();
const root = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-streams-"));
afterAll(async () => {
  await server?.stop();
  fs.rmSync(root, { recursive: true, force: true });
});

let counter = 0;

interface Read {
  readonly values: readonly number[];
  readonly report: IngestReport;
  readonly digest: string;
}

/** Reads as a run does; "crash" ends after the snapshot and before anything is acknowledged. */
async function read(source: Source, folder: string, ending: "commit" | "crash"): Promise<Read> {
  const contract: Contract = { columns: [{ name: "n", kind: "number", missing: 1, onViolation: "warn" }] };
  const output = path.join(root, `out${++counter}.parquet`);
  const fetcher = createFetcher(folder);
  try {
    const digest = await fingerprintSource(source, { root, fetcher });
    const report = await ingestSource({ source, contract, root, output, progress: silent, fetcher });
    if (ending === "commit") await fetcher.commit();
    const column = columnOf(await readDataset(output, contract), "n");
    return { values: Array.from(column.kind === "number" ? column.values : []), report, digest };
  } finally {
    await fetcher.close();
  }
}

async function publish(subject: string, ...bodies: readonly string[]): Promise<void> {
  const connection = await connect({ servers: new URL(server!.url).host });
  const js = jetstream(connection);
  for (const body of bodies) await js.publish(subject, body);
  await connection.close();
}

async function makeStream(name: string, subject: string): Promise<void> {
  const connection = await connect({ servers: new URL(server!.url).host });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name, subjects: [subject] });
  await connection.close();
}

/** Messages delivered and not acknowledged, and those that wait. */
async function openMessages(name: string, consumer: string): Promise<readonly [number, number]> {
  const connection = await connect({ servers: new URL(server!.url).host });
  const manager = await jetstreamManager(connection);
  const info = await manager.consumers.info(name, consumer);
  await connection.close();
  return [info.num_ack_pending, info.num_pending];
}

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => JSON.stringify({ n: from + i }));
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe.skipIf(server === undefined)("stream({ nats })", () => {
  const sourceOf = (name: string, more: object = {}): Source =>
    stream({ nats: { url: server!.url, stream: name, consumer: `c-${name}`, ...more }, maxWait: "2s", maxRows: 100 });

  it("reads bounded batches, acknowledges them after the snapshot, and adds what came since", async () => {
    await makeStream("orders", "orders.*");
    const source = sourceOf("orders");
    const folder = path.join(root, "orders");
    await publish("orders.a", ...range(1, 150));
    const first = await read(source, folder, "commit");
    expect(first.values).toEqual(numbers(1, 100));
    expect(await openMessages("orders", "c-orders")).toEqual([0, 50]);
    const second = await read(source, folder, "commit");
    expect(second.values).toEqual(numbers(1, 150));
    expect(second.report.origins.map(({ file, nRows }) => [file, nRows])).toEqual([
      ["nats orders 1 to 100", 100],
      ["nats orders 101 to 150", 50],
    ]);
    const third = await read(source, folder, "commit");
    expect([third.digest, third.values.length]).toEqual([second.digest, 150]);
  });

  it("loses nothing and doubles nothing where a run ends before it acknowledges", async () => {
    await makeStream("crashed", "crashed");
    const source = sourceOf("crashed");
    await publish("crashed", ...range(1, 20));
    const folder = path.join(root, "crashed");
    expect((await read(source, folder, "crash")).values).toEqual(numbers(1, 20));
    expect(await openMessages("crashed", "c-crashed")).toEqual([20, 0]);
    // The consumer is asked to bring them again at once instead of in a minute.
    const connection = await connect({ servers: new URL(server!.url).host });
    const manager = await jetstreamManager(connection);
    await manager.consumers.delete("crashed", "c-crashed");
    await connection.close();
    await publish("crashed", ...range(21, 25));
    expect((await read(source, folder, "commit")).values).toEqual(numbers(1, 25));
    expect(await openMessages("crashed", "c-crashed")).toEqual([0, 0]);
  });

  it("loses nothing where even what was kept is gone, for it was not acknowledged", async () => {
    await makeStream("lost", "lost");
    await publish("lost", ...range(1, 5));
    const fetcher = createFetcher(path.join(root, "lost-before"));
    await fingerprintSource(sourceOf("lost"), { root, fetcher });
    await fetcher.close();
    expect(await openMessages("lost", "c-lost")).toEqual([5, 0]);
  });

  it("sets messages that are no rows aside, with subject and sequence", async () => {
    await makeStream("mixed", "mixed.*");
    await publish("mixed.a", '{"n": 1}', "no json", "[1]", '{"n":\n 9007199254740993}', '{"n": 5}');
    const { values, report } = await read(sourceOf("mixed"), path.join(root, "mixed"), "commit");
    expect([values, report.nRefused, report.issueCounts]).toEqual([[1, NaN, 5], 2, [["n:kind", 1]]]);
    expect(report.refused).toEqual([
      { file: "nats mixed mixed.a", line: 2, reason: expect.stringContaining("no JSON") as string, text: "no json" },
      { file: "nats mixed mixed.a", line: 3, reason: "it holds no JSON object", text: "[1]" },
    ]);
    const again = await read(sourceOf("mixed"), path.join(root, "mixed"), "commit");
    expect(again.report.nRefused).toBe(2);
  });

  it("reads only the subjects asked for", async () => {
    await makeStream("many", "many.>");
    await publish("many.a", '{"n": 1}');
    await publish("many.b", '{"n": 2}');
    await publish("many.a", '{"n": 3}');
    expect((await read(sourceOf("many", { subject: "many.a" }), path.join(root, "many"), "commit")).values).toEqual([
      1, 3,
    ]);
  });

  it("says what is wrong with a code", async () => {
    await makeStream("empty", "empty");
    await expect(read(sourceOf("empty"), path.join(root, "e"), "commit")).rejects.toMatchObject({
      code: "SOURCE_EMPTY",
    });
    const unknown = read(sourceOf("nowhere"), path.join(root, "e"), "commit");
    await expect(unknown).rejects.toMatchObject({ code: "SOURCE_QUERY_INVALID" });
    const gone = stream({ nats: { url: "nats://127.0.0.1:1", stream: "s", consumer: "c" } });
    await expect(read(gone, path.join(root, "e"), "commit")).rejects.toMatchObject({ code: "SOURCE_UNREACHABLE" });
  });

  it("acknowledges within a pipeline's run, once the snapshot is committed", async () => {
    await makeStream("houses", "houses");
    const rows = Array.from({ length: 90 }, (_, i) => JSON.stringify({ a: i, b: (i * 7) % 13, price: 3 * i + 1 }));
    await publish("houses", ...rows, "{broken");
    const definition = pipeline({
      name: "houses",
      data: sourceOf("houses"),
      schema: { a: number(), b: number(), price: number() },
      target: "price",
      model: linear(),
    }).spec;
    const project = await openProject(path.join(root, "project"), { clock: systemClock });
    try {
      const { result } = await runPipeline(project, definition, { inline: true });
      expect([result.status, result.error]).toEqual(["succeeded", null]);
      const ingest = result.steps.find(({ step }) => step === "ingest")!;
      expect(ingest.metrics).toMatchObject({ rows: 90, unreadable: 1 });
      expect(await openMessages("houses", "c-houses")).toEqual([0, 0]);
      const set = result.steps.find(({ step }) => step === "validate")!.outputs.get("quarantined")!;
      const lines = fs
        .readFileSync(await project.store.artifacts.verifiedPath(set), "utf8")
        .trim()
        .split("\n");
      expect(JSON.parse(lines.at(-1)!)).toMatchObject({ row: null, file: "nats houses houses", line: 91 });
    } finally {
      await project.close();
    }
  });
});
