import {
  type Code,
  again,
  block,
  constant,
  get,
  i32,
  i32Load,
  i32Load8,
  i32Store,
  i64,
  i64Constant,
  type KernelFunction,
  leave,
  leaveIf,
  loop,
  op,
  plus,
  select,
  v128,
  v128Load,
} from "../../math/wasm/assembler.ts";
import { bytes, put } from "../../math/wasm/code.ts";
import { carriageReturn, newline, quote } from "./grammar.ts";
import { chunkBytes, lookFlags, type Writing } from "./kernel-places.ts";

const [at, length, usesReturns, ends, mostRows] = [0, 1, 2, 3, 4];
const [to, scratch, row, cell, most] = [5, 6, 7, 8, 9];
const [
  cellEnds,
  lineEnds,
  returns,
  quotes,
  inside,
  wasInside,
  afterEnd,
  afterClose,
  afterReturn,
  afterLine,
  valid,
  nLines,
] = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21];
const vectors = [22, 23, 24, 25];

/** One bit for each of the 64 bytes: whether it is `byte`. */
const bitsOf = (byte: number): Code =>
  vectors.map((vector, i) => [
    [get(vector), bytes(byte), op.i8x16Eq, op.i8x16Bitmask, op.i64ExtendU],
    i === 0 ? [] : [i64Constant(BigInt(16 * i)), op.i64Shl, op.i64Or],
  ]);
const not = (code: Code): Code => [code, i64Constant(-1n), op.i64Xor];
const isAnywhere = (byte: number): Code =>
  vectors.map((vector, i) => [get(vector), bytes(byte), op.i8x16Eq, i === 0 ? [] : op.v128Or]);
/** The bits, each at the next byte; what stood at the last byte of the chunk before comes first. */
const shifted = (code: Code, before: number): Code => [code, i64Constant(1n), op.i64Shl, get(before), op.i64Or];
const closing = [get(quotes), not(get(inside)), op.i64And];
const lastBit = (code: Code): Code => [code, i64Constant(63n), op.i64ShrU];

const positionsAtOnce = 8;

/** Writes the positions of the cells' ends: many at once, so that how many there are makes few branches. */
const writePositions = [
  put(scratch, [get(to), get(cellEnds), op.i64Popcnt, op.i32Wrap, constant(4), op.i32Mul, op.i32Add]),
  block(
    again(
      [get(to), get(scratch), op.i32GeU, leaveIf(1)],
      ...Array.from({ length: positionsAtOnce }, (_, k) => [
        [get(to), get(at), get(cellEnds), op.i64Ctz, op.i32Wrap, op.i32Add, i32Store(4 * k)],
        put(cellEnds, [get(cellEnds), get(cellEnds), i64Constant(1n), op.i64Sub, op.i64And]),
      ]),
      [put(to, plus(to, 4 * positionsAtOnce)), leave(0)],
    ),
  ),
  put(to, get(scratch)),
];

/** Leaves the index, so many places further out, where one of the chunk's bits is set. */
const stopIfAny = (code: Code, outwards = 2): Code => [
  code,
  get(valid),
  op.i64And,
  op.i64Eqz,
  op.i32Eqz,
  leaveIf(outwards),
];

/** Lines that end where they begin are no records, which the parser knows; here they would be looked at again and again. */
const stopAtBlankLines = [
  stopIfAny([shifted(get(lineEnds), afterLine), get(lineEnds), get(returns), op.i64Or, op.i64And], 1),
  put(afterLine, lastBit(get(lineEnds))),
];

/**
 * Ends that stand inside of quotes are none; inside is whatever an odd number of quotes has gone before. An opening quote has
 * to follow an end of a cell or a quote, and such, or a line end, has to follow a closing one.
 */
const obeyQuotes = [
  put(quotes, bitsOf(quote)),
  put(inside, get(quotes)),
  [1n, 2n, 4n, 8n, 16n, 32n].map((by) =>
    put(inside, [get(inside), get(inside), i64Constant(by), op.i64Shl, op.i64Xor]),
  ),
  put(inside, [get(inside), get(wasInside), op.i64Xor]),
  stopIfAny([get(lineEnds), get(inside), op.i64And]),
  put(cellEnds, [get(cellEnds), not(get(inside)), op.i64And]),
  put(returns, [get(returns), not(get(inside)), op.i64And]),
  stopIfAny([
    [get(quotes), get(inside), op.i64And],
    [not(shifted([get(cellEnds), get(quotes), op.i64Or], afterEnd)), op.i64And],
  ]),
  stopIfAny([
    shifted(closing, afterClose),
    [not([get(cellEnds), get(returns), op.i64Or, get(quotes), op.i64Or]), op.i64And],
  ]),
  put(wasInside, [get(inside), i64Constant(63n), op.i64ShrS]),
  put(afterClose, lastBit(closing)),
];

/** Every line ends in the same way, and carriage returns do nothing else. */
const obeyReturns = [
  stopIfAny([shifted(get(returns), afterReturn), get(lineEnds), op.i64Xor, get(returns), get(usesReturns), select]),
  put(afterReturn, lastBit(get(returns))),
];

/**
 * `index(at, length, usesReturns, ends, mostRows)`: how many plain records follow one another from `at` on, at most so many,
 * the positions behind their cells at `ends` (and `at` - 1 in front of them). Where a record is out of the ordinary, or may
 * be, it ends before that one: with quotes that the parser has to look at, lines within quotes, another line end, or
 * another number of cells.
 */
