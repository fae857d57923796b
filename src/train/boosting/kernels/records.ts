import {
  type Code,
  type KernelFunction,
  constant,
  get,
  i32,
  i32Load,
  i32Load16,
  i32Load8,
  i32Store16,
  i32Store8,
  move,
  op,
  plus,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { put } from "../../../math/wasm/code.ts";
import { type KernelShape, binsAt, cellBytes, featuresOf } from "./shape.ts";

/**
 * Writes the bins of `nRows` rows into their records from `record` on. The first row's bin of the first feature stands at `column`, the
 * next row's behind it, and the next feature's `step` bytes further.
 *
 * One column after the other, a word of bins at a time: rows should be so few that their records stay in the cache meanwhile.
 */
export function recordsKernel(shape: KernelShape): KernelFunction {
  const bytes = cellBytes(shape);
  const [load, store] = bytes === 2 ? [i32Load16, i32Store16] : [i32Load8, i32Store8];
  const [column, nRows, step, record, recordEnd, from, fromEnd, to, word] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const inWord = 4 / bytes;
  const endOf = (rows: Code): Code => [rows, constant(bytes), op.i32Mul, get(column), op.i32Add];
  const place = (row: number): Code => [
    [get(to), get(word), constant(row * bytes * 8), op.i32ShrU],
    store(row * shape.stride),
  ];
  const placeAll = Array.from({ length: inWord }, (_, row) => place(row));
  return {
    name: "writeRecords",
    parameters: [i32, i32, i32, i32],
    result: null,
    locals: [i32, i32, i32, i32, i32],
    body: [
      [put(record, plus(record, binsAt(shape))), put(recordEnd, plus(record, featuresOf(shape) * bytes))],
      whileBelow(
        record,
        recordEnd,
        [put(from, get(column)), put(to, get(record))],
        put(fromEnd, endOf([get(nRows), constant(-inWord), op.i32And])),
        whileBelow(
          from,
          fromEnd,
          [put(word, get(from), i32Load(0)), placeAll],
          [move(from, 4), move(to, inWord * shape.stride)],
        ),
        put(fromEnd, endOf(get(nRows))),
        whileBelow(from, fromEnd, [get(to), get(from), load(0), store(0)], [move(from, bytes), move(to, shape.stride)]),
        [put(column, get(column), get(step), op.i32Add), move(record, bytes)],
      ),
    ],
  };
}
