import { type Code, constant, get, i32Load8, op, select, set } from "./assembler.ts";

// Pieces of code that the kernels put together.
export const put = (local: number, ...code: readonly Code[]): Code => [code, set(local)];
/** Adds the products of two vectors of doubles, lane by lane, to a third. */
export const addProducts = (sum: number, left: number, right: number): Code => [
  [get(sum), get(left), get(right), op.f64x2Mul, op.f64x2Add],
  set(sum),
];
/** The address `bytes` on from the one in a local, or that in local `end` where it comes first. */
export const atMost = (at: number, end: number, bytes: Code): Code => {
  const left = [get(end), get(at), op.i32Sub];
  return [get(at), bytes, left, bytes, left, op.i32LtU, select, op.i32Add];
};
export const byteAt = (local: number, offset = 0): Code => [get(local), i32Load8(offset)];
export const is = (code: Code, wanted: number): Code => [code, constant(wanted), op.i32Eq];
export const isNot = (code: Code, wanted: number): Code => [code, constant(wanted), op.i32Ne];
/** 16 lanes of one byte. */
export const bytes = (value: number): Code => [constant(value), op.i8x16Splat];
