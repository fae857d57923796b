import {
  again,
  assemble,
  block,
  constant,
  f64,
  f64Constant,
  f64Load,
  f64Store,
  get,
  i32,
  i32Load,
  i32Load8,
  i32Store,
  i32Store8,
  i64,
  i64Constant,
  type KernelFunction,
  leave,
  leaveIf,
  op,
  select,
  set,
} from "../../math/wasm/assembler.ts";
import { compileModule, type WasmModule } from "../../math/wasm/webassembly.ts";
import { missingBoolean } from "../../frame/column.ts";

const quote = 0x22;
const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

/** Where things stand in the kernel's memory, by byte; entries of cells follow. */
export const kernelPlaces = { row: 0, cell: 4, plainEnds: 16, quotedEnds: 272, powers: 528, entries: 656 } as const;

/** What the kernel must know of a cell of every record: its form, where its values go, and such as it leaves to others. */
export const cellEntry = { form: 0, values: 4, ends: 8, left: 12, leftEnd: 16, bytes: 20 } as const;

/** span: where the content begins and ends; nothing: the cell is passed over. */
export const cellForms = { number: 0, timestamp: 1, boolean: 2, span: 3, nothing: 4 } as const;

const [at, row, cell, length, usesReturns] = [0, 1, 2, 3, 4];
const [entry, isQuoted, start, end, byte, stops, n, point, scratch, year, month, day] = [
  5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
];
const [digits, value] = [17, 18];

type Code = readonly number[];
const seq = (...parts: readonly Code[]): number[] => parts.flat();
const put = (local: number, code: Code): number[] => seq(code, set(local));
const plus = (local: number, by: number): number[] => seq(get(local), constant(by), op.i32Add);
const byteAt = (local: number, offset = 0): number[] => seq(get(local), i32Load8(offset));
const is = (code: Code, wanted: number): number[] => seq(code, constant(wanted), op.i32Eq);
const isNot = (code: Code, wanted: number): number[] => seq(code, constant(wanted), op.i32Ne);
const isStop = (code: Code): number[] => seq(code, get(stops), op.i32Add, i32Load8(0));
const field = (offset: number): number[] => seq(get(entry), i32Load(offset));
const rowOf = (base: number, bytes: number): number[] =>
  seq(field(base), get(row), constant(bytes), op.i32Mul, op.i32Add);

/*
 * Places, from within: a form's block stands in `parsed`, that in `nextCell`, that in `run`. Leaving `run` gives the cell
 * back as it was found.
 */
const within = { form: 0, parsed: 1, run: 3 } as const;

/** A form's code, which stops where it meets another; it leaves `end` behind the content. */
const whereForm = (form: number, ...body: readonly Code[]): number[] =>
  block(isNot(field(cellEntry.form), form), leaveIf(within.form), ...body, leave(within.parsed));

const giveUpIf = (condition: Code): number[] => seq(condition, leaveIf(within.run));

/** Values that may stand for "missing" are for one who looks at the text. */
const giveUpIfLeft = seq(
  put(scratch, field(cellEntry.left)),
  block(
    again(
      seq(get(scratch), field(cellEntry.leftEnd), op.i32GeU, leaveIf(1)),
      // Two places deeper than a form's code.
      seq(get(scratch), f64Load(0), get(value), op.f64Eq, leaveIf(within.run + 2)),
      put(scratch, plus(scratch, 8)),
      leave(0),
    ),
  ),
);

/**
 * At most 15 digits with a minus and a point at most: both the digits as an integer and the power of ten are exact doubles,
 * so that their one division rounds correctly.
 */
