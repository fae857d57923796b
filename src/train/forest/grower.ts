import { createRng, type Rng } from "../../core/rng.ts";
import { type ForestKernels, instantiateForest } from "./kernels.ts";
import { copiesRows, cutState, nearRows } from "./memory.ts";
import { naiveKernels } from "./naive-kernels.ts";
import type { ForestPlan, ForestTree } from "./plan.ts";
import { searchColumn, type Split } from "./split.ts";
import type { ForestView } from "./view.ts";

/** A node whose rows stand at rows[from..to), yet to be split or made a leaf. */
interface Open {
  readonly node: number;
  readonly depth: number;
  readonly from: number;
  readonly to: number;
  /** Whether the rows are those of the copy, by their number in it. */
  readonly isNear: boolean;
}

/** Where a node's rows are read: address and step of the bins of a column, address of the pairs. */
interface Source {
  readonly bins: number;
  readonly step: number;
  readonly pairs: number;
}

/** Grows whole trees, depth first, one after the other in the same memory. */
export class ForestGrower {
  readonly #plan: ForestPlan;
  readonly #view: ForestView;
  readonly #kernels: ForestKernels;
  readonly #order: Uint32Array;
  readonly #split: Split = { feature: -1, bin: -1, missingLeft: 0 };
  readonly #far: Source;
  readonly #near: Source;

  constructor(plan: ForestPlan, view: ForestView) {
    const { module, memory, shape, nValues } = plan;
    const { places } = view;
    this.#plan = plan;
    this.#view = view;
    this.#kernels = module === null ? naiveKernels(view) : instantiateForest(module, memory);
    this.#order = Uint32Array.from({ length: nValues.length }, (_, f) => f);
    this.#far = { bins: places.bins, step: shape.nRows, pairs: places.pairs };
    this.#near = { bins: places.nearBins, step: nearRows, pairs: places.nearPairs };
  }

  /** Tree number `t` of the plan: the same whoever grows it, whatever was grown before. */
  grow(t: number): ForestTree {
    const { settings, shape, seed } = this.#plan;
    const rng = createRng(seed).fork(`tree ${t}`);
    const growth = new Growth(shape.outputs);
    this.#order.forEach((_, f) => (this.#order[f] = f));
    const root = { node: growth.add(), depth: 0, from: 0, to: this.#draw(rng), isNear: false };
    const stack: Open[] = [root];
    for (let open = stack.pop(); open; open = stack.pop()) {
      const { node, depth, from, to } = open;
      const isNear = open.isNear || this.#bringNear(open);
      const source = isNear ? this.#near : this.#far;
      const score = this.#finish(growth, open, source);
      const mayGrow = (settings.depth === 0 || depth < settings.depth) && to - from >= 2 * settings.minRows;
      if (!mayGrow || this.#isPure(open, isNear) || !this.#search(open, source, score, rng)) continue;
      const middle = from + this.#partition(open, source);
      const left = this.#write(growth, node, score);
      stack.push(
        { node: left + 1, depth: depth + 1, from: middle, to, isNear },
        { node: left, depth: depth + 1, from, to: middle, isNear },
      );
    }
    return growth.finish(t);
  }

  /** Fills rows and pairs for one tree; the number of different rows. */
  #draw(rng: Rng): number {
    const { shape, values, weights, settings } = this.#plan;
    const { rows, pairs } = this.#view;
    const { nRows, outputs } = shape;
    for (let row = 0; row < nRows; ++row) pairs[2 * row] = settings.bootstrap ? 0 : 1;
    if (settings.bootstrap) for (let i = 0; i < nRows; ++i) pairs[2 * rng.integer(nRows)]! += 1;
    let kept = 0;
    for (let row = 0; row < nRows; ++row) {
      if (weights !== null) pairs[2 * row]! *= weights[row]!;
      const weight = pairs[2 * row]!;
      pairs[2 * row + 1] = outputs === 1 ? weight * values[row]! : values[row]!;
      if (weight > 0) rows[kept++] = row;
    }
    return kept;
  }

  /** Copies the rows of a small node to where they stay in the cache, and lists the copy in their place; whether it did. */
  #bringNear({ from, to }: Open): boolean {
    const { shape } = this.#plan;
    const { rows, nearRows: rowsOf, places } = this.#view;
    if (to - from > nearRows || from === to || !copiesRows(shape)) return false;
    const [at, end] = [places.rows + 4 * from, places.rows + 4 * to];
    for (let f = 0; f < shape.nColumns; ++f)
      this.#kernels.copyBins(at, end, this.#far.bins + f * this.#far.step, this.#near.bins + f * this.#near.step);
    this.#kernels.copyPairs(at, end, this.#far.pairs, this.#near.pairs);
    for (let i = from; i < to; ++i) {
      rowsOf[i - from] = rows[i]!;
      rows[i] = i - from;
    }
    return true;
  }

