import {
  type Code,
  again,
  block,
  call,
  constant,
  f64,
  f64Constant,
  f64Load,
  f64Store,
  get,
  i16x8ExtractLane,
  i32,
  i32Load,
  i32Load8,
  i32Store,
  i32Store8,
  i32x4ExtractLane,
  i64Constant,
  type KernelFunction,
  leave,
  leaveIf,
  op,
  plus,
  select,
  v128,
  v128Constant,
  v128Load,
} from "../../math/wasm/assembler.ts";
import { byteAt, bytes, is, isNot, put } from "../../math/wasm/code.ts";
import { missingBoolean, missingCode } from "../../frame/column.ts";
import { quote } from "./grammar.ts";
import { cellEntry, type CellForm, kernelPlaces, type Writing } from "./kernel-places.ts";

const [entry, row, lastRow, leftRows] = [0, 1, 2, 3];
const [ends, start, end, nLeft, isQuoted, n, point, scratch, byte, year, month, day] = [
  4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
];
const [hasPoint, isMinus] = [byte, day];
const [value, vector, places] = [16, 17, 18];
// What is the same for all cells stands in registers: as a literal, a vector is put together anew for each.
const [bias, leastDigit, lanes, tens, hundreds, tenThousands] = [19, 20, 21, 22, 23, 24];

const field = (offset: number): Code => [get(entry), i32Load(offset)];
const placeIn = (base: number, valueBytes: number): Code => [
  field(base),
  get(row),
  constant(valueBytes),
  op.i32Mul,
  op.i32Add,
];
const length = [get(end), get(start), op.i32Sub];

/** Leaves the cell to one who looks at its text; `deeper` by so many places. */
const giveUpIf = (condition: Code, deeper = 0): Code => [condition, leaveIf(deeper)];

/** Values that may stand for "missing" are left, too. */
const giveUpIfLeft = [
  put(scratch, field(cellEntry.left)),
  block(
    again(
      [get(scratch), field(cellEntry.leftEnd), op.i32GeU, leaveIf(1)],
      giveUpIf([get(scratch), f64Load(0), get(value), op.f64Eq], 2),
      put(scratch, plus(scratch, 8)),
      leave(0),
    ),
  ),
];

/** 8 lanes of 16 bits of two in turn. */
const inTurn = (even: number, odd: number): Code => {
  const both = BigInt((odd * 65_536 + even) >>> 0) * 0x1_0000_0001n;
  return v128Constant(BigInt.asIntN(64, both), BigInt.asIntN(64, both));
};

/** With the bias, "0" to "9" are the ten largest signed bytes, so that one comparison knows them. */
const digitConstants = [
  put(bias, bytes(127 - 0x39)),
  put(leastDigit, bytes(127 - 9)),
  // A pair is a number of two bytes, the first of which is the lower one: times 2561, its upper byte is ten of the first and the second.
  put(tens, inTurn(2561, 2561)),
];

/** Takes 16 bytes from `start` on to `vector`, as digits if they are some; bits of what is no digit. */
const takeDigits = (notDigits: number): Code => [
  put(vector, [get(start), v128Load(0), get(bias), op.i8x16Add]),
  put(notDigits, [get(leastDigit), get(vector), op.i8x16GtS, op.i8x16Bitmask]),
  put(vector, [get(vector), get(leastDigit), op.i8x16Sub]),
];

/** Digits of `vector`, two by two. */
const pairsOfDigits = [get(vector), get(tens), op.i16x8Mul, constant(8), op.i16x8ShrU];

const numberConstants = [
  digitConstants,
  put(lanes, v128Constant(0x0706050403020100n, 0x0f0e0d0c0b0a0908n)),
  put(hundreds, inTurn(100, 1)),
  put(tenThousands, inTurn(10_000, 1)),
];

/**
 * The 16 digits of `vector`, one a byte, as an integer: neighbours are put together three times, to 2, 4 and 8 digits, and
 * the two halves at last.
 */
