import { signed, unsigned } from "./leb128.ts";

/**
 * A WebAssembly assembler of just the instructions our kernels use. They are assembled at run time
 * because row stride, histogram offsets and the packing of counts are constants of one training: as literals they cost
 * nothing. Encoding: WebAssembly Core Specification 2.0, chapter 5.
 */
export type ValueType = 0x7f | 0x7e | 0x7c | 0x7b;
export const i32: ValueType = 0x7f;
export const i64: ValueType = 0x7e;
export const f64: ValueType = 0x7c;
export const v128: ValueType = 0x7b;

/**
 * Bytes, names of functions for their numbers, and pieces of such code, one after the other. A piece is only pointed to, however often it
 * is used: `assemble` writes each byte out once. Before V8 has compiled what does it, copying took longer than a small training.
 */
export type Code = readonly (number | string | Code)[];

/** Instructions without immediates. */
export const op = {
  i32Eqz: [0x45],
  i32Eq: [0x46],
  i32Ne: [0x47],
  i32LtS: [0x48],
  i32LtU: [0x49],
  i32GtS: [0x4a],
  i32GtU: [0x4b],
  i32LeU: [0x4d],
  i32GeU: [0x4f],
  i64Clz: [0x79],
  i64Ctz: [0x7a],
  i64Popcnt: [0x7b],
  i64Sub: [0x7d],
  i32Ctz: [0x68],
  i32Popcnt: [0x69],
  i32Add: [0x6a],
  i32Sub: [0x6b],
  i32Mul: [0x6c],
  i32DivU: [0x6e],
  i32And: [0x71],
  i32Or: [0x72],
  i32Xor: [0x73],
  i32Shl: [0x74],
  i32ShrU: [0x76],
  i64Eqz: [0x50],
  i64Ne: [0x52],
  i64GtU: [0x56],
  i64GeS: [0x59],
  f64Eq: [0x61],
  f64Ne: [0x62],
  f64Lt: [0x63],
  f64Gt: [0x64],
  f64Le: [0x65],
  f64Ge: [0x66],
  f64Abs: [0x99],
  f64Neg: [0x9a],
  f64Add: [0xa0],
  f64Sub: [0xa1],
  f64Mul: [0xa2],
  f64Div: [0xa3],
  f64Max: [0xa5],
  f64x2Splat: [0xfd, 0x14],
  /** The lower two of four signed 32-bit lanes as doubles. */
  f64x2FromI32x4: [0xfd, 0xfe, 0x01],
  f64x2Pmin: [0xfd, 0xf6, 0x01],
  f64x2Pmax: [0xfd, 0xf7, 0x01],
  i32Wrap: [0xa7],
  i64ReinterpretF64: [0xbd],
  f64FromI32: [0xb7],
  f64FromI64: [0xb9],
  i32FromF64: [0xfc, 0x02],
  i64FromF64: [0xfc, 0x06],
  i64Add: [0x7c],
  i64Mul: [0x7e],
  i64And: [0x83],
  i64Xor: [0x85],
  i64Shl: [0x86],
  i64Or: [0x84],
  i64ShrS: [0x87],
  i64ShrU: [0x88],
  i64ExtendU: [0xad],
  i64x2Splat: [0xfd, 0x12],
  i32x4Splat: [0xfd, 0x11],
  i32x4Add: [0xfd, 0xae, 0x01],
  i32x4Mul: [0xfd, 0xb5, 0x01],
  i32x4Shl: [0xfd, 0xab, 0x01],
  i32x4Bitmask: [0xfd, 0xa4, 0x01],
  i64x2Shl: [0xfd, 0xcb, 0x01],
  i64x2ShrS: [0xfd, 0xcc, 0x01],
  i64x2ShrU: [0xfd, 0xcd, 0x01],
  i64x2Add: [0xfd, 0xce, 0x01],
  i64x2Sub: [0xfd, 0xd1, 0x01],
  i64x2GtS: [0xfd, 0xd9, 0x01],
  i64x2AllTrue: [0xfd, 0xc3, 0x01],
  i64x2Bitmask: [0xfd, 0xc4, 0x01],
  f64x2Eq: [0xfd, 0x47],
  f64x2Ne: [0xfd, 0x48],
  f64x2Lt: [0xfd, 0x49],
  f64x2Gt: [0xfd, 0x4a],
  f64x2Le: [0xfd, 0x4b],
  f64x2Ge: [0xfd, 0x4c],
  f64x2Floor: [0xfd, 0x75],
  f64x2Trunc: [0xfd, 0x7a],
  f64x2Sqrt: [0xfd, 0xef, 0x01],
  f64x2Abs: [0xfd, 0xec, 0x01],
  f64x2Add: [0xfd, 0xf0, 0x01],
  f64x2Sub: [0xfd, 0xf1, 0x01],
  f64x2Mul: [0xfd, 0xf2, 0x01],
  f64x2Div: [0xfd, 0xf3, 0x01],
  f32x4Add: [0xfd, 0xe4, 0x01],
  f32x4Mul: [0xfd, 0xe6, 0x01],
  i8x16Splat: [0xfd, 0x0f],
  i8x16Swizzle: [0xfd, 0x0e],
  i8x16Eq: [0xfd, 0x23],
  i8x16MinU: [0xfd, 0x77],
  i8x16GtS: [0xfd, 0x27],
  i8x16GtU: [0xfd, 0x28],
  /** Target, source and number of bytes, which may overlap. */
  memoryCopy: [0xfc, 0x0a, 0, 0],
  i8x16LeS: [0xfd, 0x29],
  i8x16Bitmask: [0xfd, 0x64],
  i8x16Add: [0xfd, 0x6e],
  i8x16Sub: [0xfd, 0x71],
  i16x8NarrowI32x4U: [0xfd, 0x86, 0x01],
  i16x8ShrU: [0xfd, 0x8d, 0x01],
  i16x8Add: [0xfd, 0x8e, 0x01],
  i16x8Mul: [0xfd, 0x95, 0x01],
  i32x4DotI16x8S: [0xfd, 0xba, 0x01],
  /** Start, byte and number of bytes. */
  memoryFill: [0xfc, 0x0b, 0],
  v128And: [0xfd, 0x4e],
  v128AndNot: [0xfd, 0x4f],
  v128Bitselect: [0xfd, 0x52],
  v128Or: [0xfd, 0x50],
  v128Xor: [0xfd, 0x51],
  v128AnyTrue: [0xfd, 0x53],
  /** Ends the function with the value on the stack. */
  giveBack: [0x0f],
  end: [0x0b],
} as const;

