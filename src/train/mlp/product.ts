import {
  type Code,
  type KernelFunction,
  constant,
  get,
  i32,
  loop,
  op,
  set,
  tee,
  v128,
  v128Load,
  v128Load32Splat,
  v128Store,
} from "../../math/wasm/assembler.ts";
import { assemble } from "../../math/wasm/module.ts";
import { type WasmMemory, compileModule, instantiateModule } from "../../math/wasm/webassembly.ts";

/** Rows and columns of the block of C a kernel holds in registers; matrices are padded to multiples of these. */
export const blockRows = 4;
export const blockColumns = 8;

/**
 * C += A B in float32: every cell of C adds its products one after the other, in order of the inner index, each product and
 * each sum rounded. Addresses are bytes. B and C are row-major, `columns` (a multiple of 8) wide; `rows` of C is a
 * multiple of 4. A's cell (r, k) stands at a + r * rowStep + k * innerStep: a swap of the steps reads A transposed.
 */
export interface ProductPlan {
  readonly a: number;
  readonly rowStep: number;
  readonly innerStep: number;
  readonly b: number;
  readonly c: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

export type Product = (plan: ProductPlan) => void;

/** The kernel over this memory, or the plain one, with the same bits, where there are no vector instructions. */
export function createProduct(memory: WasmMemory, pages: number): Product {
  try {
    return kernelProduct(memory, pages);
  } catch {
    return plainProduct(new Float32Array(memory.buffer));
  }
}

/** The kernel; throws where the engine has no vector instructions. */
export function kernelProduct(memory: WasmMemory, pages: number): Product {
  const module = compileModule(assemble([blockKernel], { pages, shared: false }));
  const kernel = instantiateModule(module, memory)["block"]!;
  return ({ a, rowStep, innerStep, b, c, rows, inner, columns }) => {
    if (inner === 0) return;
    const width = columns * 4;
    for (let row = 0; row < rows; row += blockRows)
      kernel(a + row * rowStep, rowStep, innerStep, b, b + inner * width, width, c + row * width);
  };
}

/** The naive twin, on memory as float32 cells. */
export function plainProduct(cells: Float32Array): Product {
  return ({ a, rowStep, innerStep, b, c, rows, inner, columns }) => {
    for (let row = 0; row < rows; ++row)
      for (let column = 0; column < columns; ++column) {
        const at = c / 4 + row * columns + column;
        let sum = cells[at]!;
        for (let k = 0; k < inner; ++k) {
          const product = cells[(a + row * rowStep + k * innerStep) / 4]! * cells[b / 4 + k * columns + column]!;
          sum = Math.fround(sum + Math.fround(product));
        }
        cells[at] = sum;
      }
  };
}

const [a0, rowStep, innerStep, bStart, bEnd, width, c0] = [0, 1, 2, 3, 4, 5, 6];
const [aAt, bAt, column, a1, a2, a3, first, second, splat] = [7, 8, 9, 10, 11, 12, 13, 14, 15];
const sum = (row: number, half: number): number => 16 + row * 2 + half;
const rowsOfA = [aAt, a1, a2, a3];

/** Address of a row of the block of C, from its column. */
const cellOf = (row: number): Code => [
  get(c0),
  get(column),
  op.i32Add,
  get(width),
  constant(row),
  op.i32Mul,
  op.i32Add,
];

const each = (make: (row: number) => Code): Code => [0, 1, 2, 3].map(make);

/** Four rows of C, eight columns at a time: eight sums stay in registers while A and B pass by once. */
const blockKernel: KernelFunction = {
  name: "block",
  parameters: [i32, i32, i32, i32, i32, i32, i32],
  result: null,
  locals: [i32, i32, i32, i32, i32, i32, v128, v128, v128, v128, v128, v128, v128, v128, v128, v128, v128],
  body: [
    loop(
      each((row) => [0, 1].map((half) => [cellOf(row), v128Load(half * 16), set(sum(row, half))])),
      [get(bStart), get(column), op.i32Add, set(bAt)],
      [get(a0), tee(aAt), get(rowStep), op.i32Add, tee(a1), get(rowStep), op.i32Add],
      [tee(a2), get(rowStep), op.i32Add, set(a3)],
      loop(
        [get(bAt), v128Load(0), set(first), get(bAt), v128Load(16), set(second)],
        each((row) => [
          get(rowsOfA[row]!),
          v128Load32Splat(0),
          tee(splat),
          get(first),
          op.f32x4Mul,
          get(sum(row, 0)),
          op.f32x4Add,
          set(sum(row, 0)),
          get(splat),
          get(second),
          op.f32x4Mul,
          get(sum(row, 1)),
          op.f32x4Add,
          set(sum(row, 1)),
          get(rowsOfA[row]!),
          get(innerStep),
          op.i32Add,
          set(rowsOfA[row]!),
        ]),
        [get(bAt), get(width), op.i32Add, tee(bAt), get(bEnd), op.i32LtU],
      ),
      each((row) => [0, 1].map((half) => [cellOf(row), get(sum(row, half)), v128Store(half * 16)])),
      [get(column), constant(32), op.i32Add, tee(column), get(width), op.i32LtU],
    ),
  ],
};
