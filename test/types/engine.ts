// Workflows: planted mistakes, each caught on the line below its comment and nowhere else; each has a corrected twin.
import { workflow, step, map, file, onlyIf, type StepOutputs } from "../../src/index.ts";

const load = step({ name: "load", run: () => [1, 2, 3] });
const named = step({ name: "named", run: async () => ({ title: "a", rows: [{ id: 1 }] }) });
const many = step({
  name: "many",
  inputs: { rows: load.output },
  params: { factor: 2 },
  outputs: { scaled: "array", raw: "bytes", plot: "file", facts: "json" },
  run: async ({ inputs, params, scratch }) => ({
    scaled: Float64Array.from(inputs.rows, (row) => row * params.factor),
    raw: new Uint8Array(2),
    plot: file(`${await scratch()}/plot.svg`),
    facts: { count: inputs.rows.length },
  }),
});
const each = map(load.output, (row) => step({ name: "each", inputs: { row, all: load.output }, run: ({ inputs }) => inputs.row / inputs.all.length }));
const total = step({ name: "total", inputs: { parts: each.output }, run: ({ inputs }) => inputs.parts.reduce((a, b) => a + b, 0) });
workflow({ name: "w", steps: [many, total] });

//// 1 an input of the wrong type
step({ name: "a", inputs: { rows: load.output },
  // @ts-expect-error
  run: ({ inputs }) => inputs.rows.toUpperCase() });
step({ name: "a", inputs: { rows: load.output }, run: ({ inputs }) => inputs.rows.join() });
//// 2 an input that is not declared
step({ name: "a", inputs: { rows: load.output },
  // @ts-expect-error
  run: ({ inputs }) => inputs.row });
step({ name: "a", inputs: { rows: load.output }, run: ({ inputs }) => inputs.rows });
//// 3 an unknown output
step({ name: "a", inputs: {
  // @ts-expect-error
  x: many.outputs.picture }, run: () => 1 });
step({ name: "a", inputs: { x: many.outputs.plot }, run: ({ inputs }) => inputs.x.path });
//// 4 a value where a handle belongs
step({ name: "a", inputs: {
  // @ts-expect-error
  x: 3 }, run: () => 1 });
step({ name: "a", params: { x: 3 }, run: ({ params }) => params.x });
//// 5 a whole step where a handle belongs
step({ name: "a", inputs: {
  // @ts-expect-error
  x: load }, run: () => 1 });
step({ name: "a", inputs: { x: load.output }, run: ({ inputs }) => inputs.x });
//// 6 the sole output of a step that declares several
step({ name: "a", inputs: {
  // @ts-expect-error
  x: many.output }, run: () => 1 });
step({ name: "a", inputs: { x: many.outputs.facts }, run: ({ inputs }) => inputs.x.count });
//// 7 a map as JSON
step({ name: "a",
  // @ts-expect-error
  run: () => new Map([["a", 1]]) });
step({ name: "a", run: () => [["a", 1]] });
//// 8 a date inside JSON
step({ name: "a",
  // @ts-expect-error
  run: () => ({ at: new Date() }) });
step({ name: "a", run: () => ({ at: "2026-01-01" }) });
//// 9 a number JSON cannot say
step({ name: "a",
  // @ts-expect-error
  run: () => [1n] });
step({ name: "a", run: () => [1] });
//// 10 a typed array without a declared output
step({ name: "a",
  // @ts-expect-error
  run: () => new Float64Array(3) });
step({ name: "a", outputs: { x: "array" }, run: () => ({ x: new Float64Array(3) }) });
//// 11 a number where bytes are declared
step({ name: "a", outputs: { x: "bytes" },
  // @ts-expect-error
  run: () => ({ x: 3 }) });
step({ name: "a", outputs: { x: "bytes" }, run: () => ({ x: new Uint8Array(3) }) });
//// 12 a declared output that is not returned
step({ name: "a", outputs: { x: "json", y: "json" },
  // @ts-expect-error
  run: () => ({ x: 3 }) });
step({ name: "a", outputs: { x: "json", y: "json" }, run: () => ({ x: 3, y: 4 }) });
//// 13 an output that is returned but not declared
step({ name: "a", outputs: { x: "json" },
  // @ts-expect-error
  run: () => ({ x: 3, y: 4 }) });
//// 14 a kind there is not
export const kinds: StepOutputs = {
  // @ts-expect-error
  x: "yaml" };
export const fine: StepOutputs = { x: "json" };
//// 15 fan-out over what is no list
map(
  // @ts-expect-error
  named.output, (x) => step({ name: "a", inputs: { x }, run: () => 1 }));
map(load.output, (x) => step({ name: "a", inputs: { x }, run: ({ inputs }) => inputs.x + 1 }));
//// 16 an element of the wrong type
map(load.output, (x) => step({ name: "a", inputs: { x },
  // @ts-expect-error
  run: ({ inputs }) => inputs.x.length }));
map(load.output, (x) => step({ name: "a", inputs: { x }, run: ({ inputs }) => inputs.x.toFixed(1) }));
//// 17 the result of a fan-out is a list
step({ name: "a", inputs: { x: each.output },
  // @ts-expect-error
  run: ({ inputs }) => inputs.x.toFixed(1) });
step({ name: "a", inputs: { x: each.output }, run: ({ inputs }) => inputs.x.map((value) => value.toFixed(1)) });
//// 18 a condition on another type
step({ name: "a", run: () => 1,
  // @ts-expect-error
  when: onlyIf(named.output, (value) => value.length > 1) });
step({ name: "a", run: () => 1, when: onlyIf(named.output, (value) => value.rows.length > 1) });
//// 19 a condition that is no truth
step({ name: "a", run: () => 1,
  // @ts-expect-error
  when: onlyIf(load.output, (rows) => rows.length) });
step({ name: "a", run: () => 1, when: onlyIf(load.output, (rows) => rows.length > 0) });
//// 20 a parameter JSON cannot say
step({ name: "a",
  // @ts-expect-error
  params: { at: new Date() }, run: () => 1 });
step({ name: "a", params: { at: "2026-01-01" }, run: () => 1 });
//// 21 a parameter that is not declared
step({ name: "a", params: { factor: 2 },
  // @ts-expect-error
  run: ({ params }) => params.facter });
step({ name: "a", params: { factor: 2 }, run: ({ params }) => params.factor });
//// 22 a duration that is none
step({ name: "a", run: () => 1,
  // @ts-expect-error
  timeout: "soon" });
step({ name: "a", run: () => 1, timeout: "90s" });
//// 23 an option that is none
step({ name: "a", run: () => 1,
  // @ts-expect-error
  retries: 3 });
step({ name: "a", run: () => 1, retry: { attempts: 3, delay: "1s" } });
//// 24 a workflow of handles
workflow({ name: "w", steps: [
  // @ts-expect-error
  load.output] });
workflow({ name: "w", steps: [load] });
//// 25 a step cannot read itself: there is no handle before there is a step
// @ts-expect-error
const self = step({ name: "self", inputs: {
  // @ts-expect-error
  x: self.output }, run: () => 1 });
