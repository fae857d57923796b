import {
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
  select,
  v128,
  v128Constant,
  v128Load,
} from "../../math/wasm/assembler.ts";
import { missingBoolean, missingCode } from "../../frame/column.ts";
import { byteAt, bytes, type Code, is, isNot, plus, put, seq } from "./kernel-code.ts";
import { cellEntry, kernelPlaces, quote, type Writing } from "./kernel-places.ts";

/** What is made of a column's cells: values of a kind, codes of levels, or spans, where contents begin and end. */
export type CellForm = "number" | "timestamp" | "boolean" | "level" | "span";

const [entry, row, lastRow, leftRows] = [0, 1, 2, 3];
const [ends, start, end, nLeft, isQuoted, n, point, scratch, byte, year, month, day] = [
  4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
];
const [hasPoint, isMinus] = [byte, day];
const [value, vector, places] = [16, 17, 18];

const field = (offset: number): number[] => seq(get(entry), i32Load(offset));
const placeIn = (base: number, valueBytes: number): number[] =>
  seq(field(base), get(row), constant(valueBytes), op.i32Mul, op.i32Add);
const length = seq(get(end), get(start), op.i32Sub);

/** Leaves the cell to one who looks at its text; `deeper` by so many places. */
const giveUpIf = (condition: Code, deeper = 0): number[] => seq(condition, leaveIf(deeper));

/** Values that may stand for "missing" are left, too. */
const giveUpIfLeft = seq(
  put(scratch, field(cellEntry.left)),
  block(
    again(
      seq(get(scratch), field(cellEntry.leftEnd), op.i32GeU, leaveIf(1)),
      giveUpIf(seq(get(scratch), f64Load(0), get(value), op.f64Eq), 2),
      put(scratch, plus(scratch, 8)),
      leave(0),
    ),
  ),
);

/** 8 lanes of 16 bits of two in turn. */
const inTurn = (even: number, odd: number): number[] => {
  const lanes = BigInt((odd * 65_536 + even) >>> 0) * 0x1_0000_0001n;
  return v128Constant(BigInt.asIntN(64, lanes), BigInt.asIntN(64, lanes));
};
const lanePlaces = v128Constant(0x0706050403020100n, 0x0f0e0d0c0b0a0908n);

/** Digits of `vector`, two by two. */
const pairsOfDigits = seq(
  seq(get(vector), inTurn(255, 255), op.v128And, inTurn(10, 10), op.i16x8Mul),
  seq(get(vector), constant(8), op.i16x8ShrU, op.i16x8Add),
);

/**
 * The 16 digits of `vector`, one a byte, as an integer: neighbours are put together three times, to 2, 4 and 8 digits, and
 * the two halves at last.
 */
const digitsAsInteger = seq(
  put(vector, pairsOfDigits),
  put(vector, seq(get(vector), inTurn(100, 1), op.i32x4DotI16x8S)),
  put(vector, seq(get(vector), get(vector), op.i16x8NarrowI32x4U, inTurn(10_000, 1), op.i32x4DotI16x8S)),
  seq(get(vector), i32x4ExtractLane(0), op.i64ExtendU, i64Constant(100_000_000n), op.i64Mul),
  seq(get(vector), i32x4ExtractLane(1), op.i64ExtendU, op.i64Add),
);

/** Where the point stands; -1 where there is none. */
const pointPlace = seq(get(point), plus(hasPoint, -1), op.i32Or);

/**
 * At most 15 digits with a minus and a point at most: both the digits as an integer and the power of ten are exact doubles,
 * so that their one division rounds correctly. All bytes are looked at at once, and how long the number is makes no branch:
 * its digits are moved to the right end, those before the point by one more.
 */
const numberForm = seq(
  put(isMinus, is(byteAt(start), 0x2d)),
  put(start, seq(get(start), get(isMinus), op.i32Add)),
  put(n, length),
  giveUpIf(seq(plus(n, -1), constant(16), op.i32GeU)),
  put(vector, seq(get(start), v128Load(0), bytes(48), op.i8x16Sub)),
  // Bits of what is no digit.
  put(scratch, seq(get(vector), bytes(9), op.i8x16GtU, op.i8x16Bitmask)),
  put(scratch, seq(get(scratch), constant(1), get(n), op.i32Shl, constant(1), op.i32Sub, op.i32And)),
  giveUpIf(seq(get(scratch), plus(scratch, -1), op.i32And)),
  seq(put(point, seq(get(scratch), op.i32Ctz)), put(hasPoint, isNot(get(scratch), 0))),
  put(scratch, is(seq(get(start), get(point), op.i32Add, i32Load8(0)), 0x2e)),
  giveUpIf(seq(get(scratch), get(hasPoint), op.i32LtU)),
  giveUpIf(seq(get(n), get(hasPoint), op.i32Sub, constant(1), op.i32Sub, constant(15), op.i32GeU)),
  put(places, seq(lanePlaces, plus(n, -16), op.i8x16Splat, op.i8x16Add)),
  // A byte for a place below 0 is 0.
  put(places, seq(get(places), get(places), pointPlace, op.i8x16Splat, op.i8x16LeS, op.i8x16Add)),
  put(vector, seq(get(vector), get(places), op.i8x16Swizzle)),
  put(value, seq(digitsAsInteger, op.f64FromI64)),
  put(scratch, seq(plus(n, -1), get(point), op.i32Sub, get(hasPoint), op.i32Mul, constant(8), op.i32Mul)),
  put(value, seq(get(value), get(scratch), f64Load(kernelPlaces.powers), op.f64Div)),
  // Times 1 or -1.
  put(value, seq(get(value), constant(1), get(isMinus), constant(2), op.i32Mul, op.i32Sub, op.f64FromI32, op.f64Mul)),
  giveUpIfLeft,
  seq(placeIn(cellEntry.values, 8), get(value), f64Store(0)),
);