export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number): Code => [0x21, unsigned(local)];
export const tee = (local: number): Code => [0x22, unsigned(local)];
export function constant(value: number): Code {
  const bytes = [0x41];
  let rest = value | 0;
  // As `signed`, without big integers: a module has thousands of them, and is assembled while threads wait for it.
  for (; rest < -64 || rest > 63; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest & 0x7f);
  return bytes;
}
export const i64Constant = (value: bigint): Code => [0x42, signed(value)];
export function f64Constant(value: number): Code {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return [0x44, Array.from(bytes)];
}
/** Alignment is a hint only; 0 promises nothing and costs nothing on x64 and arm64. */
export const i32Load = (offset: number): Code => [0x28, 0, unsigned(offset)];
export const i32Load8 = (offset: number): Code => [0x2d, 0, unsigned(offset)];
export const i32Load16 = (offset: number): Code => [0x2f, 0, unsigned(offset)];
export const i32Store8 = (offset: number): Code => [0x3a, 0, unsigned(offset)];
export const i32Store16 = (offset: number): Code => [0x3b, 0, unsigned(offset)];
export const i32Store = (offset: number): Code => [0x36, 0, unsigned(offset)];
export const i64Load = (offset: number): Code => [0x29, 0, unsigned(offset)];
/** Loads a signed 32-bit integer and widens it. */
export const i64Load32 = (offset: number): Code => [0x34, 0, unsigned(offset)];
export const i64Store = (offset: number): Code => [0x37, 0, unsigned(offset)];
/** Loads and stores that threads see in one order; at addresses that are multiples of their bytes. */
export const i64AtomicLoad = (offset: number): Code => [0xfe, 0x11, 3, unsigned(offset)];
export const i64AtomicStore = (offset: number): Code => [0xfe, 0x18, 3, unsigned(offset)];
/** Adds to the number there, which it gives as it was. */
export const i32AtomicAdd = (offset: number): Code => [0xfe, 0x1e, 2, unsigned(offset)];
export const i64AtomicAdd = (offset: number): Code => [0xfe, 0x1f, 3, unsigned(offset)];
export const f64Load = (offset: number): Code => [0x2b, 0, unsigned(offset)];
export const f64Store = (offset: number): Code => [0x39, 0, unsigned(offset)];
export const v128Load = (offset: number): Code => [0xfd, 0x00, 0, unsigned(offset)];
/** Loads two signed 32-bit integers and widens them to two 64-bit lanes. */
export const v128Load32x2 = (offset: number): Code => [0xfd, 0x05, 0, unsigned(offset)];
/** Loads 64 bits into the lower half; the upper one is 0. */
export const v128Load64Zero = (offset: number): Code => [0xfd, 0x5d, 0, unsigned(offset)];
export const v128Store = (offset: number): Code => [0xfd, 0x0b, 0, unsigned(offset)];
/** Loads 64 bits into the upper half of the vector on the stack. */
export const v128Load64Upper = (offset: number): Code => [0xfd, 0x57, 0, unsigned(offset), 1];
/** Loads one byte into a lane of the vector on the stack. */
export const v128Load8Lane = (lane: number): Code => [0xfd, 0x54, 0, 0, lane];
/** Loads one byte into all 16 lanes. */
export const v128Load8Splat = (offset: number): Code => [0xfd, 0x07, 0, unsigned(offset)];
/** Loads one 32-bit number into all 4 lanes. */
export const v128Load32Splat = (offset: number): Code => [0xfd, 0x09, 0, unsigned(offset)];
/** Loads one 64-bit number into both lanes. */
export const v128Load64Splat = (offset: number): Code => [0xfd, 0x0a, 0, unsigned(offset)];
export const i16x8ExtractLane = (lane: number): Code => [0xfd, 0x19, lane];
export const i32x4ExtractLane = (lane: number): Code => [0xfd, 0x1b, lane];
export const f64x2ReplaceLane = (lane: number): Code => [0xfd, 0x22, lane];
export const f64x2ExtractLane = (lane: number): Code => [0xfd, 0x21, lane];
/** Of two values under a condition, all on the stack: the first where the condition is not 0. */
export const select: Code = [0x1b];

