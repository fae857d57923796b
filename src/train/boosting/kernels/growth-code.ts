import {
  type Code,
  type ImportedFunction,
  call,
  constant,
  f64Load,
  f64Store,
  get,
  i32,
  i32Load,
  i32Store,
  op,
} from "../../../math/wasm/assembler.ts";
import type { TrainingPlan } from "../plan.ts";

/** What of a training stands in the kernels as literals. */
export type GrowthPlan = Pick<TrainingPlan, "shape" | "layout" | "nRows" | "settings" | "loss">;

/** Whether kernels write gradients themselves as they sum all rows: those of logistic loss, of rows that weigh 1. */
export const isLogistic = ({ loss, layout }: Pick<GrowthPlan, "loss" | "layout">): boolean =>
  loss === "logistic" && layout.weights < 0;

export const addresses = (count: number): ImportedFunction["parameters"] => Array.from({ length: count }, () => i32);

/** What the module is given: the team's. */
export const barrier: ImportedFunction = { name: "barrier", parameters: [], result: null };

/** Calls a function with values. */
export const ask = (name: string, ...values: readonly Code[]): Code => [values, call(name)];

/** A field of the record at a local. */
export const word = (local: number, offset: number): Code => [get(local), i32Load(offset)];
export const number = (local: number, offset: number): Code => [get(local), f64Load(offset)];
export const setWord = (local: number, offset: number, ...value: readonly Code[]): Code => [
  get(local),
  value,
  i32Store(offset),
];
export const setNumber = (local: number, offset: number, ...value: readonly Code[]): Code => [
  get(local),
  value,
  f64Store(offset),
];

export const times = (code: Code, factor: number): Code => [code, constant(factor), op.i32Mul];
export const sum = (first: Code, ...others: readonly Code[]): Code => [first, others.map((code) => [code, op.i32Add])];
