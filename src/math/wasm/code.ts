import { constant, get, i32Load8, join, op, set } from "./assembler.ts";

/** Pieces of code that the kernels put together. */
export type Code = readonly number[];
export const seq = (...parts: readonly Code[]): number[] => join(parts);
export const put = (local: number, ...code: readonly Code[]): number[] => seq(...code, set(local));
export const plus = (local: number, by: number): number[] => seq(get(local), constant(by), op.i32Add);
export const byteAt = (local: number, offset = 0): number[] => seq(get(local), i32Load8(offset));
export const is = (code: Code, wanted: number): number[] => seq(code, constant(wanted), op.i32Eq);
export const isNot = (code: Code, wanted: number): number[] => seq(code, constant(wanted), op.i32Ne);
/** 16 lanes of one byte. */
export const bytes = (value: number): number[] => seq(constant(value), op.i8x16Splat);