const digitsAsInteger = [
  put(vector, pairsOfDigits),
  put(vector, [get(vector), get(hundreds), op.i32x4DotI16x8S]),
  put(vector, [get(vector), get(vector), op.i16x8NarrowI32x4U, get(tenThousands), op.i32x4DotI16x8S]),
  [get(vector), i32x4ExtractLane(0), op.i64ExtendU, i64Constant(100_000_000n), op.i64Mul],
  [get(vector), i32x4ExtractLane(1), op.i64ExtendU, op.i64Add],
];

/**
 * At most 15 digits with a minus and a point at most: both the digits as an integer and the power of ten are exact doubles,
 * so that their one division rounds correctly. All bytes are looked at at once, and how long the number is makes no branch:
 * its digits are moved to the right end, those before the point, which stands behind the last where there is none, by one more.
 */
const numberForm = [
  put(isMinus, is(byteAt(start), 0x2d)),
  put(start, [get(start), get(isMinus), op.i32Add]),
  put(n, length),
  giveUpIf([plus(n, -1), constant(16), op.i32GeU]),
  takeDigits(scratch),
  put(point, [constant(1), get(n), op.i32Shl]),
  put(scratch, [get(scratch), plus(point, -1), op.i32And]),
  giveUpIf([get(scratch), plus(scratch, -1), op.i32And]),
  put(hasPoint, isNot(get(scratch), 0)),
  put(point, [get(scratch), get(point), op.i32Or, op.i32Ctz]),
  put(scratch, is([get(start), get(point), op.i32Add, i32Load8(0)], 0x2e)),
  giveUpIf([get(scratch), get(hasPoint), op.i32LtU]),
  // Digits.
  put(n, [get(n), get(hasPoint), op.i32Sub]),
  giveUpIf([plus(n, -1), constant(15), op.i32GeU]),
  put(places, [get(lanes), plus(n, -16), op.i8x16Splat, op.i8x16Add]),
  // A byte for a place below 0 is 0.
  put(places, [get(places), get(places), plus(point, -1), op.i8x16Splat, op.i8x16GtS, op.i8x16Sub]),
  put(vector, [get(vector), get(places), op.i8x16Swizzle]),
  put(value, [digitsAsInteger, op.f64FromI64]),
  // Behind the powers of ten stand those times -1.
  put(scratch, [get(isMinus), constant(16), op.i32Mul, get(n), op.i32Add, get(point), op.i32Sub]),
  put(value, [get(value), get(scratch), constant(8), op.i32Mul, f64Load(kernelPlaces.powers), op.f64Div]),
  giveUpIfLeft,
  [placeIn(cellEntry.values, 8), get(value), f64Store(0)],
];

/** "true", "false", "1" or "0". */
const booleanForm = [
  put(n, [byteAt(start), constant(48), op.i32Sub]),
  block(
    // One place deeper than the form.
    [isNot(length, 1), get(n), constant(2), op.i32LtU, op.i32Or, op.i32Eqz, leaveIf(1)],
    [is(length, 1), leaveIf(0)],
    put(n, is(length, 4)),
    giveUpIf(isNot(length, 4).concat(isNot(length, 5), op.i32And), 1),
    // As 32 bits with the lowest byte first: "true", or "fals" and "e".
    put(scratch, [get(start), i32Load(0)]),
    giveUpIf([isNot(get(scratch), 0x65757274), isNot(get(scratch), 0x736c6166), get(n), select], 1),
    giveUpIf([get(n), op.i32Eqz, isNot(byteAt(start, 4), 0x65), op.i32And], 1),
  ),
  put(value, [get(n), op.f64FromI32]),
  giveUpIfLeft,
  [placeIn(cellEntry.values, 1), get(n), i32Store8(0)],
];

