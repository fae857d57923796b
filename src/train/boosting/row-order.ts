import type { WasmFunction } from "../../math/wasm/webassembly.ts";
import type { Kernels } from "./kernels/kernels.ts";
import type { OrderPlan } from "./kernels/row-order.ts";
import type { KernelShape } from "./kernels/shape.ts";
import type { Shard } from "./shard.ts";

/**
 * Whether it pays to put rows in another order: where their records are more than a last cache keeps for us (fewer are read from
 * anywhere as fast), and no longer than a line of it (of longer ones, more is moved than is saved).
 */
export const isWorthOrdering = (nRows: number, { stride }: Pick<KernelShape, "stride">): boolean =>
  stride <= 64 && nRows * stride >= 16 << 20;

/** Words that a row has somewhere: where those of the first row stand, and how many bytes it is from one row's to the next's. */
type Plane = readonly [at: number, step: number];

/**
 * Puts the rows of one thread in the order of the leaves of a tree, in the places these rows have. Trees have much in common: a leaf's
 * rows, which the next trees gather, then stand in few stretches of memory instead of all over it. What tells rows apart, the dither of
 * their gradients, goes by `origins`, the number each row had at first, so that the model is the same.
 */
export class RowOrder {
  readonly #plan: OrderPlan;
  readonly #writeRecords: Kernels["writeRecords"];
  readonly #functions: Readonly<Record<string, WasmFunction>>;
  readonly #shard: Shard;

  /** `functions`: those of `rowOrderKernels`, by name. */
  constructor(
    plan: OrderPlan,
    writeRecords: Kernels["writeRecords"],
    functions: Readonly<Record<string, WasmFunction>>,
    shard: Shard,
  ) {
    this.#plan = plan;
    this.#writeRecords = writeRecords;
    this.#functions = functions;
    this.#shard = shard;
  }

  /** Puts the rows in the order of the index, in which they stand leaf by leaf. */
  follow(): void {
    const { layout, shape, nRows } = this.#plan;
    const { begin, ranges } = this.#shard;
    const [list, end] = [layout.index + begin * 4, layout.index + (begin + this.#shard.nRows) * 4];
    const moved = layout.scratch + begin * 4;
    for (const [at, step] of [...this.#planes(), [layout.origins, 4] as const]) {
      this.#functions["gatherWords"]!(list, end, at, step, moved);
      let from = moved;
      for (const [row, rowEnd] of ranges) {
        this.#functions["spreadWords"]!(from, from + (rowEnd - row) * 4, at + row * step, step);
        from += (rowEnd - row) * 4;
      }
    }
    let from = list;
    for (const [row, rowEnd] of ranges) {
      this.#functions["writeListedColumns"]!(from, from + (rowEnd - row) * 4, layout.columns + row);
      from += (rowEnd - row) * 4;
    }
    // Not before all columns are written, from the records as they were.
    for (const [row, rowEnd] of ranges)
      this.#writeRecords(layout.columns + row, rowEnd - row, nRows, layout.rows + row * shape.stride);
  }

  /** Puts scores and labels back where they were at first. No thread may need the index any more. */
  restore(): void {
    const { origins, scratch, index } = this.#plan.layout;
    const { ranges } = this.#shard;
    for (const [row, end] of ranges) this.#functions["invert"]!(origins + row * 4, origins + end * 4, row, scratch);
    for (const [at, step] of this.#planes()) {
      for (const [row, end] of ranges)
        this.#functions["gatherWords"]!(scratch + row * 4, scratch + end * 4, at, step, index + row * 4);
      for (const [row, end] of ranges)
        this.#functions["spreadWords"]!(index + row * 4, index + end * 4, at + row * step, step);
    }
  }

  /** Labels, and both halves of scores. */
  #planes(): readonly Plane[] {
    const { targets, scores } = this.#plan.layout;
    return [
      [targets, 4],
      [scores, 8],
      [scores + 4, 8],
    ];
  }
}
