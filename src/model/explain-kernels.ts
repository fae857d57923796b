import {
  type Code,
  type KernelFunction,
  constant,
  f64,
  f64Constant,
  get,
  i32,
  loop,
  op,
  set,
  tee,
  v128,
  v128Load,
  v128Load64Splat,
  v128Store,
} from "../math/wasm/assembler.ts";
import { assemble } from "../math/wasm/module.ts";
import {
  type WasmMemory,
  compileModule,
  createMemory,
  instantiateModule,
  pageBytes,
} from "../math/wasm/webassembly.ts";

/** Numbers of an edge at one point: its factor where its conditions are not met and where they are, then their inverses. */
export const tableNumbers = 4;

/**
 * The sums of TreeSHAP along one edge, for a block of rows at all points: addresses are bytes, a block's numbers stand side
 * by side, point after point. `met` holds 1 or 0 a row, `old` is the edge the same feature entered by before.
 */
export interface EdgeKernels {
  /** All memory. */
  readonly cells: Float64Array;
  /** A block's rows are a multiple of this. */
  readonly lanes: number;
  /** child = parent * factor * inverse of old, to `childEnd`; `rowBytes` a point. */
  descend(
    parent: number,
    child: number,
    childEnd: number,
    rowBytes: number,
    met: number,
    table: number,
    oldMet: number,
    oldTable: number,
  ): void;
  /** sums = products * weight of the point * value, to `sumsEnd`. */
  weigh(products: number, sums: number, sumsEnd: number, rowBytes: number, weights: number, value: number): void;
  /**
   * Adds `from` to `to`. change = (met - share) * sum over points of from * inverse, less the same of old: what the edge adds
   * to its feature.
   */
  ascend(
    from: number,
    fromEnd: number,
    to: number,
    rowBytes: number,
    met: number,
    table: number,
    oldMet: number,
    oldTable: number,
    share: number,
    oldShare: number,
    change: number,
  ): void;
}

/** Kernels over new memory for so many numbers: in vector registers, or the plain ones, with the same bits, where there are none. */
export function createEdgeKernels(numbers: number): EdgeKernels {
  try {
    const pages = Math.ceil((numbers * 8) / pageBytes);
    const memory = createMemory(pages, false);
    return kernelEdges(memory, pages);
  } catch {
    return plainEdges(new Float64Array(numbers));
  }
}

/** Throws where the engine has no vector instructions. */
export function kernelEdges(memory: WasmMemory, pages: number): EdgeKernels {
  const module = compileModule(assemble([descendKernel, weighKernel, ascendKernel], { pages, shared: false }));
  const { descend, weigh, ascend } = instantiateModule(module, memory);
  return {
    cells: new Float64Array(memory.buffer),
    lanes: 2,
    descend: (...places) => void descend!(...places),
    weigh: (...places) => void weigh!(...places),
    ascend: (...places) => void ascend!(...places),
  };
}

/** The naive twin. */
export function plainEdges(cells: Float64Array): EdgeKernels {
  const at = (place: number, offset = 0): number => cells[place / 8 + offset]!;
  return {
    cells,
    lanes: 1,
    descend: (parent, child, childEnd, rowBytes, met, table, oldMet, oldTable) => {
      const n = rowBytes / 8;
      for (let i = 0; i < (childEnd - child) / 8; ++i) {
        const point = Math.floor(i / n) * tableNumbers;
        const factor = at(table, point + (at(met, i % n) > 0 ? 1 : 0));
        cells[child / 8 + i] = at(parent, i) * factor * at(oldTable, point + (at(oldMet, i % n) > 0 ? 3 : 2));
      }
    },
    weigh: (products, sums, sumsEnd, rowBytes, weights, value) => {
      for (let i = 0; i < (sumsEnd - sums) / 8; ++i)
        cells[sums / 8 + i] = at(products, i) * at(weights, Math.floor((i * 8) / rowBytes)) * value;
    },
    ascend: (from, fromEnd, to, rowBytes, met, table, oldMet, oldTable, share, oldShare, change) => {
      const n = rowBytes / 8;
      const nPoints = (fromEnd - from) / rowBytes;
      for (let row = 0; row < n; ++row) {
        const which = at(met, row) > 0 ? 3 : 2;
        const oldWhich = at(oldMet, row) > 0 ? 3 : 2;
        let without = 0;
        let replaced = 0;
        for (let k = 0; k < nPoints; ++k) {
          const sum = at(from, k * n + row);
          cells[to / 8 + k * n + row]! += sum;
          without += sum * at(table, k * tableNumbers + which);
          replaced += sum * at(oldTable, k * tableNumbers + oldWhich);
        }
        cells[change / 8 + row] = (at(met, row) - share) * without - (at(oldMet, row) - oldShare) * replaced;
      }
    },
  };
}

