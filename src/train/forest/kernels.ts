import {
  type Code,
  type KernelFunction,
  again,
  block,
  constant,
  f64,
  f64Load,
  f64Store,
  f64x2ExtractLane,
  firstLanes,
  get,
  i32,
  i32Load,
  i32Load8,
  i32Store,
  i32Store8,
  isBelow,
  leaveIf,
  loop,
  move,
  op,
  plus,
  secondLanes,
  set,
  tee,
  v128,
  v128Constant,
  v128Load,
  v128Store,
  when,
  whileBelow,
} from "../../math/wasm/assembler.ts";
import { assemble } from "../../math/wasm/module.ts";
import { compileModule, instantiateModule, type WasmMemory, type WasmModule } from "../../math/wasm/webassembly.ts";
import { partitionKernel } from "../boosting/kernels/rows.ts";

/**
 * Work over the rows listed (uint32) from byte address `at` to before `end`: one row or more. `naiveKernels` is the twin
 * with the same bits; these are for one output.
 */
export interface ForestKernels {
  /** Adds up the pairs of the rows, in order, into `totals`. */
  total(at: number, end: number, pairs: number, totals: number): void;
  /** Adds rows, in order, to sums, counts and marks of their bins in a column. */
  sum(at: number, end: number, column: number, pairs: number, sums: number): void;
  /** Finds the best cut of what `sum` summed, and clears that; see `cutKernel`. `nRows` is at least twice `minRows`. 0 where all rows are in one bin. */
  cut(sums: number, state: number, missing: number, nRows: number, minRows: number): number;
  /** Writes rows to `target`, which may be `at`, by the routes of their bins, as boosting does; how many are left. */
  partition(
    at: number,
    end: number,
    target: number,
    column: number,
    routes: number,
    scratch: number,
    sides: number,
  ): number;
  /** Copies the bins of a column, and the pairs, of the rows one after the other. */
  copyBins(at: number, end: number, column: number, out: number): void;
  copyPairs(at: number, end: number, pairs: number, out: number): void;
}

/** Throws where the engine has no vector instructions. */
export function compileForest(memory: { pages: number; shared: boolean }): WasmModule {
  const functions = [
    totalKernel(),
    sumKernel(),
    cutKernel(),
    partitionKernel(1),
    copyKernel("copyBins"),
    copyKernel("copyPairs"),
  ];
  return compileModule(assemble(functions, memory));
}

export function instantiateForest(module: WasmModule, memory: WasmMemory): ForestKernels {
  return instantiateModule(module, memory) as unknown as ForestKernels;
}

/** Where the kernels find counts and marks, in bytes from the sums of one output. */
const countsAt = 256 * 16;
const seenAt = countsAt + 256 * 4;

/** Address of the pair of the row in a local. */
const pairOf = (row: number, pairs: number): Code => [get(row), constant(4), op.i32Shl, get(pairs), op.i32Add];

function totalKernel(): KernelFunction {
  const [at, end, pairs, totals, row, sum] = [0, 1, 2, 3, 4, 5];
  return {
    name: "total",
    parameters: [i32, i32, i32, i32],
    result: null,
    locals: [i32, v128],
    body: [
      loop(
        [get(at), i32Load(0), set(row)],
        [get(sum), pairOf(row, pairs), v128Load(0), op.f64x2Add, set(sum)],
        [move(at, 4), isBelow(at, end)],
      ),
      [get(totals), get(sum), v128Store(0)],
    ],
  };
}

/** Rows whose bins are read at a time: the reads, which may miss the cache, go on side by side. */
const unrolled = 4;

/** Weight and weighted value of a row lie side by side, as do their sums: one addition for both. */
function sumKernel(): KernelFunction {
  const [at, end, column, pairs, sums, bulkEnd] = [0, 1, 2, 3, 4, 5];
  const [row, bin, cell] = [6, 6 + unrolled, 6 + 2 * unrolled];
  const look = (k: number): Code => [
    [get(at), i32Load(4 * k), tee(row + k)],
    [get(column), op.i32Add, i32Load8(0), set(bin + k)],
  ];
  const add = (k: number): Code => [
    [get(bin + k), constant(4), op.i32Shl, get(sums), op.i32Add, tee(cell)],
    [get(cell), v128Load(0), pairOf(row + k, pairs), v128Load(0), op.f64x2Add, v128Store(0)],
    [get(bin + k), constant(2), op.i32Shl, get(sums), op.i32Add, tee(cell)],
    [get(cell), i32Load(countsAt), constant(1), op.i32Add, i32Store(countsAt)],
    [get(bin + k), get(sums), op.i32Add, constant(128), i32Store8(seenAt)],
  ];
  const turn = (rows: number, until: number): Code => {
    const all = Array.from({ length: rows }, (_, k) => k);
    return whileBelow(at, until, all.map(look), all.map(add), move(at, 4 * rows));
  };
  return {
    name: "sum",
    parameters: [i32, i32, i32, i32, i32],
    result: null,
    locals: Array.from({ length: 2 + 2 * unrolled }, () => i32),
    body: [
      [get(end), get(at), op.i32Sub, constant(-4 * unrolled), op.i32And],
      [get(at), op.i32Add, set(bulkEnd)],
      turn(unrolled, bulkEnd),
      turn(1, end),
    ],
  };
}

