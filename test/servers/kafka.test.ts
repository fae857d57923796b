import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Admin, Producer, stringSerializers } from "@platformatic/kafka";
import { afterAll, describe, expect, it } from "vitest";
import { silent } from "../../src/core/progress.ts";
import type { Contract } from "../../src/frame/contract.ts";
import { columnOf } from "../../src/frame/frame.ts";
import { stream } from "../../src/index.ts";
import { readDataset } from "../../src/ingest/dataset.ts";
import { createFetcher } from "../../src/ingest/fetch.ts";
import { fingerprintSource } from "../../src/ingest/fingerprint.ts";
import { ingestSource } from "../../src/ingest/ingest.ts";
import type { Source } from "../../src/ingest/source.ts";
import { startKafka } from "./start/kafka.ts";

const server = await startKafka();
const root = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-kafka-test-"));
afterAll(async () => {
  await server?.stop();
  fs.rmSync(root, { recursive: true, force: true });
});

const contract: Contract = { columns: [{ name: "n", kind: "number", missing: 1, onViolation: "warn" }] };
let counter = 0;

async function read(source: Source, commits: boolean): Promise<{ values: number[]; refused: number; files: string[] }> {
  const output = path.join(root, `out${++counter}.parquet`);
  const fetcher = createFetcher(path.join(root, "kept"));
  try {
    await fingerprintSource(source, { root, fetcher });
    const report = await ingestSource({ source, contract, root, output, progress: silent, fetcher });
    if (commits) await fetcher.commit();
    const column = columnOf(await readDataset(output, contract), "n");
    const values = Array.from(column.kind === "number" ? column.values : []).sort((a, b) => a - b);
    return { values, refused: report.nRefused ?? 0, files: report.origins.map(({ file }) => file) };
  } finally {
    await fetcher.close();
  }
}

describe.skipIf(server === undefined)("stream({ kafka })", () => {
  const brokers = [server?.url ?? ""];
  const sourceOf = (topic: string, group: string): Source =>
    stream({ kafka: { brokers, topic, group }, maxWait: "8s", maxRows: 60 });

  it("reads bounded batches of all partitions, loses and doubles nothing where a run ends before it commits", async () => {
    const admin = new Admin({ clientId: "admin", bootstrapBrokers: brokers });
    const producer = new Producer({ clientId: "producer", bootstrapBrokers: brokers, serializers: stringSerializers });
    const send = async (from: number, to: number): Promise<void> => {
      const numbers = Array.from({ length: to - from + 1 }, (_, i) => from + i);
      const value = (n: number): string => (n === 7 ? "broken" : JSON.stringify({ n }));
      await producer.send({ messages: numbers.map((n) => ({ topic: "orders", key: String(n), value: value(n) })) });
    };
    const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1).filter((n) => n !== 7);
    try {
      await admin.createTopics({ topics: ["orders"], partitions: 2, replicas: 1 });
      await send(1, 100);
      const source = sourceOf("orders", "one");
      const crashed = await read(source, false);
      expect(crashed.values.length + crashed.refused).toBe(60);
      const again = await read(source, true);
      expect(again.values).toEqual(crashed.values);
      expect(again.files[0]).toMatch(/^kafka orders [01] 0 to \d+$/);
      const rest = await read(source, true);
      expect([rest.values, rest.refused]).toEqual([upTo(100), 1]);
      await send(101, 110);
      expect((await read(source, true)).values).toEqual(upTo(110));
    } finally {
      await producer.close();
      await admin.close();
    }
  });

  it("says that a topic is unknown, and that nobody answers", async () => {
    await expect(read(sourceOf("nowhere", "two"), true)).rejects.toMatchObject({ code: "SOURCE_QUERY_INVALID" });
    const gone = stream({ kafka: { brokers: ["127.0.0.1:1"], topic: "t", group: "g" }, maxWait: "2s" });
    await expect(read(gone, true)).rejects.toMatchObject({ code: "SOURCE_UNREACHABLE" });
  });
});
