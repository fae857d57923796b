import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { isBuilt } from "../e2e/cli.ts";

const program = join("test", "support", "model-digests.mjs");

function digests(...args: readonly string[]): Record<string, string> {
  return JSON.parse(execFileSync(process.execPath, [program, ...args], { encoding: "utf8" })) as Record<string, string>;
}

describe.skipIf(!isBuilt)("models, answers and explanations", () => {
  let all: Record<string, string> = {};
  beforeAll(() => (all = digests()));

  it.each([
    ["shared memory", "shared"],
    ["vector instructions", "vectors"],
    ["WebAssembly", "wasm"],
  ])("are the same bits without %s", (_, what) => {
    expect(Object.keys(all).length).toBeGreaterThan(25);
    expect(digests("--without", what)).toEqual(all);
  });
});
