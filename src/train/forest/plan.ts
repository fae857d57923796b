import type { WasmMemory, WasmModule } from "../../math/wasm/webassembly.ts";
import type { ForestShape } from "./memory.ts";

/** The resolved hyperparameters as trees read them. */
export interface ForestSettings {
  readonly trees: number;
  /** 0 = no limit. */
  readonly depth: number;
  readonly minRows: number;
  /** Columns tried at a split. */
  readonly columns: number;
  /** Each tree learns from as many rows as there are, drawn with replacement. */
  readonly bootstrap: boolean;
  /** One cut at random a column (extremely randomised trees) instead of the best of all cuts. */
  readonly random: boolean;
}

/** Everything a thread needs to grow trees; plain, its arrays shared between threads. */
export interface ForestPlan {
  readonly shape: ForestShape;
  /** Bins, and what each thread works in: see `ForestPlaces`. */
  readonly memory: WasmMemory;
  /** Null where the kernels run in plain steps. */
  readonly module: WasmModule | null;
  /** By column; this number is the bin of missing values. */
  readonly nValues: Int32Array;
  readonly isCategory: Uint8Array;
  /** Upper bounds of number bins but the last, column after column from boundsAt[f]. */
  readonly bounds: Float64Array;
  readonly boundsAt: Int32Array;
  /** The value (one output, centred for numbers) or the label's position (several). */
  readonly values: Float64Array;
  readonly weights: Float64Array | null;
  readonly settings: ForestSettings;
  readonly seed: number;
}

/** A tree as it was grown: node n is a leaf where feature[n] = -1; values are `outputs` a node. */
export interface ForestTree {
  /** Which of the forest's trees. */
  readonly number: number;
  readonly feature: Int32Array;
  readonly bin: Int32Array;
  readonly missingLeft: Uint8Array;
  /** By node: 256 bytes, 4 where the bin goes left; for category splits alone. */
  readonly routes: ReadonlyMap<number, Uint8Array>;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly values: Float64Array;
  readonly gain: Float64Array;
  readonly cover: Float64Array;
}