const numberForm = whereForm(
  cellForms.number,
  put(end, seq(get(start), is(byteAt(start), 0x2d), op.i32Add)),
  seq(put(digits, i64Constant(0n)), put(n, constant(0)), put(point, constant(0))),
  again(
    put(byte, seq(byteAt(end), constant(48), op.i32Sub)),
    block(
      seq(get(byte), constant(9), op.i32GtU, leaveIf(0)),
      put(digits, seq(get(digits), i64Constant(10n), op.i64Mul, get(byte), op.i64ExtendU, op.i64Add)),
      seq(put(n, plus(n, 1)), put(end, plus(end, 1))),
      leave(1),
    ),
    block(
      seq(isNot(get(byte), -2), get(point), op.i32Or, leaveIf(0)),
      seq(put(end, plus(end, 1)), put(point, get(end))),
      leave(1),
    ),
  ),
  giveUpIf(seq(plus(n, -1), constant(15), op.i32GeU)),
  put(value, seq(get(digits), op.f64FromI64)),
  block(
    seq(get(point), op.i32Eqz, leaveIf(0)),
    put(scratch, seq(get(end), get(point), op.i32Sub, constant(8), op.i32Mul)),
    put(value, seq(get(value), get(scratch), f64Load(kernelPlaces.powers), op.f64Div)),
  ),
  put(value, seq(get(value), op.f64Neg, get(value), is(byteAt(start), 0x2d), select)),
  giveUpIfLeft,
  seq(rowOf(cellEntry.values, 8), get(value), f64Store(0)),
);

/** "true", "false", "1" or "0". */
const booleanForm = whereForm(
  cellForms.boolean,
  put(n, seq(byteAt(start), constant(48), op.i32Sub)),
  put(end, plus(start, 1)),
  block(
    seq(get(n), constant(2), op.i32LtU, leaveIf(0)),
    put(n, is(byteAt(start), 0x74)),
    put(end, seq(plus(start, 5), get(n), op.i32Sub)),
    // As 32 bits with the lowest byte first: "true", or "fals" and "e".
    put(scratch, seq(get(start), i32Load(0))),
    seq(isNot(get(scratch), 0x65757274), isNot(get(scratch), 0x736c6166), get(n), select, leaveIf(within.run + 1)),
    seq(get(n), op.i32Eqz, isNot(byteAt(start, 4), 0x65), op.i32And, leaveIf(within.run + 1)),
  ),
  put(value, seq(get(n), op.f64FromI32)),
  giveUpIfLeft,
  seq(rowOf(cellEntry.values, 1), get(n), i32Store8(0)),
);

