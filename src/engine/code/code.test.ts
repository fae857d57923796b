import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../store/store.fixtures.ts";
import { readModuleGraph } from "./graph.ts";
import { ownStepNames, pipelineStepCode, workflowStepCode } from "./roots.ts";

let folder: { path: string; remove: () => Promise<void> };
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const files: Record<string, string> = {
  "pipelines/flow.ts": `
    import { map, step, workflow } from "millrace";
    import { scale } from "../lib/scale.ts";
    import * as words from "../lib/words.ts";
    import type { Row } from "../lib/types.ts";
    import table from "../lib/table.json";
    import { Mode, Units } from "../lib/units.ts";
    const limit = 10;
    const load = step({ name: "load", run: (): Row[] => [{ n: limit + Units.Deep.of(Mode.Fast) }] });
    const scaled = step({ name: "scaled", inputs: { load: load.output }, run: ({ inputs: { load } }) => load.map((row) => scale(row.n)) });
    const each = map(scaled.output, (n) => step({ name: "each", inputs: { n }, run: ({ inputs }) => inputs.n + table.extra }));
    const told = step({ name: "told", inputs: { each: each.output }, run: tell });
    function tell() { return words.hello; }
    const made = (name: string) => step({ name, run: () => 1 });
    export default workflow({ name: "flow", steps: [told, made("made")] });
  `,
  "lib/scale.ts": `
    import { factor } from "./factor.ts";
    export const scale = (n: number): number => n * factor();
    export const unrelated = 1;
  `,
  "lib/factor.ts": `
    export function factor() { return state.size + 2; }
    export const other = 5;
    const state = new Map<string, number>();
  `,
  "lib/units.ts": `
    export namespace Units {
      const factor = 2;
      export namespace Deep { export const of = (n: number): number => n * factor; }
    }
    export enum Mode { Slow = 1, Fast = 2 }
  `,
  "lib/words.ts": `export const hello = "hello"; export const bye = "bye";`,
  "lib/types.ts": `export interface Row { n: number }`,
  "lib/table.json": `{ "extra": 1 }`,
};

function write(changes: Record<string, (text: string) => string> = {}): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, changes[name]?.(text) ?? text);
  }
}

const names = ["load", "scaled", "each", "told", "made"];

async function digests(changes: Record<string, (text: string) => string> = {}): Promise<Map<string, string>> {
  write(changes);
  const graph = await readModuleGraph(join(folder.path, "pipelines/flow.ts"), folder.path, "1.0.0");
  return new Map(names.map((name) => [name, workflowStepCode(graph, name).digest]));
}

/** Names of the steps whose code counts as changed. */
async function changedBy(changes: Record<string, (text: string) => string>): Promise<string[]> {
  const before = await digests();
  const after = await digests(changes);
  return names.filter((name) => before.get(name) !== after.get(name) && name !== "made");
}

const swap = (from: string, to: string) => (text: string) => {
  expect(text).toContain(from);
  return text.replace(from, to);
};

