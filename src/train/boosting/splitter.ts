import { childFreedom } from "./freedom.ts";
import { cellBytes } from "./kernels/shape.ts";
import { childrenOf, type Growth, type Leaf, maySplit, mostGain, openNode, shallowest } from "./leaf.ts";
import { LeafSearch, type SearchArgs } from "./leaf-search.ts";
import type { Candidate } from "./candidate.ts";

/** Splits leaves of any features, under any constraints. What `KernelSplitter` does is the same, of numbers and without them. */
export class Splitter {
  readonly #args: SearchArgs;
  readonly #search: LeafSearch;

  constructor(args: SearchArgs) {
    this.#args = args;
    this.#search = new LeafSearch(args);
  }

  /** Splits the root, whose histogram is summed, and what comes of it; writes all of the tree but the values of the leaves it returns. */
  split(growth: Growth, root: Leaf): Leaf[] {
    const { settings } = this.#args.plan;
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
    return leaves;
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
    return place.kernels.partition(from, to, from, column, route, layout.scratch + begin * 4);
  }
}
