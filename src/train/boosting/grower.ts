import type { Team } from "../../threads/team.ts";
import { featureAt, totalsAt } from "./candidate-exchange.ts";
import { type Candidate, searchRules, shrunk } from "./candidate.ts";
import { childFreedom, type Freedom } from "./freedom.ts";
import { Histograms } from "./histograms.ts";
import type { Kernels } from "./kernels/kernels.ts";
import { scanEntry, scanState } from "./kernels/scan-state.ts";
import { cellBytes } from "./kernels/shape.ts";
import { type Growth, type Leaf, type LeafRows, maySplit, mostGain, shallowest } from "./leaf.ts";
import { type LeafSearch, createSearch } from "./leaf-search.ts";
import type { Scales } from "./loss.ts";
import type { TrainingPlan } from "./plan.ts";
import { bestStep, isRenewed } from "./renewal.ts";
import { unbounded } from "./search-bounded.ts";
import type { Shard } from "./shard.ts";
import { type GrownTree, clearTree, emptyTree } from "./tree.ts";
import type { View } from "./view.ts";

/**
 * One thread's part in growing trees. Every thread runs the same decisions on the same numbers. It moves and sums the rows
 * of its own shard; the sums of all are added up and searched feature by feature, each thread its own features.
 */
export class Grower {
  readonly #plan: TrainingPlan;
  readonly #view: View;
  readonly #kernels: Kernels;
  readonly #team: Team;
  readonly #shard: Shard;
  readonly #histograms: Histograms;
  readonly #search: LeafSearch;
  readonly #tree: GrownTree;

  constructor(plan: TrainingPlan, view: View, kernels: Kernels, team: Team, shard: Shard) {
    this.#plan = plan;
    this.#view = view;
    this.#kernels = kernels;
    this.#team = team;
    this.#shard = shard;
    const { shape, features, layout, settings } = plan;
    this.#tree = emptyTree(settings.leaves, shape.binRoom);
    const nFeatures = features.nValues.length;
    const place = {
      view,
      kernels,
      shape,
      features,
      state: layout.scanStates + team.thread * scanState.bytes,
      list: layout.scanLists + team.thread * nFeatures * scanEntry.bytes,
      from: featureAt(shape.binOffsets, nFeatures, team.thread / team.threads),
      to: featureAt(shape.binOffsets, nFeatures, (team.thread + 1) / team.threads),
    };
    this.#histograms = new Histograms(plan, view, kernels, team, { shard, from: place.from, to: place.to });
    this.#search = createSearch({ plan, place, team, histograms: this.#histograms });
  }