/** Days since 1970 of year, month and day (Hinnant, "chrono-compatible low-level date algorithms", with years above 0). */
const days = [
  put(scratch, [get(month), constant(3), op.i32LtU]),
  put(year, [get(year), get(scratch), op.i32Sub]),
  put(month, [plus(month, -3), get(scratch), constant(12), op.i32Mul, op.i32Add]),
  put(n, [get(year), constant(400), op.i32DivU]),
  put(year, [get(year), get(n), constant(400), op.i32Mul, op.i32Sub]),
  put(scratch, [get(year), constant(365), op.i32Mul, get(year), constant(4), op.i32DivU, op.i32Add]),
  put(scratch, [get(scratch), get(year), constant(100), op.i32DivU, op.i32Sub, get(day), op.i32Add]),
  [get(month), constant(153), op.i32Mul, constant(2), op.i32Add, constant(5), op.i32DivU, get(scratch), op.i32Add],
  [get(n), constant(146_097), op.i32Mul, op.i32Add, constant(719_469), op.i32Sub],
];

/** Digits of a date and of a time to the minute, in pairs. */
const datePlaces = v128Constant(0x0908_0605_0302_0100n, BigInt.asIntN(64, 0xffff_ffff_0f0e_0c0bn));
const pair = (lane: number): Code => [get(vector), i16x8ExtractLane(lane)];

/** A bit for each month of 31 days, that of January at 1. */
const longMonths = 0b1_0101_1010_1010;

/** UTC milliseconds of "2024-05-06", "2024-05-06 07:08:09" and "2024-05-06T07:08:09Z". */
const timestampForm = [
  takeDigits(point),
  put(vector, [get(vector), get(places), op.i8x16Swizzle]),
  put(vector, pairsOfDigits),
  giveUpIf([isNot(byteAt(start, 4), 0x2d), isNot(byteAt(start, 7), 0x2d), op.i32Or]),
  giveUpIf(isNot([get(point), constant(0x3ff), op.i32And], 0x090)),
  put(year, [pair(0), constant(100), op.i32Mul, pair(1), op.i32Add]),
  [put(month, pair(2)), put(day, pair(3))],
  giveUpIf([get(year), op.i32Eqz, plus(month, -1), constant(12), op.i32GeU, op.i32Or]),
  giveUpIf([plus(day, -1), constant(31), op.i32GeU]),
  giveUpIf([is(get(day), 31), [constant(longMonths), get(month), op.i32ShrU, constant(1), op.i32And], op.i32GtU]),
  // Days that February has not in every year are left to the reader that knows years.
  giveUpIf([get(day), constant(28), op.i32GtU, is(get(month), 2), op.i32And]),
  put(value, [days, op.f64FromI32, f64Constant(86_400_000), op.f64Mul]),
  block(
    [is(length, 10), leaveIf(0)],
    giveUpIf([isNot(byteAt(start, 10), 0x20), isNot(byteAt(start, 10), 0x54), op.i32And], 1),
    giveUpIf([isNot(byteAt(start, 13), 0x3a), isNot(byteAt(start, 16), 0x3a), op.i32Or], 1),
    giveUpIf([isNot(length, 19), [isNot(length, 20), isNot(byteAt(start, 19), 0x5a), op.i32Or], op.i32And], 1),
    giveUpIf(isNot(get(point), 0x2490), 1),
    put(byte, [byteAt(start, 17), constant(48), op.i32Sub]),
    put(scratch, [byteAt(start, 18), constant(48), op.i32Sub]),
    giveUpIf([get(byte), constant(5), op.i32GtU, get(scratch), constant(9), op.i32GtU, op.i32Or], 1),
    giveUpIf([pair(4), constant(23), op.i32GtU, pair(5), constant(59), op.i32GtU, op.i32Or], 1),
    put(n, [pair(4), constant(60), op.i32Mul, pair(5), op.i32Add, constant(60), op.i32Mul]),
    put(n, [get(n), get(byte), constant(10), op.i32Mul, op.i32Add, get(scratch), op.i32Add]),
    put(value, [get(value), get(n), constant(1000), op.i32Mul, op.f64FromI32, op.f64Add]),
  ),
  giveUpIfLeft,
  [placeIn(cellEntry.values, 8), get(value), f64Store(0)],
];

