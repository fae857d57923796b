import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const program = join("test", "support", "model-digests.mjs");
const isBuilt = existsSync(join("dist", ".built"));

function digests(...args: readonly string[]): Record<string, string> {
  return JSON.parse(execFileSync(process.execPath, [program, ...args], { encoding: "utf8" })) as Record<string, string>;
}

describe.skipIf(!isBuilt)("models, answers and explanations (skipped without dist/)", () => {
  const all = isBuilt ? digests() : {};

  it.each([
    ["shared memory", "shared"],
    ["vector instructions", "vectors"],
    ["WebAssembly", "wasm"],
  ])("are the same bits without %s", (_, what) => {
    expect(Object.keys(all).length).toBeGreaterThan(25);
    expect(digests("--without", what)).toEqual(all);
  });
});
