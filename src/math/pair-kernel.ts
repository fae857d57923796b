import {
  type Code,
  constant,
  f64,
  f64Constant,
  f64Load,
  f64Store,
  get,
  i32,
  type KernelFunction,
  loop,
  op,
  plus,
  select,
  v128,
  v128Load,
  v128Load64Splat,
  v128Store,
} from "./wasm/assembler.ts";
import { assemble } from "./wasm/module.ts";
import { put } from "./wasm/code.ts";
import { compileModule, createMemory, instantiateModule, openedOnce, pageBytes } from "./wasm/webassembly.ts";

/** Rows that all pairs look at before the next ones: they stay in the nearest caches. */
export const rowsAtOnce = 512;
/** Columns there is room for. */
export const mostColumns = 60;
/** Of each pair: rows where both have a value, and the sums of x, y, x x, y y and x y. */
export const sumsOfPair = 6;

/** Two columns side by side: of each row both values, then of both whether they are there. */
const rowBytes = 32;
const twoColumns = rowsAtOnce * rowBytes;
const mostTwos = mostColumns / 2;
const sumsAt = mostTwos * twoColumns;
const sumsBytes = 16 * sumsOfPair;
/** Rows of one column as they are given, and of those a sum and a count. */
const givenAt = sumsAt + mostColumns * mostTwos * sumsBytes;
const totalAt = givenAt + 8 * rowsAtOnce;

/**
 * `add(x, y, end, sums)`: adds to the sums what the rows of one column from `x` up to `end` and of the two beside each other
 * at `y` have in common, each of these two in its own lane, in the order of the rows. As `addPair` does, but for two pairs at once.
 */
function addKernel(): KernelFunction {
  const [x, y, end, sums] = [0, 1, 2, 3];
  const [a, b, hasA, hasB] = [4, 5, 6, 7];
  const totals = [8, 9, 10, 11, 12, 13];
  const product = (...factors: readonly number[]): Code => [
    factors.map((local, i) => [get(local), i === 0 ? [] : op.f64x2Mul]),
  ];
  const terms = [
    product(hasA, hasB),
    product(a, hasB),
    product(b, hasA),
    product(a, a, hasB),
    product(b, b, hasA),
    product(a, b),
  ];
  return {
    name: "add",
    parameters: [i32, i32, i32, i32],
    result: null,
    locals: Array.from({ length: 10 }, () => v128),
    body: [
      loop(
        put(a, get(x), v128Load64Splat(0)),
        put(hasA, get(x), v128Load64Splat(16)),
        put(b, get(y), v128Load(0)),
        put(hasB, get(y), v128Load(16)),
        ...terms.map((term, i) => put(totals[i]!, get(totals[i]!), term, op.f64x2Add)),
        put(x, plus(x, rowBytes)),
        put(y, plus(y, rowBytes)),
        [get(x), get(end), op.i32LtU],
      ),
      totals.map((total, i) => [get(sums), get(sums), v128Load(16 * i), get(total), op.f64x2Add, v128Store(16 * i)]),
    ],
  };
}

/** `total(at, end)`: adds the numbers that are there to the sum and the count at `totalAt`, one by one. */
function totalKernel(): KernelFunction {
  const [at, end, value, sum, count] = [0, 1, 2, 3, 4];
  const isThere = [get(value), get(value), op.f64Eq];
  return {
    name: "total",
    parameters: [i32, i32],
    result: null,
    locals: [f64, f64, f64],
    body: [
      put(sum, constant(totalAt), f64Load(0)),
      put(count, constant(totalAt), f64Load(8)),
      loop(
        put(value, get(at), f64Load(0)),
        put(sum, get(sum), get(value), op.f64Add, get(sum), isThere, select),
        put(count, get(count), isThere, op.f64FromI32, op.f64Add),
        put(at, plus(at, 8)),
        [get(at), get(end), op.i32LtU],
      ),
      [constant(totalAt), get(sum), f64Store(0)],
      [constant(totalAt), get(count), f64Store(8)],
    ],
  };
}

/** `spread(at, end, to, mean)`: writes numbers less the mean, and whether they are there, to one of two columns side by side. */
function spreadKernel(): KernelFunction {
  const [at, end, to, mean, value] = [0, 1, 2, 3, 4];
  const isThere = [get(value), get(value), op.f64Eq];
  return {
    name: "spread",
    parameters: [i32, i32, i32, f64],
    result: null,
    locals: [f64],
    body: [
      loop(
        put(value, get(at), f64Load(0)),
        [get(to), get(value), get(mean), op.f64Sub, f64Constant(0), isThere, select, f64Store(0)],
        [get(to), isThere, op.f64FromI32, f64Store(16)],
        put(at, plus(at, 8)),
        put(to, plus(to, rowBytes)),
        [get(at), get(end), op.i32LtU],
      ),
    ],
  };
}

/** Columns side by side in memory, and the sums of all their pairs. */
export interface PairKernel {
  /** Begins anew. */
  clear(): void;
  /** The mean of the numbers that are not NaN, added up in their order; 0 of none. */
  mean(values: Float64Array): number;
  /** Rows of column `i` less `mean`, at most `rowsAtOnce`; NaN is a value that is not there. */
  set(i: number, values: Float64Array, mean: number): void;
  /** Adds the rows that are set of column i and of all from `i + 1` on, of `nColumns`. */
  add(i: number, nColumns: number, nRows: number): void;
  /** The sums of the columns i < k. */
  sums(i: number, k: number): ArrayLike<number>;
}

/** Compiled once a thread; null where there are no vector instructions. */
export const pairKernel: () => PairKernel | null = openedOnce(open);

function open(): PairKernel {
  const pages = Math.ceil((totalAt + 16) / pageBytes);
  const memory = createMemory(pages, false);
  const module = compileModule(assemble([addKernel(), totalKernel(), spreadKernel()], { pages, shared: false }));
  const { add, total, spread } = instantiateModule(module, memory);
  const numbers = new Float64Array(memory.buffer);
  const given = numbers.subarray(givenAt / 8);
  const sumsOf = (i: number, two: number): number => sumsAt + (i * mostTwos + two) * sumsBytes;
  return {
    clear: () => void numbers.fill(0),
    mean(values) {
      numbers.fill(0, totalAt / 8, totalAt / 8 + 2);
      for (let from = 0; from < values.length; from += rowsAtOnce) {
        const some = values.subarray(from, from + rowsAtOnce);
        given.set(some);
        total!(givenAt, givenAt + 8 * some.length);
      }
      const count = numbers[totalAt / 8 + 1]!;
      return count === 0 ? 0 : numbers[totalAt / 8]! / count;
    },
    set(i, values, mean) {
      given.set(values);
      spread!(givenAt, givenAt + 8 * values.length, (i >> 1) * twoColumns + 8 * (i & 1), mean);
    },
    add(i, nColumns, nRows) {
      const x = (i >> 1) * twoColumns + 8 * (i & 1);
      for (let two = (i + 1) >> 1; 2 * two < nColumns; ++two)
        add!(x, two * twoColumns, x + nRows * rowBytes, sumsOf(i, two));
    },
    sums(i, k) {
      const at = sumsOf(i, k >> 1) / 8 + (k & 1);
      return Array.from({ length: sumsOfPair }, (_, s) => numbers[at + 2 * s]!);
    },
  };
}