describe("a workflow step's code", () => {
  it("changes with a helper two imports away, for exactly the steps that use it", async () => {
    expect(await changedBy({ "lib/factor.ts": swap("+ 2", "+ 3") })).toEqual(["scaled"]);
  });

  it.each([
    ["a comment", { "lib/factor.ts": swap("return", "/* why */ return") }],
    ["spaces and quotes", { "lib/words.ts": swap(`"hello";`, `'hello'  ;`) }],
    ["an unrelated export", { "lib/scale.ts": swap("unrelated = 1", "unrelated = 2") }],
    ["an unrelated export two imports away", { "lib/factor.ts": swap("other = 5", "other = 6") }],
    ["a type", { "lib/scale.ts": swap("(n: number): number", "(n: number & {}): number") }],
    ["a type elsewhere", { "lib/types.ts": swap("n: number", "n: number; m?: string") }],
    [
      "an input of another step",
      { "pipelines/flow.ts": swap("inputs: { each: each.output }", "inputs: { each: load.output }") },
    ],
  ])("does not change with %s", async (_, changes) => {
    expect(await changedBy(changes)).toEqual([]);
  });

  it.each([
    ["its own text", { "pipelines/flow.ts": swap("row.n)", "row.n + 1)") }, ["scaled"]],
    ["a constant it reads", { "pipelines/flow.ts": swap("limit = 10", "limit = 11") }, ["load"]],
    ["a function it names", { "pipelines/flow.ts": swap("return words.hello", "return words.bye") }, ["told"]],
    ["any part of a namespace it uses", { "lib/words.ts": swap(`"bye"`, `"goodbye"`) }, ["told"]],
    ["what stands in a TypeScript namespace", { "lib/units.ts": swap("factor = 2", "factor = 3") }, ["load"]],
    ["what stands in one within another", { "lib/units.ts": swap("n * factor", "n + factor") }, ["load"]],
    ["a member of an enum", { "lib/units.ts": swap("Fast = 2", "Fast = 3") }, ["load"]],
    ["a JSON file it imports", { "lib/table.json": swap("1", "2") }, ["each"]],
    [
      "state its helper reads",
      { "lib/factor.ts": swap("new Map<string, number>()", `new Map([["a", 1]])`) },
      ["scaled"],
    ],
    [
      "code that touches that state",
      { "lib/factor.ts": (text: string) => `${text}\n state.set("a", 1);` },
      names.slice(0, 4),
    ],
    [
      "a declaration that may change that state",
      {
        "lib/factor.ts": (text: string) =>
          `${text}\n const size = fill(state); function fill(m: Map<string, number>) { return m.set("a", 1).size; }`,
      },
      ["scaled"],
    ],
  ])("changes with %s", async (_, changes, steps) => {
    expect(await changedBy(changes)).toEqual(steps);
  });

  it("of a step made inside a function is everything the file exports", async () => {
    const before = await digests();
    const after = await digests({ "pipelines/flow.ts": swap("row.n)", "row.n + 1)") });
    expect(after.get("made")).not.toBe(before.get("made"));
  });

  it("counts what it imports by `import x = require()`", async () => {
    mkdirSync(join(folder.path, "lib"));
    const file = join(folder.path, "old.ts");
    writeFileSync(
      file,
      `import { step, workflow } from "millrace";
       import older = require("./lib/older.cjs");
       const one = step({ name: "one", run: () => older.value });
       export default workflow({ name: "old", steps: [one] });`,
    );
    const digestWith = async (value: number): Promise<string> => {
      writeFileSync(join(folder.path, "lib", "older.cjs"), `exports.value = ${value};`);
      return workflowStepCode(await readModuleGraph(file, folder.path, "1.0.0"), "one").digest;
    };
    const before = await digestWith(1);
    expect(await digestWith(1)).toBe(before);
    expect(await digestWith(2)).not.toBe(before);
  });

  it("names its parts", async () => {
    write();
    const graph = await readModuleGraph(join(folder.path, "pipelines/flow.ts"), folder.path, "1.0.0");
    expect(Object.keys(workflowStepCode(graph, "scaled").parts)).toEqual([
      "lib/factor.ts#factor",
      "lib/factor.ts#state",
      "lib/scale.ts#scale",
      "pipelines/flow.ts#scaled",
    ]);
  });
});

describe("a pipeline's own step", () => {
  it("is told apart from the rest of the definition", async () => {
    const codeWith = async (limit: number, trials: number): Promise<[string, string]> => {
      const path = join(folder.path, "p.ts");
      writeFileSync(
        path,
        `
        import { pipeline, boosting, tune } from "millrace";
        const limit = ${limit};
        const steps = { watch: { after: "evaluate", run({ metrics }) { if (metrics.r2 < limit) throw new Error("low"); } }, note: { after: "train", run: () => {} } } as const;
        export default pipeline({ name: "p", model: tune(boosting(), { trials: ${trials} }), steps });`,
      );
      const graph = await readModuleGraph(path, folder.path, "1.0.0");
      return [pipelineStepCode(graph, "watch").digest, pipelineStepCode(graph, "note").digest];
    };
    const [watch, note] = await codeWith(1, 3);
    expect(await codeWith(1, 4)).toEqual([watch, note]);
    const [changed, same] = await codeWith(2, 3);
    expect([changed === watch, same === note]).toEqual([false, true]);
  });

  it("knows the steps a file defines for itself, not those it gives to others", async () => {
    const file = join(folder.path, "steps.ts");
    writeFileSync(
      file,
      `import { map, step, workflow } from "millrace";
       export const shared = step({ name: "shared", run: () => [1] });
       const inner = map(shared.output, (n) => step({ name: "inner", inputs: { n }, run: () => 1 }));
       const lost = step({ name: "lost", run: () => 1 });
       export default workflow({ name: "w", steps: [inner] });`,
    );
    expect(ownStepNames(await readModuleGraph(file, folder.path, "1"))).toEqual(["inner", "lost"]);
  });
});