export function indexKernel({ delimiter, quotes: usesQuotes, nCells }: Writing): KernelFunction {
  const isPlain = [
    [isAnywhere(carriageReturn), usesQuotes ? [isAnywhere(quote), op.v128Or] : [], op.v128AnyTrue],
    [get(usesReturns), op.i32Or, get(wasInside), get(afterClose), op.i64Or, op.i64Eqz, op.i32Eqz, op.i32Or],
    op.i32Eqz,
  ];
  const indexChunks = again(
    [get(at), get(length), op.i32GeU, leaveIf(1)],
    [get(to), get(most), op.i32GeU, leaveIf(1)],
    ...vectors.map((vector, i) => put(vector, [get(at), v128Load(16 * i)])),
    put(valid, i64Constant(-1n)),
    block(
      [plus(at, chunkBytes), get(length), op.i32LtU, leaveIf(0)],
      put(scratch, [plus(at, chunkBytes), get(length), op.i32Sub]),
      put(valid, [get(valid), get(scratch), op.i64ExtendU, op.i64ShrU]),
    ),
    put(lineEnds, bitsOf(newline)),
    put(cellEnds, [bitsOf(delimiter.charCodeAt(0)), get(lineEnds), op.i64Or]),
    [put(quotes, i64Constant(0n)), put(returns, i64Constant(0n))],
    block([isPlain, leaveIf(0)], put(returns, bitsOf(carriageReturn)), usesQuotes ? obeyQuotes : [], obeyReturns),
    nCells === 1 ? [] : stopAtBlankLines,
    put(cellEnds, [get(cellEnds), get(valid), op.i64And]),
    put(nLines, [get(nLines), get(lineEnds), get(valid), op.i64And, op.i64Popcnt, op.i64Add]),
    put(afterEnd, lastBit([get(cellEnds), get(quotes), op.i64Or])),
    writePositions,
    [put(at, plus(at, chunkBytes)), leave(0)],
  );
  // Whether as many lines as records were found, so that only the last cells of records have to end a line.
  const isEven = [get(nLines), op.i32Wrap, get(most), op.i32Eq];
  const isNewlineAt = (index: Code): Code => [
    [get(ends), index, constant(4), op.i32Mul, op.i32Add, i32Load(0), i32Load8(0)],
    constant(newline),
    op.i32Eq,
  ];
  const countRecords = again(
    [get(row), get(most), op.i32GeU, leaveIf(1)],
    put(cell, [get(row), constant(nCells), op.i32Mul]),
    put(scratch, plus(cell, nCells - 1)),
    [isNewlineAt(get(scratch)), op.i32Eqz, leaveIf(1)],
    block(
      [isEven, leaveIf(0)],
      again(
        [get(cell), get(scratch), op.i32GeU, leaveIf(1)],
        [isNewlineAt(get(cell)), leaveIf(3)],
        [put(cell, plus(cell, 1)), leave(0)],
      ),
    ),
    [put(row, plus(row, 1)), leave(0)],
  );
  return {
    name: "index",
    parameters: [i32, i32, i32, i32, i32],
    result: i32,
    locals: [
      ...Array.from({ length: 5 }, () => i32),
      ...Array.from({ length: 12 }, () => i64),
      ...vectors.map(() => v128),
    ],
    body: [
      [get(ends), plus(at, -1), i32Store(0)],
      [put(ends, plus(ends, 4)), put(to, get(ends))],
      put(most, [get(ends), get(mostRows), constant(4 * nCells), op.i32Mul, op.i32Add]),
      [put(afterEnd, i64Constant(1n)), put(afterLine, i64Constant(1n))],
      block(indexChunks),
      put(most, [get(to), get(ends), op.i32Sub, constant(4 * nCells), op.i32DivU]),
      block(countRecords),
      [get(row), get(mostRows), get(row), get(mostRows), op.i32LtU, select],
    ],
  };
}

/** `look(at, end)`: how many line feeds there are, `chunkBytes` at a time and at least so many, and which other bytes. */
export const lookKernel: KernelFunction = ((): KernelFunction => {
  const [position, last, count, least, together] = [0, 1, 2, 3, 4];
  const four = [5, 6, 7, 8];
  const newlines = four.map((vector, i) => [
    [get(vector), bytes(newline), op.i8x16Eq, op.i8x16Bitmask, op.i64ExtendU],
    i === 0 ? [] : [i64Constant(BigInt(16 * i)), op.i64Shl, op.i64Or],
  ]);
  return {
    name: "look",
    parameters: [i32, i32],
    result: i32,
    locals: [i32, v128, v128, v128, v128, v128, v128],
    body: [
      put(least, bytes(255)),
      loop(
        ...four.map((vector, i) => put(vector, get(position), v128Load(16 * i))),
        put(count, get(count), newlines, op.i64Popcnt, op.i32Wrap, op.i32Add),
        ...four.flatMap((vector) => [
          put(least, get(least), get(vector), op.i8x16MinU),
          put(together, get(together), get(vector), op.v128Or),
        ]),
        put(position, plus(position, chunkBytes)),
        [get(position), get(last), op.i32LtU],
      ),
      [get(count), constant(lookFlags.nBits), op.i32Shl],
      [get(least), bytes(0), op.i8x16Eq, op.v128AnyTrue, op.i32Or],
      [get(together), op.i8x16Bitmask, constant(0), op.i32Ne, constant(1), op.i32Shl, op.i32Or],
    ],
  };
})();