/** "true", "false", "1" or "0". */
const booleanForm = seq(
  put(n, seq(byteAt(start), constant(48), op.i32Sub)),
  block(
    // One place deeper than the form.
    seq(isNot(length, 1), get(n), constant(2), op.i32LtU, op.i32Or, op.i32Eqz, leaveIf(1)),
    seq(is(length, 1), leaveIf(0)),
    put(n, is(length, 4)),
    giveUpIf(isNot(length, 4).concat(isNot(length, 5), op.i32And), 1),
    // As 32 bits with the lowest byte first: "true", or "fals" and "e".
    put(scratch, seq(get(start), i32Load(0))),
    giveUpIf(seq(isNot(get(scratch), 0x65757274), isNot(get(scratch), 0x736c6166), get(n), select), 1),
    giveUpIf(seq(get(n), op.i32Eqz, isNot(byteAt(start, 4), 0x65), op.i32And), 1),
  ),
  put(value, seq(get(n), op.f64FromI32)),
  giveUpIfLeft,
  seq(placeIn(cellEntry.values, 1), get(n), i32Store8(0)),
);

/** Days since 1970 of year, month and day (Hinnant, "chrono-compatible low-level date algorithms", with years above 0). */
const days = seq(
  put(scratch, seq(get(month), constant(3), op.i32LtU)),
  put(year, seq(get(year), get(scratch), op.i32Sub)),
  put(month, seq(plus(month, -3), get(scratch), constant(12), op.i32Mul, op.i32Add)),
  put(n, seq(get(year), constant(400), op.i32DivU)),
  put(year, seq(get(year), get(n), constant(400), op.i32Mul, op.i32Sub)),
  put(scratch, seq(get(year), constant(365), op.i32Mul, get(year), constant(4), op.i32DivU, op.i32Add)),
  put(scratch, seq(get(scratch), get(year), constant(100), op.i32DivU, op.i32Sub, get(day), op.i32Add)),
  seq(get(month), constant(153), op.i32Mul, constant(2), op.i32Add, constant(5), op.i32DivU, get(scratch), op.i32Add),
  seq(get(n), constant(146_097), op.i32Mul, op.i32Add, constant(719_469), op.i32Sub),
);

/** Digits of a date and of a time to the minute, in pairs. */
const datePlaces = v128Constant(0x0908_0605_0302_0100n, BigInt.asIntN(64, 0xffff_ffff_0f0e_0c0bn));
const pair = (lane: number): number[] => seq(get(vector), i16x8ExtractLane(lane));

/** UTC milliseconds of "2024-05-06", "2024-05-06 07:08:09" and "2024-05-06T07:08:09Z". */
const timestampForm = seq(
  put(places, seq(get(start), v128Load(0), bytes(48), op.i8x16Sub)),
  put(point, seq(get(places), bytes(9), op.i8x16GtU, op.i8x16Bitmask)),
  put(vector, seq(get(places), datePlaces, op.i8x16Swizzle)),
  put(vector, pairsOfDigits),
  giveUpIf(seq(isNot(byteAt(start, 4), 0x2d), isNot(byteAt(start, 7), 0x2d), op.i32Or)),
  giveUpIf(isNot(seq(get(point), constant(0x3ff), op.i32And), 0x090)),
  put(year, seq(pair(0), constant(100), op.i32Mul, pair(1), op.i32Add)),
  seq(put(month, pair(2)), put(day, pair(3))),
  giveUpIf(seq(get(year), op.i32Eqz, plus(month, -1), constant(12), op.i32GeU, op.i32Or)),
  giveUpIf(seq(plus(day, -1), constant(30), op.i32GeU)),
  // Days that not every month has are left to the reader that knows months.
  giveUpIf(seq(get(day), constant(28), op.i32GtU, is(get(month), 2), op.i32And)),
  put(value, seq(days, op.f64FromI32, f64Constant(86_400_000), op.f64Mul)),
  block(
    seq(is(length, 10), leaveIf(0)),
    giveUpIf(seq(isNot(byteAt(start, 10), 0x20), isNot(byteAt(start, 10), 0x54), op.i32And), 1),
    giveUpIf(seq(isNot(byteAt(start, 13), 0x3a), isNot(byteAt(start, 16), 0x3a), op.i32Or), 1),
    giveUpIf(seq(isNot(length, 19), seq(isNot(length, 20), isNot(byteAt(start, 19), 0x5a), op.i32Or), op.i32And), 1),
    giveUpIf(isNot(get(point), 0x2490), 1),
    put(byte, seq(byteAt(start, 17), constant(48), op.i32Sub)),
    put(scratch, seq(byteAt(start, 18), constant(48), op.i32Sub)),
    giveUpIf(seq(get(byte), constant(5), op.i32GtU, get(scratch), constant(9), op.i32GtU, op.i32Or), 1),
    giveUpIf(seq(pair(4), constant(23), op.i32GtU, pair(5), constant(59), op.i32GtU, op.i32Or), 1),
    put(n, seq(pair(4), constant(60), op.i32Mul, pair(5), op.i32Add, constant(60), op.i32Mul)),
    put(n, seq(get(n), get(byte), constant(10), op.i32Mul, op.i32Add, get(scratch), op.i32Add)),
    put(value, seq(get(value), get(n), constant(1000), op.i32Mul, op.f64FromI32, op.f64Add)),
  ),
  giveUpIfLeft,
  seq(placeIn(cellEntry.values, 8), get(value), f64Store(0)),
);

