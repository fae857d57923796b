import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { silent } from "../../core/progress.ts";
import { linear, number, pipeline } from "../../index.ts";
import { createFetcher } from "../fetch.ts";
import { ingestSource } from "../ingest.ts";
import type { SourceDescription } from "../source.ts";
import { forgetMessages } from "./forget-messages.ts";
import { addSequence, hasSequence, type Intervals, unionOf, withAllUpTo } from "./intervals.ts";
import { type KafkaConsumer, readBatch } from "./kafka-batch.ts";
import { readStream } from "./stream-rows.ts";
import { type StreamOptions, stream } from "./stream-source.ts";

const root = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-stream-"));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

const kafka = { brokers: ["127.0.0.1:9092"], topic: "orders", group: "millrace" } as const;

describe("a set of sequences", () => {
  it("holds what was added and nothing else, as few pairs as can be", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 })), (sequences) => {
        const set: Intervals = [];
        for (const sequence of sequences) addSequence(set, sequence);
        const naive = new Set(sequences);
        for (let i = -1; i <= 41; ++i) expect(hasSequence(set, i)).toBe(naive.has(i));
        const settled = withAllUpTo(set, 20);
        for (let i = 0; i <= 41; ++i) expect(hasSequence(settled, i)).toBe(i <= 20 || naive.has(i));
        const starts = [...naive].filter((sequence) => !naive.has(sequence - 1));
        expect(set.map(([first]) => first)).toEqual(starts.sort((a, b) => a - b));
      }),
    );
  });
});

describe("the union of two sets of sequences", () => {
  it("holds what either holds, as few pairs as can be", () => {
    const sequences = fc.array(fc.integer({ min: 0, max: 40 }));
    fc.assert(
      fc.property(sequences, sequences, (some, others) => {
        const setOf = (ones: readonly number[]): Intervals => {
          const set: Intervals = [];
          for (const one of ones) addSequence(set, one);
          return set;
        };
        expect(unionOf(setOf(some), setOf(others))).toEqual(setOf([...some, ...others]));
      }),
    );
  });
});

/** A topic of two partitions, as the driver shows one: it hands out from what was committed on. `broken`: offsets of no rows. */
function fakeTopic(
  sizes: readonly number[],
  { id = "t", broken = [3] }: { readonly id?: string; readonly broken?: readonly number[] } = {},
): {
  readonly committed: number[];
  connect(): KafkaConsumer;
  nClosed: number;
} {
  const topic = {
    committed: sizes.map(() => 0),
    nClosed: 0,
    connect(): KafkaConsumer {
      return {
        metadata: async () => ({ topics: new Map([["orders", { id }]]) }),
        async consume() {
          const messages = sizes.flatMap((size, partition) =>
            Array.from({ length: size - topic.committed[partition]! }, (_, i) => topic.committed[partition]! + i).map(
              (offset) => ({
                topic: "orders",
                partition,
                offset: BigInt(offset),
                value: Buffer.from(broken.includes(offset) ? "broken" : JSON.stringify({ p: partition, n: offset })),
              }),
            ),
          );
          return {
            async *[Symbol.asyncIterator]() {
              yield* messages;
              await new Promise(() => {});
            },
            close: async () => {},
          };
        },
        async commit({ offsets }) {
          for (const { partition, offset } of offsets) topic.committed[partition] = Number(offset);
        },
        async close() {
          ++topic.nClosed;
        },
      };
    },
  };
  return topic;
}