const tableBytes = tableNumbers * 8;
const step = (local: number, bytes: number): Code => [get(local), constant(bytes), op.i32Add, set(local)];
const stepBy = (local: number, other: number): Code => [get(local), get(other), op.i32Add, set(local)];

/** Of two numbers of a table, in both lanes, the second where the row's mark is not 0. */
const chosen = (table: number, offset: number, mask: number): Code => [
  [get(table), v128Load64Splat(offset + 8), get(table), v128Load64Splat(offset)],
  [get(mask), op.v128Bitselect],
];

/** Whether the marks of two rows are above 0, from an address. */
const marked = (address: Code): Code => [address, v128Load(0), f64Constant(0), op.f64x2Splat, op.f64x2Gt];

const descendKernel: KernelFunction = ((): KernelFunction => {
  const [parent, child, childEnd, rowBytes, met, table, oldMet, oldTable, row, mask, oldMask] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ] as const;
  const inRow = (base: number): Code => [get(base), get(row), op.i32Add];
  return {
    name: "descend",
    parameters: [i32, i32, i32, i32, i32, i32, i32, i32],
    result: null,
    locals: [i32, v128, v128],
    body: [
      loop(
        [constant(0), set(row)],
        loop(
          [marked(inRow(met)), set(mask), marked(inRow(oldMet)), set(oldMask)],
          [get(child), get(parent), v128Load(0), chosen(table, 0, mask), op.f64x2Mul],
          [chosen(oldTable, 16, oldMask), op.f64x2Mul, v128Store(0)],
          [step(parent, 16), step(child, 16)],
          [get(row), constant(16), op.i32Add, tee(row), get(rowBytes), op.i32LtU],
        ),
        [step(table, tableBytes), step(oldTable, tableBytes)],
        [get(child), get(childEnd), op.i32LtU],
      ),
    ],
  };
})();

const weighKernel: KernelFunction = ((): KernelFunction => {
  const [products, sums, sumsEnd, rowBytes, weights, value, rowEnd] = [0, 1, 2, 3, 4, 5, 6] as const;
  return {
    name: "weigh",
    parameters: [i32, i32, i32, i32, i32, f64],
    result: null,
    locals: [i32],
    body: [
      loop(
        [get(sums), get(rowBytes), op.i32Add, set(rowEnd)],
        loop(
          [get(sums), get(products), v128Load(0), get(weights), v128Load64Splat(0), op.f64x2Mul],
          [get(value), op.f64x2Splat, op.f64x2Mul, v128Store(0), step(products, 16)],
          [get(sums), constant(16), op.i32Add, tee(sums), get(rowEnd), op.i32LtU],
        ),
        step(weights, 8),
        [get(sums), get(sumsEnd), op.i32LtU],
      ),
    ],
  };
})();

const ascendKernel: KernelFunction = ((): KernelFunction => {
  const [from, fromEnd, to, rowBytes, met, table, oldMet, oldTable, share, oldShare, change] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ] as const;
  const [source, target, own, old, rowEnd, mask, oldMask, sum, without, replaced] = [
    11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
  ] as const;
  const zero = [f64Constant(0), op.f64x2Splat];
  const addProduct = (total: number, factor: Code): Code => [
    get(total),
    get(sum),
    factor,
    op.f64x2Mul,
    op.f64x2Add,
    set(total),
  ];
  const weighted = (marks: number, less: number, total: number): Code => [
    get(marks),
    v128Load(0),
    get(less),
    op.f64x2Splat,
    op.f64x2Sub,
    get(total),
    op.f64x2Mul,
  ];
  return {
    name: "ascend",
    parameters: [i32, i32, i32, i32, i32, i32, i32, i32, f64, f64, i32],
    result: null,
    locals: [i32, i32, i32, i32, i32, v128, v128, v128, v128, v128],
    body: [
      [get(from), get(rowBytes), op.i32Add, set(rowEnd)],
      loop(
        [marked(get(met)), set(mask), marked(get(oldMet)), set(oldMask)],
        [zero, tee(without), set(replaced), get(from), set(source), get(to), set(target)],
        [get(table), set(own), get(oldTable), set(old)],
        loop(
          [get(target), get(target), v128Load(0), get(source), v128Load(0), tee(sum)],
          [op.f64x2Add, v128Store(0)],
          [addProduct(without, chosen(own, 16, mask)), addProduct(replaced, chosen(old, 16, oldMask))],
          [step(own, tableBytes), step(old, tableBytes), stepBy(target, rowBytes)],
          [get(source), get(rowBytes), op.i32Add, tee(source), get(fromEnd), op.i32LtU],
        ),
        [get(change), weighted(met, share, without), weighted(oldMet, oldShare, replaced)],
        [op.f64x2Sub, v128Store(0)],
        [step(met, 16), step(oldMet, 16), step(change, 16), step(to, 16)],
        [get(from), constant(16), op.i32Add, tee(from), get(rowEnd), op.i32LtU],
      ),
    ],
  };
})();
