import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compiledModule } from "../threads/location.ts";
import { endOf, forkWithin } from "./child-limits.ts";

let folder: string;
let entry: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "millrace-child-"));
  entry = path.join(folder, "child.mjs");
  await writeFile(
    entry,
    `import { keepWithin } from ${JSON.stringify(compiledModule("child-limits", import.meta.url))};
     const [work] = keepWithin();
     if (work === "spin") for (;;);
     process.once("message", (message) => process.send([work, message], () => process.exit(0)));
     process.send("begun");`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

const start = (work: string, timeoutMs: number): ReturnType<typeof forkWithin> =>
  forkWithin(entry, [work], { memoryMb: 640, timeoutMs }, ["ignore", "ignore", "ignore", "ipc"]);

it("leaves interrupts of the whole group to the parent", async () => {
  const child = start("wait", 60_000);
  expect(await once(child, "message")).toEqual(["begun", undefined]);
  child.kill("SIGINT");
  child.kill("SIGTERM");
  child.send("go on");
  expect(await once(child, "message")).toEqual([["wait", "go on"], undefined]);
  expect(await once(child, "close")).toEqual([0, null]);
});

it("tells what ended a process", async () => {
  const [, killer] = (await once(start("spin", 50), "close")) as [number | null, NodeJS.Signals | null];
  expect(endOf(killer)).toBe("time");
  const ends = (["SIGKILL", "SIGABRT", "SIGINT", "SIGTERM", "SIGSEGV", null] as const).map(endOf);
  expect(ends).toEqual(["memory", "memory", "interrupt", "interrupt", null, null]);
});
