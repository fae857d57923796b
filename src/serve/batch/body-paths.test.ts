import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bodyPaths } from "./body-paths.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "millrace-paths-"));
});
afterAll(() => rm(folder, { recursive: true }));

const startedMs = Date.UTC(2026, 0, 1);

it("removes what processes that are gone left behind, also one of the same number, and nothing else", async () => {
  const gone = spawnSync(process.execPath, ["--version"]).pid;
  const write = async (name: string, sinceStartS: number): Promise<void> => {
    await writeFile(path.join(folder, name), "PAR1");
    const time = startedMs / 1000 + sinceStartS;
    await utimes(path.join(folder, name), time, time);
  };
  await write(`millrace-body-${gone}-a`, -60);
  await write(`millrace-body-${process.pid}-b`, -60);
  await write(`millrace-body-${process.pid}-c`, 60);
  await write(`millrace-body-${process.ppid}-d`, -60);
  await write(`another-${gone}-e`, -60);
  const next = await bodyPaths(folder, startedMs);
  expect((await readdir(folder)).sort()).toEqual(
    [`another-${gone}-e`, `millrace-body-${process.pid}-c`, `millrace-body-${process.ppid}-d`].sort(),
  );
  const [one, other] = [next(), next()];
  expect(one).not.toBe(other);
  expect(path.basename(one)).toMatch(new RegExp(`^millrace-body-${process.pid}-`));
  expect(path.dirname(one)).toBe(folder);
});

it("gives names where the folder cannot be looked through, too", async () => {
  expect((await bodyPaths(path.join(folder, "none"), startedMs))()).toContain("none");
});