describe("stream({ kafka })", () => {
  const source = stream({ kafka, maxRows: 7, maxWait: "1s" });
  const read = async (topic: ReturnType<typeof fakeTopic>, folder: string, commit: boolean, given = source) => {
    const scratch = fs.mkdtempSync(path.join(root, "scratch-"));
    fs.mkdirSync(path.join(root, folder), { recursive: true });
    const place = { root, folder: path.join(root, folder), scratch };
    const open = (one: SourceDescription) => readBatch(one, topic.connect());
    const found = await readStream(given, place, open);
    if (commit) await found.commit!();
    await found.close!();
    const lines = found.parts.flatMap((part) => fs.readFileSync(part.path, "utf8").trim().split("\n"));
    return { ...found, rows: lines.map((line) => JSON.parse(line) as { p: number; n: number }) };
  };

  it("commits offsets only when told to, and knows messages that come again", async () => {
    const topic = fakeTopic([5, 5]);
    const first = await read(topic, "a", false);
    expect([first.rows.length, first.nRefused, topic.committed]).toEqual([6, 1, [0, 0]]);
    const again = await read(topic, "a", true);
    expect([again.rows.length, again.nRefused, topic.committed]).toEqual([6, 1, [5, 2]]);
    const rest = await read(topic, "a", true);
    expect([rest.rows.length, rest.nRefused, topic.committed, topic.nClosed]).toEqual([8, 2, [5, 5], 3]);
    const keys = rest.rows.map(({ p, n }) => `${p}:${n}`);
    expect(new Set(keys).size).toBe(8);
    expect(rest.refused![0]).toMatchObject({ file: "kafka orders 0", line: 3, text: "broken" });
  });

  it("keeps nothing of a message that is no row where the contract hides a column", async () => {
    const folder = fs.mkdtempSync(path.join(root, "hidden-"));
    const scratch = fs.mkdtempSync(path.join(root, "scratch-"));
    const ingest = async (privacy: object) => {
      const topic = fakeTopic([5, 5]);
      const parts = () => readStream(source, { root, folder, scratch }, (given) => readBatch(given, topic.connect()));
      const { contract } = pipeline({
        name: "orders",
        data: source,
        schema: { p: number(privacy), n: number() },
        target: "n",
        model: linear(),
      }).spec;
      const output = path.join(folder, "out.parquet");
      const fetcher = { ...createFetcher(), parts };
      return (await ingestSource({ source, contract, root, output, progress: silent, fetcher })).refused;
    };
    expect(await ingest({})).toMatchObject([{ line: 3, text: "broken" }]);
    const [refused] = (await ingest({ privacy: { generalise: 5 } }))!;
    expect(refused).toMatchObject({ line: 3, text: null });
    expect(JSON.stringify(refused)).not.toContain("broken");
  });

  it("refuses where kept messages were damaged, for the server gives them no second time", async () => {
    const topic = fakeTopic([5, 5]);
    for (const ending of [".jsonl", ".parts.json"]) {
      await read(fakeTopic([5, 5]), `damaged${ending}`, true);
      const folder = path.join(root, `damaged${ending}`);
      const file = path.join(
        folder,
        fs.readdirSync(folder).find((name) => name.endsWith(ending))!,
      );
      fs.truncateSync(file, 10);
      const again = read(topic, `damaged${ending}`, true);
      await expect(again).rejects.toMatchObject({ code: "SOURCE_UNREADABLE", message: expect.stringContaining(file) });
      expect(topic.committed).toEqual([0, 0]);
    }
  });

  it("goes on where messages without a row came first", async () => {
    const topic = fakeTopic([8, 0], { broken: [0, 1, 2, 3, 4, 5, 6] });
    await expect(read(topic, "n", true)).rejects.toMatchObject({ code: "SOURCE_EMPTY" });
    const { rows, nRefused } = await read(topic, "n", true);
    expect([rows.length, nRefused, topic.committed]).toEqual([1, 7, [8, 0]]);
  });

  it("keeps what it read whatever servers, secrets and texts for missing are called", async () => {
    const topic = fakeTopic([5, 5]);
    await read(topic, "k", true);
    const user = { env: "U" };
    const other = { ...kafka, brokers: ["127.0.0.1:1"], user, password: { env: "P" } };
    const { rows } = await read(topic, "k", true, stream({ kafka: other, missing: ["-"], maxRows: 9, maxWait: "2s" }));
    expect(rows).toHaveLength(8);
    const group = stream({ kafka: { ...kafka, group: "other" }, maxWait: "1s" });
    await expect(read(topic, "k", true, group)).rejects.toMatchObject({ code: "SOURCE_EMPTY" });
  });

  it("takes over what was kept under keys of before, once", async () => {
    const topic = fakeTopic([5, 5]);
    await read(topic, "o", true);
    const folder = path.join(root, "o");
    const notes = fs.readdirSync(folder).find((file) => file.endsWith(".parts.json"))!;
    const text = fs
      .readFileSync(path.join(folder, notes), "utf8")
      .replaceAll('"t 0"', '"0"')
      .replaceAll('"t 1"', '"1"');
    fs.rmSync(path.join(folder, notes));
    // Of this source, as Millrace called it when servers were a part of the key.
    const { maxRows: _, maxWaitMs: _wait, ...described } = source.stream!;
    const written = JSON.stringify([{ kind: "stream", path: "kafka orders" }, null, described.kafka]);
    const key = createHash("sha256").update(written).digest("hex").slice(0, 16);
    fs.writeFileSync(path.join(folder, `${key}.parts.json`), text);
    topic.committed.fill(0);
    for (let i = 0; i < 2; ++i) {
      const { rows, nRefused } = await read(topic, "o", true);
      expect([rows.length, nRefused]).toEqual(
        [
          [6, 1],
          [8, 2],
        ][i],
      );
    }
    expect(fs.existsSync(path.join(folder, `${key}.parts.json`))).toBe(false);
  });

  it("takes a topic of the same name, made anew or of another cluster, for another one", async () => {
    await read(fakeTopic([5, 0]), "m", true);
    const { rows } = await read(fakeTopic([5, 0], { id: "other" }), "m", true);
    expect(rows).toHaveLength(8);
  });

  it("forgets the messages of one value, keeps the others and what was read, and throws other downloads away", async () => {
    const topic = fakeTopic([5, 5]);
    await read(topic, "f", true);
    const folder = path.join(root, "f");
    fs.writeFileSync(path.join(folder, "page.csv"), "n\n2\n");
    const before = fs.readdirSync(folder).sort();
    const two = { column: "n", values: ["2"] };
    expect(await forgetMessages(folder, two, true)).toMatchObject({ messages: 1 });
    expect(fs.readdirSync(folder).sort()).toEqual(before);
    expect(await forgetMessages(folder, two, false)).toMatchObject({ messages: 1, mentions: [] });
    expect(fs.existsSync(path.join(folder, "page.csv"))).toBe(false);
    const held = fs.readdirSync(folder).map((file) => fs.readFileSync(path.join(folder, file), "utf8"));
    expect(held.some((text) => text.includes('"n":2'))).toBe(false);
    const rest = await read(topic, "f", true);
    expect(rest.rows.map(({ p, n }) => `${p}:${n}`).sort()).toEqual("0:0 0:1 0:4 1:0 1:1 1:2 1:4".split(" "));
    expect(await forgetMessages(folder, { column: "n", values: ["9"] }, false)).toMatchObject({ messages: 0 });
    expect((await read(topic, "f", true)).rows).toHaveLength(7);
  });

  it("forgets nothing where the list of batches cannot be read: its messages come no second time", async () => {
    await read(fakeTopic([5, 5]), "d", true);
    const folder = path.join(root, "d");
    const notes = fs.readdirSync(folder).find((file) => file.endsWith(".parts.json"))!;
    fs.writeFileSync(path.join(folder, notes), fs.readFileSync(path.join(folder, notes), "utf8").slice(0, -9));
    const before = fs.readdirSync(folder).sort();
    const forgotten = forgetMessages(folder, { column: "n", values: ["nobody"] }, false);
    await expect(forgotten).rejects.toMatchObject({ code: "SOURCE_UNREADABLE" });
    expect(fs.readdirSync(folder).sort()).toEqual(before);
  });

  it("names the batches in which a value stands elsewhere, and shows it in no refusal", async () => {
    await read(fakeTopic([5, 5]), "g", true);
    const { mentions } = await forgetMessages(path.join(root, "g"), { column: "other", values: ['"n":1'] }, false);
    expect(mentions).not.toEqual([]);
    await forgetMessages(path.join(root, "g"), { column: "n", values: ["broken"] }, false);
    const notes = fs.readdirSync(path.join(root, "g")).find((file) => file.endsWith(".parts.json"))!;
    expect(fs.readFileSync(path.join(root, "g", notes), "utf8")).not.toContain('"broken"');
  });

  it("refuses where there is no row yet, and says which server does not answer", async () => {
    await expect(read(fakeTopic([0, 0]), "b", true)).rejects.toMatchObject({ code: "SOURCE_EMPTY" });
    const scratch = fs.mkdtempSync(path.join(root, "scratch-"));
    const gone = readStream(source, { root, folder: null, scratch }, () => Promise.reject(new Error("ECONNREFUSED")));
    await expect(gone).rejects.toMatchObject({ code: "SOURCE_UNREACHABLE" });
  });
});

describe("the definition of a stream", () => {
  it("refuses what it cannot mean, and repeats no secret", () => {
    const nats = { url: "nats://host:4222", stream: "s", consumer: "c" };
    const cases: readonly (readonly [object, RegExp])[] = [
      [{}, /neither/],
      [{ nats, kafka }, /both/],
      [{ nats: { ...nats, url: "nats://user:s3cret@host:4222" } }, /env/],
      [{ nats: { ...nats, stream: "a.b" } }, /nats\.stream/],
      [{ nats, maxRows: 0 }, /maxRows/],
      [{ nats, maxWait: "10ms" }, /maxWait/],
      [{ kafka: { ...kafka, brokers: ["user:s3cret@host"] } }, /brokers/],
      [{ kafka: { ...kafka, user: { env: "U" } } }, /together/],
    ];
    for (const [options, message] of cases) {
      expect(() => stream(options as StreamOptions)).toThrow(message);
      expect(() => stream(options as StreamOptions)).not.toThrow(/s3cret/);
    }
  });
});