  /**
   * Grows one tree from the gradients in the row records and the first `own` positions of the shard's segment; the rows behind
   * them are sent down it afterwards. Returns the tree, which the next one is written over, and where each leaf's rows stand.
   */
  grow(args: { readonly output: number; readonly own: number; readonly scales: Scales; readonly used: Uint8Array }): {
    tree: GrownTree;
    leaves: readonly LeafRows[];
  } {
    const { settings, meanWeight } = this.#plan;
    const { output, scales, used } = args;
    const tree = this.#tree;
    clearTree(tree, output);
    const growth: Growth = { output, scales, used, tree, rules: searchRules(settings, scales, meanWeight) };
    this.#search.begin(growth);
    const leaves = [this.#root(growth, args.own)];
    while (leaves.length < settings.leaves) {
      const chosen = settings.levelwise ? shallowest(leaves) : mostGain(leaves);
      if (chosen < 0) break;
      const [left, right] = this.#split(growth, leaves[chosen]!, leaves.length);
      leaves[chosen] = left;
      leaves.push(right);
    }
    if (isRenewed(this.#plan.loss)) this.#renew(growth, leaves);
    else for (const leaf of leaves) tree.value[leaf.node] = this.#valueOf(growth, leaf);
    return { tree, leaves };
  }

  #root(growth: Growth, own: number): Leaf {
    const { hessian: scale } = growth.scales;
    const { begin, nRows } = this.#shard;
    if (own === nRows) this.#histograms.sumAll(0);
    else this.#histograms.sumListed(0, begin, own);
    this.#team.barrier();
    this.#histograms.merge(0, null);
    this.#team.barrier();
    const totals = totalsAt(this.#view.words, this.#histograms.at(0) / 4, this.#plan.shape);
    growth.tree.cover[0] = totals.hessian / scale;
    const freedom: Freedom = { bounds: unbounded, used: growth.used, path: [] };
    const rows = { begin, own, restBegin: begin + own, rest: nRows - own };
    const root: Leaf = { ...totals, ...rows, node: 0, depth: 0, slot: 0, split: null, gain: 0, freedom };
    if (!maySplit(this.#plan.settings, root) || this.#plan.settings.leaves < 2) return root;
    this.#search.search(root, null);
    this.#team.barrier();
    this.#search.settle(root, 0);
    return root;
  }

  /** Splits a leaf: moves its rows, makes the children's histograms (the smaller summed, the other subtracted), searches both. */
  #split(growth: Growth, leaf: Leaf, nLeaves: number): [Leaf, Leaf] {
    const split = leaf.split!;
    const node = this.#writeSplit(growth, leaf, split);
    const ownLeft = this.#partition(leaf.begin, leaf.own, split);
    const restLeft = leaf.rest > 0 ? this.#partition(leaf.restBegin, leaf.rest, split) : 0;
    const rest = { gradient: leaf.gradient - split.gradient, hessian: leaf.hessian - split.hessian };
    const [freeLeft, freeRight] = childFreedom(this.#plan.constraints, leaf.freedom, split, rest, {
      penalties: growth.rules,
      nValues: this.#plan.features.nValues[split.feature]!,
      used: growth.used,
    });
    const left: Leaf = {
      gradient: split.gradient,
      hessian: split.hessian,
      count: split.count,
      node,
      depth: leaf.depth + 1,
      begin: leaf.begin,
      own: ownLeft,
      restBegin: leaf.restBegin,
      rest: restLeft,
      slot: leaf.slot,
      split: null,
      gain: 0,
      freedom: freeLeft,
    };
    const right: Leaf = {
      gradient: rest.gradient,
      hessian: rest.hessian,
      count: leaf.count - split.count,
      node: node + 1,
      depth: leaf.depth + 1,
      begin: leaf.begin + ownLeft,
      own: leaf.own - ownLeft,
      restBegin: leaf.restBegin + restLeft,
      rest: leaf.rest - restLeft,
      slot: leaf.slot,
      split: null,
      gain: 0,
      freedom: freeRight,
    };
    growth.tree.cover[node] = left.hessian / growth.scales.hessian;
    growth.tree.cover[node + 1] = right.hessian / growth.scales.hessian;
    const isLast = nLeaves + 1 === this.#plan.settings.leaves;
    if (!isLast && (maySplit(this.#plan.settings, left) || maySplit(this.#plan.settings, right))) {
      this.#searchChildren(left, right, nLeaves);
    }
    return [left, right];
  }

  /** No barrier at the end: before anything found here is written over, every thread has passed the next split's first one. */
  #searchChildren(left: Leaf, right: Leaf, newSlot: number): void {
    const isLeftSmall = left.count <= right.count;
    const [small, large] = isLeftSmall ? [left, right] : [right, left];
    small.slot = newSlot;
    this.#histograms.sumListed(newSlot, small.begin, small.own);
    this.#team.barrier();
    this.#histograms.merge(newSlot, large.slot);
    this.#search.search(small, large);
    this.#team.barrier();
    if (maySplit(this.#plan.settings, small)) this.#search.settle(small, 0);
    if (maySplit(this.#plan.settings, large)) this.#search.settle(large, 1);
  }

  /** Turns the leaf's node into a split with two new nodes; returns the left one (the right follows it). */
  #writeSplit(growth: Growth, leaf: Leaf, split: Candidate): number {
    const { tree, scales } = growth;
    const { node } = leaf;
    const first = tree.nNodes;
    tree.nNodes += 2;
    tree.feature[node] = split.feature;
    tree.bin[node] = split.bin;
    tree.missingLeft[node] = split.missingLeft;
    tree.routes.set(split.routes, node << tree.routeBits);
    tree.left[node] = first;
    tree.right[node] = first + 1;
    tree.gain[node] = (0.5 * leaf.gain * scales.hessian) / scales.gradient / scales.gradient;
    return first;
  }

  /** Reorders a stretch of this thread's rows, left before right, each side in its old order; returns how many go left. */
  #partition(begin: number, own: number, split: Candidate): number {
    const { layout, nRows, shape } = this.#plan;
    const route = layout.routes + this.#team.thread * shape.binRoom;
    this.#view.bytes.set(split.routes, route);
    const [from, to] = [layout.index + begin * 4, layout.index + (begin + own) * 4];
    const column = layout.columns + split.feature * nRows * cellBytes(shape);
    return this.#kernels.partition(from, to, column, route, layout.scratch + begin * 4);
  }

  /**
   * Gives each leaf the best step of the loss itself, shrunk by the shares the penalties would leave of a Newton step. Each
   * leaf is one thread's, which reads the rows of all threads in it; no score changes before all are done.
   */
  #renew(growth: Growth, leaves: readonly Leaf[]): void {
    const { l1, l2, learningRate } = this.#plan.settings;
    const { train, leafSteps, leafRows } = this.#view;
    const { thread, threads } = this.#team;
    leaves.forEach(({ begin, own }, i) => leafRows.set([begin, own], 2 * (i * threads + thread)));
    this.#team.barrier();
    for (let i = thread; i < leaves.length; i += threads) {
      const rows = this.#rowsOf(i);
      leafSteps[i] = bestStep(this.#plan, train, rows, 0, rows.length);
    }
    this.#team.barrier();
    leaves.forEach((leaf, i) => {
      const hessian = leaf.hessian / growth.scales.hessian;
      const kept = leaf.gradient === 0 ? Number(l1 === 0) : shrunk(leaf.gradient, growth.rules.l1) / leaf.gradient;
      const share = hessian > 0 ? kept * (hessian / (hessian + l2)) : 0;
      growth.tree.value[leaf.node] = leafSteps[i]! * share * learningRate;
    });
    this.#team.barrier();
  }

  /** All rows of leaf `i`, ascending, so that sums over them are the same bits for any number of threads. */
  #rowsOf(i: number): Uint32Array {
    const { index, leafRows } = this.#view;
    const { threads } = this.#team;
    const parts = Array.from({ length: threads }, (_, thread) => {
      const [begin, own] = leafRows.subarray(2 * (i * threads + thread));
      return index.subarray(begin, begin! + own!);
    });
    if (threads === 1) return parts[0]!;
    const rows = new Uint32Array(parts.reduce((total, part) => total + part.length, 0));
    parts.reduce((at, part) => (rows.set(part, at), at + part.length), 0);
    return rows.sort();
  }

  /** The Newton step -G / (H + l2), times the learning rate; G shrunk by l1. */
  #valueOf(growth: Growth, leaf: Leaf): number {
    const { l2, learningRate } = this.#plan.settings;
    const { scales } = growth;
    const hessian = leaf.hessian / scales.hessian + l2;
    const step = hessian > 0 ? -shrunk(leaf.gradient, growth.rules.l1) / scales.gradient / hessian : 0;
    const unit = scales.hessian / scales.gradient;
    return Math.max(leaf.freedom.bounds.low * unit, Math.min(leaf.freedom.bounds.high * unit, step)) * learningRate;
  }
}