/** Two digits as a number; gives up where there are none. */
const pairInto = (local: number, offset: number, run: number = within.run): number[] =>
  seq(
    put(byte, seq(byteAt(start, offset), constant(48), op.i32Sub)),
    put(scratch, seq(byteAt(start, offset + 1), constant(48), op.i32Sub)),
    seq(get(byte), constant(9), op.i32GtU, get(scratch), constant(9), op.i32GtU, op.i32Or, leaveIf(run)),
    put(local, seq(get(byte), constant(10), op.i32Mul, get(scratch), op.i32Add)),
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

/** UTC milliseconds of "2024-05-06", "2024-05-06 07:08:09" and "2024-05-06T07:08:09Z". */
const timestampForm = whereForm(
  cellForms.timestamp,
  giveUpIf(seq(isNot(byteAt(start, 4), 0x2d), isNot(byteAt(start, 7), 0x2d), op.i32Or)),
  seq(pairInto(year, 0), pairInto(n, 2)),
  put(year, seq(get(year), constant(100), op.i32Mul, get(n), op.i32Add)),
  seq(pairInto(month, 5), pairInto(day, 8)),
  giveUpIf(seq(get(year), op.i32Eqz, plus(month, -1), constant(12), op.i32GeU, op.i32Or)),
  giveUpIf(seq(plus(day, -1), constant(30), op.i32GeU)),
  // Days that not every month has are left to the reader that knows months.
  giveUpIf(seq(get(day), constant(28), op.i32GtU, is(get(month), 2), op.i32And)),
  put(value, seq(days, op.f64FromI32, f64Constant(86_400_000), op.f64Mul)),
  put(end, plus(start, 10)),
  block(
    seq(isNot(byteAt(start, 10), 0x20), isNot(byteAt(start, 10), 0x54), op.i32And, leaveIf(0)),
    // One place deeper than a form's code.
    seq(isNot(byteAt(start, 13), 0x3a), isNot(byteAt(start, 16), 0x3a), op.i32Or, leaveIf(within.run + 1)),
    put(n, constant(0)),
    ...[24, 60, 60].flatMap((most, i) => [
      pairInto(byte, 11 + 3 * i, within.run + 1),
      seq(get(byte), constant(most), op.i32GeU, leaveIf(within.run + 1)),
      put(n, seq(get(n), constant(60), op.i32Mul, get(byte), op.i32Add)),
    ]),
    put(value, seq(get(value), get(n), constant(1000), op.i32Mul, op.f64FromI32, op.f64Add)),
    put(end, seq(plus(start, 19), is(byteAt(start, 19), 0x5a), op.i32Add)),
  ),
  giveUpIfLeft,
  seq(rowOf(cellEntry.values, 8), get(value), f64Store(0)),
);

const spanForm = block(
  seq(field(cellEntry.form), constant(cellForms.span), op.i32LtU, leaveIf(within.form)),
  block(again(seq(isStop(byteAt(end)), leaveIf(1)), put(end, plus(end, 1)), leave(0))),
  block(
    seq(isNot(field(cellEntry.form), cellForms.span), leaveIf(0)),
    seq(rowOf(cellEntry.values, 4), get(start), i32Store(0)),
    seq(rowOf(cellEntry.ends, 4), get(end), i32Store(0)),
  ),
  leave(within.parsed),
);

const emptyForm = block(
  seq(isStop(byteAt(start)), op.i32Eqz, leaveIf(within.form)),
  block(
    seq(is(field(cellEntry.form), cellForms.boolean), leaveIf(0)),
    seq(rowOf(cellEntry.values, 8), f64Constant(NaN), f64Store(0)),
    leave(within.parsed + 1),
  ),
  seq(rowOf(cellEntry.values, 1), constant(missingBoolean), i32Store8(0)),
  leave(within.parsed),
);

/** How the records of a file are written. */
interface Writing {
  readonly delimiter: string;
  readonly quotes: boolean;
  readonly nCells: number;
}

/** Goes from cell to cell and from record to record; ends before a cell that is out of the ordinary, or behind the last. */
function runKernel({ delimiter, quotes, nCells }: Writing): KernelFunction {
  const isLast = is(plus(cell, 1), nCells);
  const nextCell = again(
    seq(get(at), get(length), op.i32GeU, leaveIf(1)),
    put(entry, seq(get(cell), constant(cellEntry.bytes), op.i32Mul, constant(kernelPlaces.entries), op.i32Add)),
    quotes ? seq(is(byteAt(at), space), leaveIf(1)) : [],
    put(isQuoted, quotes ? is(byteAt(at), quote) : constant(0)),
    put(start, seq(get(at), get(isQuoted), op.i32Add)),
    put(end, get(start)),
    put(stops, seq(constant(kernelPlaces.quotedEnds), constant(kernelPlaces.plainEnds), get(isQuoted), select)),
    block(spanForm, emptyForm, numberForm, booleanForm, timestampForm),
    block(
      seq(get(isQuoted), op.i32Eqz, leaveIf(0)),
      seq(isNot(byteAt(end), quote), leaveIf(2)),
      put(end, plus(end, 1)),
    ),
    block(
      seq(isNot(byteAt(end), delimiter.charCodeAt(0)), leaveIf(0)),
      seq(isLast, leaveIf(2)),
      seq(put(at, plus(end, 1)), put(cell, plus(cell, 1)), leave(1)),
    ),
    seq(isLast, op.i32Eqz, leaveIf(1)),
    block(
      seq(get(usesReturns), op.i32Eqz, leaveIf(0)),
      seq(isNot(byteAt(end), carriageReturn), leaveIf(2)),
      put(end, plus(end, 1)),
    ),
    seq(isNot(byteAt(end), newline), leaveIf(1)),
    seq(put(at, plus(end, 1)), put(cell, constant(0)), put(row, plus(row, 1)), leave(0)),
  );
  return {
    name: "run",
    parameters: [i32, i32, i32, i32, i32],
    result: i32,
    locals: [...Array.from({ length: 12 }, () => i32), i64, f64],
    body: [
      block(nextCell),
      seq(constant(kernelPlaces.row), get(row), i32Store(0), constant(kernelPlaces.cell), get(cell), i32Store(0)),
      get(at),
    ],
  };
}

let compiled: { readonly key: string; readonly module: WasmModule } | null = null;

/** The module for files that are written so; its memory has `pages`. The last one is kept. */
export function compileKernel({ delimiter, quotes, nCells }: Writing, pages: number): WasmModule {
  const key = JSON.stringify([delimiter, quotes, nCells, pages]);
  if (compiled?.key !== key) {
    const module = compileModule(assemble([runKernel({ delimiter, quotes, nCells })], { pages, shared: false }));
    compiled = { key, module };
  }
  return compiled.module;
}