/**
 * Tries all cuts between bins with rows, ascending: a first time with the missing rows on the left where there are any, then
 * with them on the right, which clears the sums it has read. Left and right are the two lanes of every division. A cut
 * replaces the best of `state` where its score is larger, both sides have `minRows` and weight; it is negated (~bin) where missing rows go
 * left. Bins with rows are found sixteen at a time from their marks: a node of few rows costs little.
 */
function cutKernel(): KernelFunction {
  const [sums, state, missing, nRows, minRows] = [0, 1, 2, 3, 4];
  const [group, marks, bin, count, isMixed, cell] = [5, 6, 7, 8, 9, 10];
  const [total, left, right, weights, best, score] = [11, 12, 13, 14, 15, 16];
  const none = v128Constant(0n, 0n);
  const cellOf = (shift: number): Code => [get(bin), constant(shift), op.i32Shl, get(sums), op.i32Add, set(cell)];
  const take = (clears: boolean): Code => [
    [cellOf(4), get(left), get(cell), v128Load(0), op.f64x2Add, set(left)],
    clears ? [get(cell), none, v128Store(0)] : [],
    [cellOf(2), get(count), get(cell), i32Load(countsAt), op.i32Add, set(count)],
    clears ? [get(cell), constant(0), i32Store(countsAt)] : [],
  ];
  const keep = (isLeft: boolean): Code => [
    [get(state), get(score), tee(best), f64Store(0)],
    [get(state), get(bin), isLeft ? [constant(-1), op.i32Xor] : [], i32Store(8)],
    [get(state), get(count), i32Store(12)],
  ];
  const weigh = (isLeft: boolean): Code => [
    [get(total), get(left), op.f64x2Sub, set(right)],
    [get(left), get(right), firstLanes, tee(weights), none, op.f64x2Gt, op.i64x2AllTrue],
    when(
      [get(left), get(right), secondLanes, tee(right), get(right), op.f64x2Mul],
      [get(weights), op.f64x2Div, tee(right), f64x2ExtractLane(0), get(right), f64x2ExtractLane(1)],
      [op.f64Add, tee(score), get(best), op.f64Gt],
      when(keep(isLeft)),
    ),
  ];
  // As unsigned numbers: too few rows on the left are very many, and so are more than may be.
  const hasRows = [
    [get(count), get(minRows), op.i32Sub],
    [get(nRows), get(minRows), op.i32Sub, get(minRows), op.i32Sub, op.i32LeU],
  ];
  const scan = (isLeft: boolean): Code => [
    [constant(0), set(group)],
    loop(
      block(
        [get(sums), get(group), op.i32Add, tee(cell), v128Load(seenAt), op.i8x16Bitmask],
        [tee(marks), op.i32Eqz, leaveIf(0)],
        isLeft ? [] : [get(cell), none, v128Store(seenAt)],
        again(
          [get(group), get(marks), op.i32Ctz, op.i32Add, set(bin), take(!isLeft)],
          [get(isMixed), get(count), get(nRows), op.i32Ne, op.i32Or, set(isMixed)],
          [hasRows, when(weigh(isLeft))],
          [get(marks), get(marks), constant(1), op.i32Sub, op.i32And, tee(marks), leaveIf(0)],
        ),
      ),
      [plus(group, 16), tee(group), constant(256), op.i32LtU],
    ),
  ];
  return {
    name: "cut",
    parameters: [i32, i32, i32, i32, i32],
    result: i32,
    locals: [i32, i32, i32, i32, i32, i32, v128, v128, v128, v128, f64, f64],
    body: [
      [get(state), f64Load(0), set(best), get(state), v128Load(16), set(total)],
      [get(sums), get(missing), op.i32Add, i32Load8(seenAt)],
      when([get(missing), set(bin), take(false), scan(true), none, set(left), constant(0), set(count)]),
      [constant(0), set(isMixed), scan(false), get(isMixed)],
    ],
  };
}

function copyKernel(name: "copyBins" | "copyPairs"): KernelFunction {
  const [at, end, from, out, row] = [0, 1, 2, 3, 4];
  const bin = [get(from), get(row), op.i32Add, i32Load8(0), i32Store8(0)];
  const pair = [pairOf(row, from), v128Load(0), v128Store(0)];
  return {
    name,
    parameters: [i32, i32, i32, i32],
    result: null,
    locals: [i32],
    body: [
      loop(
        [get(at), i32Load(0), set(row), get(out), name === "copyBins" ? bin : pair],
        move(out, name === "copyBins" ? 1 : 16),
        [move(at, 4), isBelow(at, end)],
      ),
    ],
  };
}