/** Quotes within quotes are left: the first one behind the opening one has to be the last. */
const giveUpIfDoubled = block(
  seq(get(isQuoted), op.i32Eqz, leaveIf(0)),
  put(scratch, get(start)),
  again(
    put(n, seq(get(scratch), v128Load(0), bytes(quote), op.i8x16Eq, op.i8x16Bitmask)),
    block(seq(get(n), leaveIf(0)), seq(put(scratch, plus(scratch, 16)), leave(1))),
  ),
  giveUpIf(seq(get(scratch), get(n), op.i32Ctz, op.i32Add, get(end), op.i32Ne), 1),
);

/** The number of the function that codes levels. */
const levelKernelIndex = 1;

const levelForm = seq(
  giveUpIfDoubled,
  put(n, seq(get(entry), get(start), get(end), call(levelKernelIndex))),
  giveUpIf(seq(get(n), constant(0), op.i32LtS)),
  seq(placeIn(cellEntry.values, 4), get(n), i32Store(0)),
);

const spanForm = seq(
  giveUpIfDoubled,
  seq(placeIn(cellEntry.values, 4), get(start), i32Store(0)),
  seq(placeIn(cellEntry.valueEnds, 4), get(end), i32Store(0)),
);

const missingDouble = seq(placeIn(cellEntry.values, 8), f64Constant(NaN), f64Store(0));
const missingTruth = seq(placeIn(cellEntry.values, 1), constant(missingBoolean), i32Store8(0));
const missingLevel = seq(placeIn(cellEntry.values, 4), constant(missingCode), i32Store(0));

/** What is done with a content, and with an empty one. */
const forms: Readonly<Record<CellForm, { readonly read: Code; readonly readEmpty: Code }>> = {
  number: { read: numberForm, readEmpty: missingDouble },
  timestamp: { read: timestampForm, readEmpty: missingDouble },
  boolean: { read: booleanForm, readEmpty: missingTruth },
  level: { read: levelForm, readEmpty: missingLevel },
  span: { read: spanForm, readEmpty: spanForm },
};

/**
 * `form(entry, row, lastRow, leftRows)`: reads the cells of a column from `row` to before `lastRow`, the ends of which stand where
 * its entry says; how many rows are left to one who looks at the text, written to `leftRows`. Cells come one after the other of
 * one column, so that nothing is asked of one that is known of all, and none waits for where another ends.
 */
function columnKernel(form: CellForm, { quotes, nCells }: Writing): KernelFunction {
  const { read, readEmpty } = forms[form];
  const unquoted = seq(
    put(isQuoted, is(byteAt(start), quote)),
    put(start, seq(get(start), get(isQuoted), op.i32Add)),
    put(end, seq(get(end), get(isQuoted), op.i32Sub)),
  );
  const readCell = block(
    block(
      put(start, seq(get(ends), i32Load(0), constant(1), op.i32Add)),
      put(end, seq(get(ends), i32Load(4), field(cellEntry.lineEnd), op.i32Sub)),
      quotes ? unquoted : [],
      block(seq(length, leaveIf(0)), readEmpty, leave(2)),
      read,
      leave(1),
    ),
    seq(get(leftRows), get(nLeft), constant(4), op.i32Mul, op.i32Add, get(row), i32Store(0)),
    put(nLeft, plus(nLeft, 1)),
  );
  return {
    name: form,
    parameters: [i32, i32, i32, i32],
    result: i32,
    locals: [...Array.from({ length: 12 }, () => i32), f64, v128, v128],
    body: [
      put(ends, field(cellEntry.ends)),
      block(
        again(
          seq(get(row), get(lastRow), op.i32GeU, leaveIf(1)),
          readCell,
          put(ends, plus(ends, 4 * nCells)),
          seq(put(row, plus(row, 1)), leave(0)),
        ),
      ),
      get(nLeft),
    ],
  };
}

/** The functions that read columns, by their form. */
export function columnKernels(writing: Writing): KernelFunction[] {
  return (Object.keys(forms) as CellForm[]).map((form) => columnKernel(form, writing));
}
