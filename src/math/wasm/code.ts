import { type Code, constant, get, i32Load8, op, set } from "./assembler.ts";

// Pieces of code that the kernels put together.
export const put = (local: number, ...code: readonly Code[]): Code => [code, set(local)];
export const plus = (local: number, by: number): Code => [get(local), constant(by), op.i32Add];
export const byteAt = (local: number, offset = 0): Code => [get(local), i32Load8(offset)];
export const is = (code: Code, wanted: number): Code => [code, constant(wanted), op.i32Eq];
export const isNot = (code: Code, wanted: number): Code => [code, constant(wanted), op.i32Ne];
/** 16 lanes of one byte. */
export const bytes = (value: number): Code => [constant(value), op.i8x16Splat];
