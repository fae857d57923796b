import { childFreedom } from "./freedom.ts";
import { cellBytes } from "./kernels/shape.ts";
import {
  childrenOf,
  type Growth,
  type Leaf,
  maySplit,
  mostGain,
  openNode,
  type RootRows,
  shallowest,
  type SummedLeaf,
} from "./leaf.ts";
import { LeafSearch, type SearchArgs } from "./leaf-search.ts";
import { totalsAt } from "./candidate-exchange.ts";
import { type Candidate, shrunk } from "./candidate.ts";
import type { Scales } from "./loss.ts";
import { unbounded } from "./search-bounded.ts";
import type { GrownTree } from "./tree.ts";

/** One thread's part in splitting the leaves of trees, one tree after the other. */
export interface TreeSplitter {
  /** Sums all rows and writes the gradients of logistic loss meanwhile; null where `Histograms.sumAll` is asked to. */
  readonly sumLogistic: ((scales: Scales, dither: number) => void) | null;
  /** Splits the root, whose histogram is summed, and what comes of it; writes all of the tree but the values of leaves. */
  split(growth: Growth, root: RootRows): void;
  /** The leaves of the tree that was split last. */
  readonly leaves: readonly SummedLeaf[];
  /** Gives each leaf the Newton step -G / (H + l2), times the learning rate; G shrunk by l1. */
  setValues(growth: Growth): void;
  /** Adds the tree's values to the scores of the leaves' rows. */
  addScores(tree: GrownTree): void;
}

/** Splits leaves of any features, under any constraints. What `KernelSplitter` does is the same, of numbers and without them. */
export class Splitter implements TreeSplitter {
  readonly sumLogistic = null;
  readonly #args: SearchArgs;
  readonly #search: LeafSearch;
  #leaves: readonly Leaf[] = [];

  constructor(args: SearchArgs) {
    this.#args = args;
    this.#search = new LeafSearch(args);
  }

  split(growth: Growth, rows: RootRows): void {
    const { settings } = this.#args.plan;
    const root = this.#rootOf(growth, rows);
    this.#search.begin(growth);
    if (maySplit(settings, root)) {
      this.#search.search(root, null);
      this.#args.team.barrier();
      this.#search.settle(root, 0);
    }
    const leaves = [root];
    while (leaves.length < settings.leaves) {
      const chosen = settings.levelwise ? shallowest(leaves) : mostGain(leaves);
      if (chosen < 0) break;
      const [left, right] = this.#split(growth, leaves[chosen]!, leaves.length);
      leaves[chosen] = left;
      leaves.push(right);
    }
    this.#leaves = leaves;
  }

  get leaves(): readonly Leaf[] {
    return this.#leaves;
  }

  setValues(growth: Growth): void {
    for (const leaf of this.#leaves) growth.tree.value[leaf.node] = this.#valueOf(growth, leaf);
  }

  addScores(tree: GrownTree): void {
    const { layout } = this.#args.plan;
    const { kernels } = this.#args.place;
    const scores = layout.scores + tree.output * 8;
    for (const { node, begin, own, restBegin, rest } of this.#leaves) {
      const [from, restFrom] = [layout.index + begin * 4, layout.index + restBegin * 4];
      kernels.addScore(from, from + own * 4, scores, tree.value[node]!);
      if (rest > 0) kernels.addScore(restFrom, restFrom + rest * 4, scores, tree.value[node]!);
    }
  }

  #rootOf({ tree, scales, used }: Growth, rows: RootRows): Leaf {
    const { place, histograms } = this.#args;
    const totals = totalsAt(place.view.words, histograms.at(0) / 4, place.shape);
    tree.cover[0] = totals.hessian / scales.hessian;
    const freedom = { bounds: unbounded, used, path: [] };
    const { begin, own, restBegin, rest } = rows;
    const { gradient, hessian, count } = totals;
    return {
      gradient,
      hessian,
      count,
      node: 0,
      depth: 0,
      begin,
      own,
      restBegin,
      rest,
      slot: 0,
      split: null,
      gain: 0,
      freedom,
    };
  }

  #valueOf({ scales, rules }: Growth, { gradient, hessian, freedom }: Leaf): number {
    const { l2, learningRate } = this.#args.plan.settings;
    const divisor = hessian / scales.hessian + l2;
    const step = divisor > 0 ? -shrunk(gradient, rules.l1) / scales.gradient / divisor : 0;
    const unit = scales.hessian / scales.gradient;
    return Math.max(freedom.bounds.low * unit, Math.min(freedom.bounds.high * unit, step)) * learningRate;
  }

  /** Splits a leaf: moves its rows, makes the children's histograms (the smaller summed, the other subtracted), searches both. */
  #split(growth: Growth, leaf: Leaf, nLeaves: number): [Leaf, Leaf] {
    const split = leaf.split!;
    const node = openNode(growth, leaf.node, split, leaf.gain);
    growth.tree.routes.set(split.routes, leaf.node << growth.tree.routeBits);
    const ownLeft = this.#partition(leaf.begin, leaf.own, split);
    const restLeft = leaf.rest > 0 ? this.#partition(leaf.restBegin, leaf.rest, split) : 0;
    const rest = { gradient: leaf.gradient - split.gradient, hessian: leaf.hessian - split.hessian };
    const freedoms = childFreedom(this.#args.plan.constraints, leaf.freedom, split, rest, {
      penalties: growth.rules,
      nValues: this.#args.plan.features.nValues[split.feature]!,
      used: growth.used,
    });
    const [left, right] = childrenOf(leaf, split, { node, ownLeft, restLeft }, freedoms);
    growth.tree.cover[node] = left.hessian / growth.scales.hessian;
    growth.tree.cover[node + 1] = right.hessian / growth.scales.hessian;
    const isLast = nLeaves + 1 === this.#args.plan.settings.leaves;
    if (!isLast && (maySplit(this.#args.plan.settings, left) || maySplit(this.#args.plan.settings, right))) {
      this.#searchChildren(left, right, nLeaves);
    }
    return [left, right];
  }

  /** No barrier at the end: before anything found here is written over, every thread has passed the next split's first one. */
  #searchChildren(left: Leaf, right: Leaf, newSlot: number): void {
    const isLeftSmall = left.count <= right.count;
    const [small, large] = isLeftSmall ? [left, right] : [right, left];
    small.slot = newSlot;
    this.#args.histograms.sumListed(newSlot, small.begin, small.own);
    this.#args.team.barrier();
    this.#args.histograms.merge(newSlot, large.slot);
    this.#search.search(small, large);
    this.#args.team.barrier();
    if (maySplit(this.#args.plan.settings, small)) this.#search.settle(small, 0);
    if (maySplit(this.#args.plan.settings, large)) this.#search.settle(large, 1);
  }

  /** Reorders a stretch of this thread's rows, left before right, each side in its old order; returns how many go left. */
  #partition(begin: number, own: number, split: Candidate): number {
    const { plan, place, team } = this.#args;
    const { layout, nRows, shape } = plan;
    const route = layout.routes + team.thread * shape.binRoom;
    place.view.bytes.set(split.routes, route);
    const [from, to] = [layout.index + begin * 4, layout.index + (begin + own) * 4];
    const column = layout.columns + split.feature * nRows * cellBytes(shape);
    return place.kernels.partition(from, to, from, column, route, layout.scratch + begin * 4, layout.sides);
  }
}
