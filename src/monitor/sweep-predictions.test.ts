import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { findPredictions } from "./find-predictions.ts";
import { forgetPredictions } from "./forget-predictions.ts";
import { readPredictionLog } from "./log-reader.ts";
import { predictionId } from "./prediction-id.ts";
import { openPredictionLog } from "./prediction-log.ts";
import { listSegments, segmentFile, segmentFolder } from "./segments.ts";
import { sweepPredictions } from "./sweep-predictions.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "millrace-sweep-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const day = 86_400_000;
/** No process has this number. */
const ended = 4_000_000_000;

async function segment(model: string, pid: number, serial: number, writtenMs: number): Promise<string> {
  const name = segmentFile(writtenMs - 1000, pid, serial);
  const file = path.join(segmentFolder(folder, model), name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, "12345");
  await utimes(file, writtenMs / 1000, writtenMs / 1000);
  return name;
}

describe("sweepPredictions", () => {
  it("removes what was last written before a time, of every model, and nothing else", async () => {
    await segment("a", ended, 0, 10 * day);
    const young = await segment("a", ended, 1, 12 * day);
    await segment("b", ended, 0, 3 * day);
    await writeFile(path.join(segmentFolder(folder, "b"), "note.txt"), "mine");
    expect(await sweepPredictions(folder, 11 * day, true)).toEqual({ segments: 2, bytes: 10 });
    expect(await readdir(segmentFolder(folder, "a"))).toHaveLength(2);
    expect(await sweepPredictions(folder, 11 * day, false)).toEqual({ segments: 2, bytes: 10 });
    expect(await readdir(segmentFolder(folder, "a"))).toEqual([young]);
    expect(await readdir(segmentFolder(folder, "b"))).toEqual(["note.txt"]);
    expect(await sweepPredictions(path.join(folder, "nothing"), 11 * day, false)).toEqual({ segments: 0, bytes: 0 });
  });

  it("leaves the segment a living process writes", async () => {
    const [, open] = [await segment("a", process.pid, 0, day), await segment("a", process.pid, 1, 2 * day)];
    await sweepPredictions(folder, 11 * day, false);
    expect(await readdir(segmentFolder(folder, "a"))).toEqual([open]);
  });

  it("is in nobody's way: of a segment that another swept since it was listed, readers and sweepers find nothing", async () => {
    const clock = fixedClock(5 * day);
    const log = openPredictionLog(folder, { clock, model: "m" });
    const id = predictionId(clock.now(), "00000000-0000-4000-8000-000000000001");
    log.append([{ id, time: clock.now(), version: 1, inputs: { a: 1 }, output: 1, latencyMs: 1 }]);
    await log.close();
    // A name that leads nowhere is listed, and gone for whoever asks on.
    await symlink("nowhere", path.join(segmentFolder(folder, "m"), segmentFile(5 * day - 1, ended, 0)));
    const window = { sinceMs: 0, untilMs: 10 * day };
    expect(await readPredictionLog(folder, "m", window)).toMatchObject({ entries: [{ id }], torn: 0, damaged: 0 });
    expect((await findPredictions(folder, "m", [id])).size).toBe(1);
    expect(await forgetPredictions(folder, "a", new Set(["1"]), true)).toMatchObject({ predictions: 1 });
    expect(await sweepPredictions(folder, 11 * day, false)).toEqual({ segments: 0, bytes: 0 });
  });

  it("finds a segment for each day, so that old entries can go", async () => {
    const clock = fixedClock(0);
    const log = openPredictionLog(folder, { clock, model: "m" });
    for (let hour = 0; hour < 72; hour += 8) {
      log.append([{ id: String(hour), time: clock.now(), version: 1, inputs: {}, output: 1, latencyMs: 1 }]);
      await log.flush();
      clock.advance(day / 3);
    }
    await log.close();
    expect((await listSegments(segmentFolder(folder, "m"))).map(({ startMs }) => startMs)).toEqual([0, day, 2 * day]);
  });
});