/** The address in a local, so many bytes on. */
export const plus = (local: number, by: number): Code => [get(local), constant(by), op.i32Add];
/** Moves the address in a local. */
export const move = (local: number, by: number): Code => [plus(local, by), set(local)];
/** Whether the address in a local is below another: for the end of `loop`. */
export const isBelow = (local: number, end: number): Code => [get(local), get(end), op.i32LtU];

/** Picks 16 of the 32 bytes of the two vectors on the stack. */
export const i8x16Shuffle = (lanes: readonly number[]): Code => [0xfd, 0x0d, lanes];
/** Of two vectors of 64-bit lanes: both first lanes, and both second ones. */
export const firstLanes: Code = i8x16Shuffle([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
export const secondLanes: Code = i8x16Shuffle([8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31]);

/** Two 64-bit lanes as a literal. */
export function v128Constant(low: bigint, high: bigint): Code {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, low, true);
  view.setBigInt64(8, high, true);
  return [0xfd, 0x0c, Array.from(bytes)];
}

/** Runs `body` again while the condition it leaves on the stack is true: at least once. */
export const loop = (...body: readonly Code[]): Code => [0x03, 0x40, body, 0x0d, 0, 0x0b];

/** A place that `leave` leaves: what follows it is next. */
export const block = (...body: readonly Code[]): Code => [0x02, 0x40, body, 0x0b];
/** A place that `leave` returns to: `body` runs again. */
export const again = (...body: readonly Code[]): Code => [0x03, 0x40, body, 0x0b];
/** Leaves the place so many places further out; 0 = the innermost. */
export const leave = (outwards: number): Code => [0x0c, unsigned(outwards)];
/** Leaves it where the i32 on the stack is not 0. */
export const leaveIf = (outwards: number): Code => [0x0d, unsigned(outwards)];

/** Runs `body` where the i32 on the stack is not 0. */
export const when = (...body: readonly Code[]): Code => [0x04, 0x40, body, 0x0b];

/** Runs `body` there, and `other` where it is 0. */
export const whenElse = (body: Code, other: Code): Code => [0x04, 0x40, body, 0x05, other, 0x0b];

/** Runs `body` while the address in local `at` is below the one in local `end`: `body` moves it there. */
export const whileBelow = (at: number, end: number, ...body: readonly Code[]): Code => [
  isBelow(at, end),
  when(loop(body, isBelow(at, end))),
];

/** Calls a function of the module by its name or its number. */
export const call = (target: string | number): Code => [0x10, typeof target === "string" ? target : unsigned(target)];

export interface KernelFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | null;
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/** A function that the module calls and its host gives. Imported ones come first: they are functions 0, 1, ... of the module. */
export type ImportedFunction = Pick<KernelFunction, "name" | "parameters" | "result">;
