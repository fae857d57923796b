import { createRng, type Rng } from "../../core/rng.ts";
import type { ForestPlan, ForestTree } from "./plan.ts";
import { type BinSums, createBinSums, searchColumn, type Split, sumBins } from "./split.ts";

/** A node whose rows stand at rows[from..to), yet to be split or made a leaf. */
interface Open {
  readonly node: number;
  readonly depth: number;
  readonly from: number;
  readonly to: number;
}

/** Grows whole trees, depth first, one after the other in the same scratch memory. */
export class ForestGrower {
  readonly #plan: ForestPlan;
  readonly #rows: Uint32Array;
  readonly #scratch: Uint32Array;
  /** Weight times how often the tree drew the row. */
  readonly #weights: Float64Array;
  readonly #sums: BinSums;
  readonly #order: Uint32Array;
  readonly #split: Split = { score: 0, feature: -1, bin: -1, missingLeft: 0, routes: new Uint8Array(256) };

  constructor(plan: ForestPlan) {
    this.#plan = plan;
    this.#rows = new Uint32Array(plan.nRows);
    this.#scratch = new Uint32Array(plan.nRows);
    this.#weights = new Float64Array(plan.nRows);
    this.#sums = createBinSums(plan.outputs);
    this.#order = Uint32Array.from({ length: plan.nValues.length }, (_, f) => f);
  }

  /** Tree number `t` of the plan: the same whoever grows it, whatever was grown before. */
  grow(t: number): ForestTree {
    const { settings, outputs } = this.#plan;
    const rng = createRng(this.#plan.seed).fork(`tree ${t}`);
    const growth = new Growth(outputs);
    this.#order.forEach((_, f) => (this.#order[f] = f));
    const stack: Open[] = [{ node: growth.add(), depth: 0, from: 0, to: this.#draw(rng) }];
    for (let open = stack.pop(); open; open = stack.pop()) {
      const score = this.#finish(growth, open);
      const mayGrow =
        (settings.depth === 0 || open.depth < settings.depth) && open.to - open.from >= 2 * settings.minRows;
      if (!mayGrow || this.#isPure(open) || !this.#search(open, score, rng)) continue;
      const middle = this.#partition(open);
      const left = this.#write(growth, open, score);
      const depth = open.depth + 1;
      stack.push(
        { node: left + 1, depth, from: middle, to: open.to },
        { node: left, depth, from: open.from, to: middle },
      );
    }
    return growth.finish();
  }

  /** Fills rows and weights for one tree; the number of different rows. */
  #draw(rng: Rng): number {
    const { nRows, weights, settings } = this.#plan;
    const own = this.#weights;
    if (settings.bootstrap) {
      own.fill(0);
      for (let i = 0; i < nRows; ++i) own[rng.integer(nRows)]! += 1;
    } else own.fill(1);
    let kept = 0;
    for (let row = 0; row < nRows; ++row) {
      if (weights !== null) own[row]! *= weights[row]!;
      if (own[row]! > 0) this.#rows[kept++] = row;
    }
    return kept;
  }

  /** Writes the node's mean and weight; its score, S^2 / W over outputs. */
  #finish(growth: Growth, { node, from, to }: Open): number {
    const { values, outputs } = this.#plan;
    const sums = new Float64Array(outputs);
    let weight = 0;
    for (let i = from; i < to; ++i) {
      const row = this.#rows[i]!;
      const own = this.#weights[row]!;
      weight += own;
      if (outputs === 1) sums[0]! += own * values[row]!;
      else sums[values[row]!]! += own;
    }
    growth.cover[node] = weight;
    let score = 0;
    for (let k = 0; k < outputs; ++k) {
      growth.values[node * outputs + k] = weight > 0 ? sums[k]! / weight : 0;
      score += weight > 0 ? (sums[k]! * sums[k]!) / weight : 0;
    }
    return score;
  }

  #isPure({ from, to }: Open): boolean {
    const { values } = this.#plan;
    const first = values[this.#rows[from]!]!;
    for (let i = from + 1; i < to; ++i) if (values[this.#rows[i]!] !== first) return false;
    return true;
  }

  /** Looks at columns in a drawn order until enough of them were not constant here. */
  #search({ from, to }: Open, score: number, rng: Rng): boolean {
    const plan = this.#plan;
    const split = this.#split;
    split.score = score * (1 + 1e-12);
    split.feature = -1;
    let tried = 0;
    for (let i = 0; i < this.#order.length && tried < plan.settings.columns; ++i) {
      const j = i + rng.integer(this.#order.length - i);
      const feature = this.#order[j]!;
      this.#order[j] = this.#order[i]!;
      this.#order[i] = feature;
      sumBins(plan, feature, this.#rows, this.#weights, from, to, this.#sums);
      if (searchColumn(plan, feature, this.#sums, split, rng)) ++tried;
    }
    return split.feature >= 0;
  }

  /** Reorders the node's rows, left before right, each side in its old order; where the right ones begin. */
  #partition({ from, to }: Open): number {
    const { bins, nRows, nValues } = this.#plan;
    const { feature, bin, missingLeft, routes } = this.#split;
    const missing = nValues[feature]!;
    if (bin >= 0) {
      routes.fill(0);
      routes.fill(4, 0, bin + 1);
      routes[missing] = missingLeft === 1 ? 4 : 0;
    }
    let left = from;
    let nRight = 0;
    for (let i = from; i < to; ++i) {
      const row = this.#rows[i]!;
      if (routes[bins[feature * nRows + row]!] === 4) this.#rows[left++] = row;
      else this.#scratch[nRight++] = row;
    }
    this.#rows.set(this.#scratch.subarray(0, nRight), left);
    return left;
  }

  #write(growth: Growth, { node }: Open, score: number): number {
    const { feature, bin, missingLeft, routes, score: after } = this.#split;
    const left = growth.add();
    growth.add();
    growth.feature[node] = feature;
    growth.bin[node] = bin;
    growth.missingLeft[node] = missingLeft;
    growth.left[node] = left;
    growth.right[node] = left + 1;
    growth.gain[node] = Math.max(0, after - score) / 2;
    if (bin < 0) growth.routes.set(node, routes.slice());
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

  finish(): ForestTree {
    return {
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