/** Quotes within quotes are left: the first one behind the opening one has to be the last. */
const giveUpIfDoubled = block(
  [get(isQuoted), op.i32Eqz, leaveIf(0)],
  put(scratch, get(start)),
  again(
    put(n, [get(scratch), v128Load(0), bytes(quote), op.i8x16Eq, op.i8x16Bitmask]),
    block([get(n), leaveIf(0)], [put(scratch, plus(scratch, 16)), leave(1)]),
  ),
  giveUpIf([get(scratch), get(n), op.i32Ctz, op.i32Add, get(end), op.i32Ne], 1),
);

/** The number of the function that codes levels. */
const levelKernelIndex = 1;

const levelForm = [
  giveUpIfDoubled,
  put(n, [get(entry), get(start), get(end), call(levelKernelIndex)]),
  giveUpIf([get(n), constant(0), op.i32LtS]),
  [placeIn(cellEntry.values, 4), get(n), i32Store(0)],
];

const spanForm = [
  giveUpIfDoubled,
  [placeIn(cellEntry.values, 4), get(start), i32Store(0)],
  [placeIn(cellEntry.valueEnds, 4), get(end), i32Store(0)],
];

const missingDouble = [placeIn(cellEntry.values, 8), f64Constant(NaN), f64Store(0)];
const missingTruth = [placeIn(cellEntry.values, 1), constant(missingBoolean), i32Store8(0)];
const missingLevel = [placeIn(cellEntry.values, 4), constant(missingCode), i32Store(0)];

/** What is done before the first cell, with a content, and with an empty one. */
const forms: Readonly<Record<CellForm, { readonly constants: Code; readonly read: Code; readonly readEmpty: Code }>> = {
  number: { constants: numberConstants, read: numberForm, readEmpty: missingDouble },
  timestamp: { constants: [digitConstants, put(places, datePlaces)], read: timestampForm, readEmpty: missingDouble },
  boolean: { constants: [], read: booleanForm, readEmpty: missingTruth },
  level: { constants: [], read: levelForm, readEmpty: missingLevel },
  span: { constants: [], read: spanForm, readEmpty: spanForm },
};

/**
 * `form(entry, row, lastRow, leftRows)`: reads the cells of a column from `row` to before `lastRow`, the ends of which stand where
 * its entry says; how many rows are left to one who looks at the text, written to `leftRows`. Cells come one after the other of
 * one column, so that nothing is asked of one that is known of all, and none waits for where another ends.
 */
function columnKernel(form: CellForm, { quotes, nCells }: Writing): KernelFunction {
  const { constants, read, readEmpty } = forms[form];
  const unquoted = [
    put(isQuoted, is(byteAt(start), quote)),
    put(start, [get(start), get(isQuoted), op.i32Add]),
    put(end, [get(end), get(isQuoted), op.i32Sub]),
  ];
  const readCell = block(
    block(
      put(start, [get(ends), i32Load(0), constant(1), op.i32Add]),
      put(end, [get(ends), i32Load(4), field(cellEntry.lineEnd), op.i32Sub]),
      quotes ? unquoted : [],
      block([length, leaveIf(0)], readEmpty, leave(2)),
      read,
      leave(1),
    ),
    [get(leftRows), get(nLeft), constant(4), op.i32Mul, op.i32Add, get(row), i32Store(0)],
    put(nLeft, plus(nLeft, 1)),
  );
  return {
    name: form,
    parameters: [i32, i32, i32, i32],
    result: i32,
    locals: [...Array.from({ length: 12 }, () => i32), f64, ...Array.from({ length: 8 }, () => v128)],
    body: [
      constants,
      put(ends, field(cellEntry.ends)),
      block(
        again([get(row), get(lastRow), op.i32GeU, leaveIf(1)], readCell, put(ends, plus(ends, 4 * nCells)), [
          put(row, plus(row, 1)),
          leave(0),
        ]),
      ),
      get(nLeft),
    ],
  };
}

/** The functions that read columns, by their form. */
export function columnKernels(writing: Writing): KernelFunction[] {
  return (Object.keys(forms) as CellForm[]).map((form) => columnKernel(form, writing));
}
