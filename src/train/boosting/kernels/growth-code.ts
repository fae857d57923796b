import {
  type Code,
  type ImportedFunction,
  call,
  constant,
  f64,
  f64Load,
  f64Store,
  get,
  i32,
  i32Load,
  i32Store,
  op,
} from "../../../math/wasm/assembler.ts";
import type { TrainingPlan } from "../plan.ts";
import { type KernelShape, isSubtracted } from "./shape.ts";

/** What of a training stands in the kernels as literals. */
export type GrowthPlan = Pick<TrainingPlan, "shape" | "layout" | "nRows" | "settings">;

export const addresses = (count: number): ImportedFunction["parameters"] => Array.from({ length: count }, () => i32);

type GivenFunction =
  | "barrier"
  | "clear"
  | "sumListed"
  | "subtractListed"
  | "widen"
  | "mergeBinsAndSubtract"
  | "mergePackedAndSubtract"
  | "mergeKeptAndSubtract"
  | "partition"
  | "searchPair"
  | "takeSplit";

interface Given extends ImportedFunction {
  readonly name: GivenFunction;
}

const always: readonly Given[] = [
  { name: "barrier", parameters: [], result: null },
  { name: "clear", parameters: addresses(2), result: null },
  { name: "sumListed", parameters: addresses(5), result: null },
  { name: "mergeBinsAndSubtract", parameters: addresses(4), result: null },
  { name: "partition", parameters: addresses(6), result: i32 },
  { name: "searchPair", parameters: [...addresses(5), f64, f64, f64, f64, f64, f64, f64], result: null },
  { name: "takeSplit", parameters: [i32, i32, f64, i32], result: i32 },
];

const ofPacked: readonly Given[] = [
  { name: "widen", parameters: addresses(3), result: null },
  { name: "mergePackedAndSubtract", parameters: addresses(4), result: null },
  { name: "mergeKeptAndSubtract", parameters: addresses(4), result: null },
];

/** What the module calls: the team's barrier and kernels of the training's other module. */
export function givenFunctions(shape: KernelShape): readonly Given[] {
  const subtracting: readonly Given[] = [{ name: "subtractListed", parameters: addresses(5), result: null }];
  return [...always, ...(shape.isPacked ? ofPacked : []), ...(isSubtracted(shape) ? subtracting : [])];
}

type OwnFunction =
  | "clearRuns"
  | "flushRuns"
  | "sumLeaf"
  | "mergeRun"
  | "mergeLeaf"
  | "maySplit"
  | "settle"
  | "search"
  | "choose"
  | "split";

/** Calls a function, given or own. */
export const ask = (name: GivenFunction | OwnFunction, ...values: readonly Code[]): Code => [values, call(name)];

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
