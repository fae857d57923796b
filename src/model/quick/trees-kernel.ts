import {
  type Code,
  type KernelFunction,
  constant,
  f64Load,
  f64Store,
  get,
  i32,
  i32Load,
  i32x4ExtractLane,
  i8x16Shuffle,
  isBelow,
  loop,
  move,
  op,
  set,
  v128,
  v128Constant,
  v128Load,
  v128Load64Upper,
  v128Load64Zero,
  v128Load8Splat,
  v128Store,
  when,
} from "../../math/wasm/assembler.ts";
import { groupRows, groups, planeBytes, mostLeaves, treeRecord, numberRecord } from "./records.ts";

/** Interleaves bytes (`width` 1) or byte pairs of two vectors, their lower or upper halves. */
function interleaved(width: 1 | 2, isUpper: boolean): Code {
  const lanes = Array.from({ length: 16 }, (_, byte) => {
    const unit = Math.floor(byte / width);
    return (unit % 2) * 16 + (isUpper ? 8 : 0) + Math.floor(unit / 2) * width + (byte % width);
  });
  return i8x16Shuffle(lanes);
}

/** Adds the values of one tree's leaves to the scores of a group of rows, whose planes stand at `planes` in `at`. */
function addLeaves(
  outputs: number,
  [at, values, cell, pairs, otherPairs, rows]: readonly [number, number, number, number, number, number],
  planes: number,
  firstRow: number,
): Code {
  const valueOf = (lane: number): Code => {
    const leaf = [get(rows), i32x4ExtractLane(lane), op.i32Ctz, constant(3), op.i32Shl];
    return [get(values), leaf, op.i32Add];
  };
  const addRow = (row: number): Code => {
    const to = row * outputs * 8;
    return [get(cell), get(cell), f64Load(to), valueOf(row % 4), f64Load(0), op.f64Add, f64Store(to)];
  };
  const addPair = (row: number): Code => {
    const both = [valueOf((row + 1) % 4), valueOf(row % 4), v128Load64Zero(0), v128Load64Upper(0)];
    return [get(cell), get(cell), v128Load(row * 8), both, op.f64x2Add, v128Store(row * 8)];
  };
  const four = (row: number): Code =>
    outputs === 1 ? [0, 2].map((i) => addPair(row + i)) : [0, 1, 2, 3].map((i) => addRow(row + i));
  const load = (plane: number): Code => [get(at), v128Load(planes + plane * 16)];
  return [false, true].map((isUpper) => [
    [load(0), load(1), interleaved(1, isUpper), set(pairs)],
    [load(2), load(3), interleaved(1, isUpper), set(otherPairs)],
    [false, true].map((isLast) => [
      [get(pairs), get(otherPairs), interleaved(2, isLast), set(rows)],
      four(firstRow + (isUpper ? 8 : 0) + (isLast ? 4 : 0)),
    ]),
  ]);
}

/**
 * Tree by tree for some groups of rows: the splits of numbers close leaves, plane by plane in registers, and each row gets
 * the value of the first leaf left open. With `opened`, codes have closed leaves before: a group's planes follow so many
 * bytes behind those of the group before.
 */
export function treesKernel(outputs: number, opened: number | null): KernelFunction {
  const [tree, treesEnd, record, row, open, closed, values, scores] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [recordsEnd, ranks, above, keep, cell, pairs, otherPairs, rows] = [8, 9, 10, 11, 12, 13, 14, 15];
  const planes = Array.from({ length: groups }, (_, group) => 16 + group);
  const everyGroup = (of: (plane: number, group: number) => Code): Code => planes.map(of);
  const untouched = (group: number, plane: number): Code =>
    opened === null ? v128Constant(-1n, -1n) : [get(open), v128Load(group * opened + plane * 16)];
  const ask = loop(
    [get(record), i32Load(numberRecord.ranks), get(row), op.i32Add, set(ranks)],
    [get(record), v128Load8Splat(numberRecord.above), set(above)],
    [get(record), v128Load8Splat(numberRecord.keep), set(keep)],
    everyGroup((plane, group) => {
      const goesLeft = [get(above), get(ranks), v128Load(group * groupRows), op.i8x16GtS];
      return [goesLeft, get(keep), op.v128Or, get(plane), op.v128And, set(plane)];
    }),
    [move(record, numberRecord.bytes), isBelow(record, recordsEnd)],
  );
  const closePlane = (plane: number): Code => [
    everyGroup((own, group) => [untouched(group, plane), set(own)]),
    [get(tree), i32Load(treeRecord.ends + plane * 4), set(recordsEnd)],
    [isBelow(record, recordsEnd), when(ask)],
    everyGroup((own, group) => [get(closed), get(own), v128Store(group * planeBytes + plane * 16)]),
  ];
  const own = [closed, values, cell, pairs, otherPairs, rows] as const;
  return {
    name: "trees",
    parameters: [i32, i32, i32, i32, i32, i32, i32, i32],
    result: null,
    locals: [i32, i32, v128, v128, i32, v128, v128, v128, ...planes.map(() => v128)],
    body: [
      loop(
        ...[0, 1, 2, 3].map(closePlane),
        [get(scores), get(tree), i32Load(treeRecord.output), op.i32Add, set(cell)],
        ...planes.map((_, group) => addLeaves(outputs, own, group * planeBytes, group * groupRows)),
        [move(values, mostLeaves * 8), move(open, planeBytes)],
        [move(tree, treeRecord.bytes), isBelow(tree, treesEnd)],
      ),
    ],
  };
}
