import {
  type Code,
  type KernelFunction,
  constant,
  get,
  i32,
  i32Load,
  i32Load8,
  i32Store,
  i32Store8,
  move,
  op,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { put } from "../../../math/wasm/code.ts";
import { type GrowthPlan, addresses, sum, times, word } from "./growth-code.ts";
import { binsAt, featuresOf } from "./shape.ts";

/** Of a training whose rows are put in another order. */
export type OrderPlan = Pick<GrowthPlan, "shape" | "layout" | "nRows">;

/**
 * Writes the bins of listed rows to the columns, one after the other from `column` on, which is where that of the first feature goes: what
 * `writeRecords` reads. A record is read once, all of it; a cell takes a byte.
 */
function listedColumnsKernel({ shape, layout, nRows }: OrderPlan): KernelFunction {
  const [list, listEnd, column, record] = [0, 1, 2, 3];
  const features = Array.from({ length: featuresOf(shape) }, (_, f) => f);
  const cell = (f: number): Code => [
    sum(get(column), constant(f * nRows)),
    [get(record), i32Load8(binsAt(shape) + f), i32Store8(0)],
  ];
  return {
    name: "writeListedColumns",
    parameters: addresses(3),
    result: null,
    locals: [i32],
    body: whileBelow(
      list,
      listEnd,
      put(record, sum(times(word(list, 0), shape.stride), constant(layout.rows))),
      features.map(cell),
      [move(list, 4), move(column, 1)],
    ),
  };
}

/** Copies words that stand `step` bytes apart, row by row, of listed rows, one after the other to `target`. */
const gatherWordsKernel: KernelFunction = {
  name: "gatherWords",
  parameters: addresses(5),
  result: null,
  locals: [],
  body: whileBelow(
    0,
    1,
    [get(4), [get(2), word(0, 0), get(3), op.i32Mul, op.i32Add], i32Load(0), i32Store(0)],
    [move(0, 4), move(4, 4)],
  ),
};

/** Copies words that stand one after the other to places `step` bytes apart. */
const spreadWordsKernel: KernelFunction = {
  name: "spreadWords",
  parameters: addresses(4),
  result: null,
  locals: [],
  body: whileBelow(0, 1, [get(2), word(0, 0), i32Store(0)], [move(0, 4), put(2, get(2), get(3), op.i32Add)]),
};

/** Writes the number of each row, the first of which is `row`, to where a row of the number that is listed there has its word from `target` on. */
const invertKernel: KernelFunction = {
  name: "invert",
  parameters: addresses(4),
  result: null,
  locals: [],
  body: whileBelow(0, 1, [sum(get(3), times(word(0, 0), 4)), get(2), i32Store(0)], [move(0, 4), move(2, 1)]),
};

/** The kernels that put rows in another order: see `RowOrder`. */
export function rowOrderKernels(plan: OrderPlan): KernelFunction[] {
  return [listedColumnsKernel(plan), gatherWordsKernel, spreadWordsKernel, invertKernel];
}
