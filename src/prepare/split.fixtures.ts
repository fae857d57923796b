import { createRng } from "../core/rng.ts";
import type { ColumnData } from "../frame/column.ts";
import { createFrame } from "../frame/frame.ts";
import { rowsWithCode } from "../frame/split-codes.ts";
import type { Roles, Task } from "../model/model.ts";
import type { SplitInput } from "./split.ts";

export const noRoles: Roles = { target: null, id: null, time: null, group: null, weight: null, sensitive: [] };
export const shares = { test: 0.2, validation: 0.15 };
export const everyWay = ["random", "hash", "target", "time", "group"] as const;

export function numbers(values: Iterable<number>): ColumnData {
  return { kind: "number", values: Float64Array.from(values) };
}

export function inputOf(
  columns: Record<string, ColumnData>,
  roles: Partial<Roles>,
  task: Task = "regression",
  seed = 1,
): SplitInput {
  const first = Object.values(columns)[0]!;
  const nRows = first.kind === "category" ? first.codes.length : first.values.length;
  return {
    frame: createFrame(nRows, Object.entries(columns)),
    roles: { ...noRoles, ...roles },
    task,
    rng: createRng(seed),
  };
}

/** A frame on which each way of splitting can be asked for. */
export function mixedInput(nRows: number, seed: number): SplitInput {
  const rng = createRng(seed);
  const draw = (bound: number): number[] => Array.from({ length: nRows }, () => rng.integer(bound));
  return inputOf(
    {
      label: {
        kind: "category",
        codes: Int32Array.from(draw(10), (v) => (v < 6 ? 0 : v < 9 ? 1 : 2)),
        levels: ["a", "b", "c"],
      },
      time: { kind: "timestamp", values: Float64Array.from(draw(nRows)) },
      group: { kind: "text", values: draw(Math.ceil(nRows / 4)).map((v) => `group ${v}`) },
      id: numbers(Array.from({ length: nRows }, (_, i) => i)),
    },
    { target: "label", time: "time", group: "group", id: "id" },
    "multiclass",
    seed,
  );
}

export function firstRows(column: ColumnData, count: number): ColumnData {
  if (column.kind === "category") return { ...column, codes: column.codes.slice(0, count) };
  if (column.kind === "text") return { ...column, values: column.values.slice(0, count) };
  if (column.kind === "boolean") return { ...column, values: column.values.slice(0, count) };
  return { kind: column.kind, values: column.values.slice(0, count) };
}

export function countOf(codes: Uint8Array, code: number): number {
  return rowsWithCode(codes, code).length;
}