  /** Writes the node's means and weight; its score, S^2 / W over outputs. */
  #finish(growth: Growth, { node, from, to }: Open, { pairs }: Source): number {
    const { state, places, outputs } = this.#view;
    const totals = cutState.totals;
    if (from === to) state.fill(0, totals);
    else this.#kernels.total(places.rows + 4 * from, places.rows + 4 * to, pairs, places.state + 8 * totals);
    const weight = state[totals]!;
    growth.cover[node] = weight;
    let score = 0;
    for (let k = 0; k < outputs; ++k) {
      const sum = state[totals + 1 + k]!;
      growth.values[node * outputs + k] = weight > 0 ? sum / weight : 0;
      score += weight > 0 ? (sum * sum) / weight : 0;
    }
    return score;
  }

  #isPure({ from, to }: Open, isNear: boolean): boolean {
    const { values } = this.#plan;
    const { rows, nearRows: rowsOf } = this.#view;
    const valueOf = (i: number): number => values[isNear ? rowsOf[rows[i]!]! : rows[i]!]!;
    const first = valueOf(from);
    for (let i = from + 1; i < to; ++i) if (valueOf(i) !== first) return false;
    return true;
  }

  /** Looks at columns in a drawn order until enough of them were not constant here. */
  #search({ from, to }: Open, { bins, step, pairs }: Source, score: number, rng: Rng): boolean {
    const plan = this.#plan;
    const { places, state } = this.#view;
    const order = this.#order;
    const split = this.#split;
    state[cutState.score] = score * (1 + 1e-12);
    split.feature = -1;
    let tried = 0;
    for (let i = 0; i < order.length && tried < plan.settings.columns; ++i) {
      const j = i + rng.integer(order.length - i);
      const feature = order[j]!;
      order[j] = order[i]!;
      order[i] = feature;
      const column = bins + feature * step;
      this.#kernels.sum(places.rows + 4 * from, places.rows + 4 * to, column, pairs, places.sums);
      if (searchColumn(plan, this.#view, this.#kernels, feature, to - from, split, rng)) ++tried;
    }
    return split.feature >= 0;
  }

  /** Reorders the node's rows, left before right, each side in its old order; how many are left. */
  #partition({ from, to }: Open, { bins, step }: Source): number {
    const { feature, bin, missingLeft } = this.#split;
    const { routes, places } = this.#view;
    if (bin >= 0) {
      routes.fill(0);
      routes.fill(4, 0, bin + 1);
      routes[this.#plan.nValues[feature]!] = missingLeft === 1 ? 4 : 0;
    }
    const [at, end] = [places.rows + 4 * from, places.rows + 4 * to];
    const { routes: route, scratch, sides } = places;
    return this.#kernels.partition(at, end, at, bins + feature * step, route, scratch, sides);
  }

  #write(growth: Growth, node: number, score: number): number {
    const { feature, bin, missingLeft } = this.#split;
    const left = growth.add();
    growth.add();
    growth.feature[node] = feature;
    growth.bin[node] = bin;
    growth.missingLeft[node] = missingLeft;
    growth.left[node] = left;
    growth.right[node] = left + 1;
    growth.gain[node] = Math.max(0, this.#view.state[cutState.score]! - score) / 2;
    if (bin < 0) growth.routes.set(node, this.#view.routes.slice());
    return left;
  }
}

/** A tree while it grows, in arrays that grow with it. */
class Growth {
  readonly feature: number[] = [];
  readonly bin: number[] = [];
  readonly missingLeft: number[] = [];
  readonly left: number[] = [];
  readonly right: number[] = [];
  readonly gain: number[] = [];
  readonly cover: number[] = [];
  readonly values: number[] = [];
  readonly routes: Map<number, Uint8Array> = new Map();
  readonly #outputs: number;

  constructor(outputs: number) {
    this.#outputs = outputs;
  }

  add(): number {
    this.bin.push(-1);
    this.missingLeft.push(0);
    this.left.push(-1);
    this.right.push(-1);
    this.gain.push(0);
    this.cover.push(0);
    for (let k = 0; k < this.#outputs; ++k) this.values.push(0);
    return this.feature.push(-1) - 1;
  }

  finish(number: number): ForestTree {
    return {
      number,
      feature: Int32Array.from(this.feature),
      bin: Int32Array.from(this.bin),
      missingLeft: Uint8Array.from(this.missingLeft),
      routes: this.routes,
      left: Int32Array.from(this.left),
      right: Int32Array.from(this.right),
      values: Float64Array.from(this.values),
      gain: Float64Array.from(this.gain),
      cover: Float64Array.from(this.cover),
    };
  }
}
