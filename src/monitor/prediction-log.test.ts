import { appendFile, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import type { JsonObject } from "../core/json.ts";
import { encodeLine } from "./log-line.fixtures.ts";
import { decodeLine } from "./log-line.ts";
import type { PredictionEntry } from "./log-line.ts";
import { readPredictionLog } from "./log-reader.ts";
import { openPredictionLog } from "./prediction-log.ts";
import { listSegments, segmentFolder, segmentsWithin } from "./segments.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "millrace-log-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const everything = { sinceMs: -Infinity, untilMs: Infinity };

function entry(i: number, time = 1000 + i): PredictionEntry {
  return {
    id: `p${i}`,
    time,
    version: 1,
    inputs: { x: i, name: 'line\nbreak "quote" ü 💧' },
    output: i / 3,
    latencyMs: 0.5,
  };
}

const many = (n: number): PredictionEntry[] => Array.from({ length: n }, (_, i) => entry(i));

async function onlySegment(model = "m"): Promise<string> {
  const names = await readdir(segmentFolder(folder, model));
  expect(names).toHaveLength(1);
  return path.join(segmentFolder(folder, model), names[0]!);
}

/** The file of a log of so many entries. */
async function closedLog(n: number): Promise<{ readonly file: string; readonly bytes: Buffer }> {
  const log = openPredictionLog(folder, { clock: fixedClock(), model: "m" });
  log.append(many(n));
  await log.close();
  const file = await onlySegment();
  return { file, bytes: await readFile(file) };
}

describe("a log line", () => {
  it("round-trips any entry and stays one line of JSON", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (row, y) => {
          const given = { ...entry(1), inputs: row as JsonObject, output: y };
          const line = encodeLine(given);
          expect(line.indexOf("\n")).toBe(line.length - 1);
          const plain = JSON.parse(JSON.stringify(given)) as unknown;
          expect(decodeLine(line.slice(0, -1))).toEqual(plain);
          expect(JSON.parse(line)).toMatchObject(plain as object);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("is refused when a byte of it changed or its end is lost", () => {
    const line = encodeLine(entry(7)).slice(0, -1);
    for (let i = 0; i < line.length; ++i) {
      expect(decodeLine(line.slice(0, i))).toBeUndefined();
      const changed = line.slice(0, i) + String.fromCharCode(line.charCodeAt(i) ^ 1) + line.slice(i + 1);
      expect(decodeLine(changed)).toBeUndefined();
    }
  });
});

describe("openPredictionLog", () => {
  it("keeps what was appended, in order, readable by time window", async () => {
    const log = openPredictionLog(folder, { clock: fixedClock(500), model: "m" });
    log.append(many(10));
    log.append([{ kind: "rejected", time: 1003, version: 1, count: 2, codes: { kind: 1, min: 3 } }]);
    await log.close();
    const read = await readPredictionLog(folder, "m", { sinceMs: 1002, untilMs: 1005 });
    expect(read.entries).toEqual([entry(2), entry(3), entry(4)]);
    expect(read.rejected).toEqual({
      count: 2,
      codes: new Map([
        ["kind", 1],
        ["min", 3],
      ]),
    });
    expect([read.torn, read.damaged, log.counts()]).toEqual([0, 0, { written: 11, dropped: 0, failing: null }]);
  });

  it("keeps the text of the inputs that it is given, but not of an entry that is kept in part", async () => {
    const redact = (one: PredictionEntry): PredictionEntry =>
      one.id === "p1" ? { ...one, inputs: { x: 1 }, redacted: ["name"] } : one;
    const log = openPredictionLog(folder, { clock: fixedClock(), model: "m", redact });
    log.append([entry(0), entry(1), entry(2)], {
      inputs: ['{"x": 0}', '{"x":1,"name":"secret"}'],
      outputs: ["0.00"],
    });
    await log.close();
    const { entries } = await readPredictionLog(folder, "m", everything);
    expect(entries).toEqual([{ ...entry(0), inputs: { x: 0 }, output: 0 }, redact(entry(1)), entry(2)]);
    const text = await readFile(await onlySegment(), "utf8");
    expect([text.includes('"inputs":{"x": 0},'), text.includes("secret")]).toEqual([true, false]);
  });

  it("writes by itself after its flush time", async () => {
    const log = openPredictionLog(folder, { clock: fixedClock(), model: "m", flushMs: 5 });
    log.append([entry(0)]);
    await expect.poll(() => log.counts().written).toBe(1);
    expect((await readPredictionLog(folder, "m", everything)).entries).toHaveLength(1);
    await log.close();
  });

  it("flushes what was appended before, and waits for nothing that comes later", async () => {
    const log = openPredictionLog(folder, { clock: fixedClock(), model: "m", flushMs: 3_600_000 });
    let isFlushed = false;
    const flood = async (): Promise<void> => {
      for (let i = 0; !isFlushed; ++i) {
        log.append([entry(i)]);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    log.append([entry(-1)]);
    const flooding = flood();
    await log.flush();
    isFlushed = true;
    expect(log.counts().written).toBeGreaterThan(0);
    await flooding;
    await log.close();
    expect((await readPredictionLog(folder, "m", everything)).entries).toHaveLength(log.counts().written);
  });

  it("that is waited for does not grow with every group, and reads as it was appended, open or closed", async () => {
    const clock = { ...fixedClock(), now: () => 86_400_000 };
    const log = openPredictionLog(folder, { clock, model: "m", flushMs: 0 });
    const sizes = new Set<number>();
    for (let i = 0; i < 300; ++i) {
      log.append([{ ...entry(i), inputs: { text: "x".repeat(i * 3) } }]);
      await log.flush();
      sizes.add((await stat(await onlySegment())).size);
    }
    expect(sizes.size).toBeLessThan(5);
    const open = await readPredictionLog(folder, "m", everything);
    expect([open.entries.length, open.torn, open.damaged]).toEqual([300, 0, 0]);
    await log.close();
    expect(await readPredictionLog(folder, "m", everything)).toEqual(open);
    const file = await onlySegment();
    const text = await readFile(file, "utf8");
    expect([text.split("\n").length, text.endsWith("}\n")]).toEqual([301, true]);
    // By which it is swept: of its last entry.
    expect((await stat(file)).mtimeMs).toBe(86_400_000);
  });

  it("writes at once when enough waits", async () => {
    const log = openPredictionLog(folder, { clock: fixedClock(), model: "m", flushMs: 3_600_000, flushBytes: 1000 });
    log.append(many(50));
    await expect.poll(() => log.counts().written).toBe(50);
    await log.close();
  });

  it("begins a new segment when one is full, and reads across segments and processes", async () => {
    const clock = fixedClock(1000);
    const log = openPredictionLog(folder, { clock, model: "m", segmentBytes: 500 });
    for (const one of many(20)) {
      log.append([one]);
      await log.flush();
      clock.advance(1);
    }
    await log.close();
    const other = openPredictionLog(folder, { clock: fixedClock(900), model: "m" });
    other.append([entry(99, 1005.5)]);
    await other.close();
    expect((await listSegments(segmentFolder(folder, "m"))).length).toBeGreaterThan(3);
    const read = await readPredictionLog(folder, "m", everything);
    expect(read.entries).toHaveLength(21);
    expect(read.entries.map(({ time }) => time)).toEqual(read.entries.map(({ time }) => time).sort((a, b) => a - b));
  });

  it("keeps the newest entries where there are more than the limit", async () => {
    const log = openPredictionLog(folder, { clock: fixedClock(), model: "m" });
    log.append(many(30));
    log.append([{ kind: "rejected", time: 1001, version: 1, count: 5, codes: { kind: 5 } }]);
    await log.close();
    const read = await readPredictionLog(folder, "m", { ...everything, limit: 10 });
    expect(read.entries.map(({ id }) => id)).toEqual(
      many(30)
        .slice(20)
        .map(({ id }) => id),
    );
    expect([read.isLimited, read.rejected.count]).toEqual([true, 0]);
  });

  it("confines a model's name to the folder", async () => {
    for (const model of ["..", ".", "../../up", "a/b", "ü ber", "C:\\x", "*"]) {
      const log = openPredictionLog(folder, { clock: fixedClock(), model });
      log.append([entry(1)]);
      await log.close();
      expect(path.dirname(segmentFolder(folder, model))).toBe(path.join(folder, "predictions"));
      expect((await readPredictionLog(folder, model, everything)).entries).toHaveLength(1);
    }
    expect(await readdir(folder)).toEqual(["predictions"]);
  });

  it("reads a model without a log as empty", async () => {
    expect((await readPredictionLog(folder, "none", everything)).entries).toEqual([]);
  });
});

describe("a damaged log", () => {
  it("gives all whole entries wherever its tail is torn", async () => {
    const { file, bytes } = await closedLog(5);
    const ends = [...bytes.keys()].filter((i) => bytes[i] === 10);
    for (let length = 0; length <= bytes.length; length += 7) {
      await writeFile(file, bytes.subarray(0, length));
      const read = await readPredictionLog(folder, "m", everything);
      const whole = ends.filter((end) => end < length).length;
      expect(read.entries).toEqual(many(whole));
      expect(read.torn).toBe(length === 0 || ends.includes(length - 1) ? 0 : 1);
    }
  });

  it("gives all whole entries wherever its tail is torn before the blanks that were to be written over", async () => {
    const log = openPredictionLog(folder, { clock: fixedClock(), model: "m", flushMs: 0 });
    log.append(many(3));
    await log.flush();
    const file = await onlySegment();
    const bytes = await readFile(file);
    await log.close();
    const ends = [...bytes.keys()].filter((i) => bytes[i] === 10).slice(0, 3);
    for (let length = 0; length <= ends[2]! + 1; length += 7) {
      await writeFile(file, Buffer.concat([bytes.subarray(0, length), bytes.subarray(ends[2]! + 1)]));
      const read = await readPredictionLog(folder, "m", everything);
      const whole = ends.filter((end) => end < length).length;
      expect(read.entries).toEqual(many(whole));
      expect([read.torn, read.damaged]).toEqual([length === 0 || ends.includes(length - 1) ? 0 : 1, 0]);
    }
  });

  it("gives all entries whatever is left of the blanks behind them", async () => {
    const { file, bytes } = await closedLog(2);
    for (let left = 0; left < 3; ++left) {
      await writeFile(file, Buffer.concat([bytes, Buffer.from(`${" ".repeat(left)}\n`)]));
      const { entries, torn, damaged } = await readPredictionLog(folder, "m", everything);
      expect([entries, torn, damaged]).toEqual([many(2), 0, 0]);
    }
  });

  it("takes an entry of which only the end was written, or copied, for torn and not for damaged", async () => {
    const { file, bytes } = await closedLog(3);
    const lines = bytes.toString().split("\n");
    lines[1] = " ".repeat(20) + lines[1]!.slice(20);
    await writeFile(file, lines.join("\n"));
    const { entries, torn, damaged } = await readPredictionLog(folder, "m", everything);
    expect([entries, torn, damaged]).toEqual([[entry(0), entry(2)], 1, 0]);
  });

  it("passes over a damaged line in the middle and counts it", async () => {
    const { file, bytes } = await closedLog(3);
    const lines = bytes.toString().split("\n");
    lines[1] = lines[1]!.replace("p1", "pX");
    await writeFile(file, lines.join("\n"));
    const read = await readPredictionLog(folder, "m", everything);
    expect(read.entries).toEqual([entry(0), entry(2)]);
    expect(read.damaged).toBe(1);
  });

  it("does not append to a torn segment of a process before it", async () => {
    const first = openPredictionLog(folder, { clock: fixedClock(1), model: "m" });
    first.append([entry(0)]);
    await first.close();
    await appendFile(await onlySegment(), '{"crc":"dead');
    const second = openPredictionLog(folder, { clock: fixedClock(2), model: "m" });
    second.append([entry(1)]);
    await second.close();
    const read = await readPredictionLog(folder, "m", everything);
    expect(read.entries).toEqual([entry(0), entry(1)]);
    expect(read.torn).toBe(1);
  });
});

describe("a disk that refuses", () => {
  it.skipIf(process.platform !== "linux")("is counted, stops nothing, and is tried again", async () => {
    let isFull = true;
    const create = (file: string): ReturnType<typeof open> => open(isFull ? "/dev/full" : file, isFull ? "a" : "wx");
    const log = openPredictionLog(folder, { clock: fixedClock(), model: "m", create });
    log.append(many(4));
    await log.flush();
    expect(log.counts()).toEqual({ written: 0, dropped: 4, failing: "ENOSPC" });
    isFull = false;
    log.append([entry(9)]);
    await log.close();
    expect(log.counts()).toEqual({ written: 1, dropped: 4, failing: null });
    expect((await readPredictionLog(folder, "m", everything)).entries).toEqual([entry(9)]);
  });

  it("is counted where the folder cannot be made", async () => {
    await writeFile(path.join(folder, "predictions"), "a file in the way");
    const log = openPredictionLog(folder, { clock: fixedClock(), model: "m" });
    log.append(many(3));
    await log.close();
    expect(log.counts()).toEqual({ written: 0, dropped: 3, failing: "ENOTDIR" });
  });

  it("cannot make the log hold more than its bound in memory", async () => {
    const log = openPredictionLog(folder, { clock: fixedClock(), model: "m", maxWaitingBytes: 1000 });
    log.append(many(1000));
    expect(log.counts().dropped).toBeGreaterThan(980);
    await log.close();
    const { written, dropped } = log.counts();
    expect(written + dropped).toBe(1000);
  });
});

describe("segmentsWithin", () => {
  it("leaves out segments that ended before or began after the window, with a minute of slack", () => {
    const minute = 60_000;
    const segment = (startMs: number, pid: number) => ({ path: "", startMs, pid, serial: 0 });
    const all = [
      segment(0, 1),
      segment(10 * minute, 1),
      segment(15 * minute, 2),
      segment(20 * minute, 1),
      segment(40 * minute, 1),
    ];
    const starts = segmentsWithin(all, 22 * minute, 30 * minute).map((one) => [one.startMs / minute, one.pid]);
    expect(starts).toEqual([
      [15, 2],
      [20, 1],
    ]);
  });
});
