import type { Team } from "../threads/team.ts";
import { type Kernels, gatherBytes } from "./kernels/kernels.ts";
import type { Scales } from "./loss.ts";
import { bestFound, featureAt, publish, totalsAt } from "./candidate-exchange.ts";
import { type TrainingPlan, histogramBytes } from "./plan.ts";
import { type Candidate, emptyCandidate, searchRules } from "./candidate.ts";
import { type Growth, type Leaf, type LeafRows, mostGain, shallowest } from "./leaf.ts";
import { childFreedom, type Freedom } from "./constraints.ts";
import { searchFeatures, unsplitScore } from "./search.ts";
import { unbounded } from "./search-bounded.ts";
import { type GrownTree, emptyTree } from "./tree.ts";
import { bestStep, isRenewed } from "./renewal.ts";
import type { View } from "./view.ts";

/** Leaves of fewer rows are summed by one thread: merging private histograms would cost more than it saves. */
const soloRows = 4096;

/** One thread's part in growing trees. Every thread runs the same decisions on the same numbers; only sums are divided. */
export class Grower {
  readonly #plan: TrainingPlan;
  readonly #view: View;
  readonly #kernels: Kernels;
  readonly #team: Team;
  readonly #slotBytes: number;
  readonly #featureFrom: number;
  readonly #featureTo: number;
  /** Reused by every search of this thread, one a child. */
  readonly #found: readonly [Candidate, Candidate] = [emptyCandidate(), emptyCandidate()];

  constructor(plan: TrainingPlan, view: View, kernels: Kernels, team: Team) {
    this.#plan = plan;
    this.#view = view;
    this.#kernels = kernels;
    this.#team = team;
    this.#slotBytes = Math.ceil(histogramBytes(plan.shape) / 64) * 64;
    const nFeatures = plan.features.nValues.length;
    this.#featureFrom = featureAt(plan.shape.binOffsets, nFeatures, team.thread / team.threads);
    this.#featureTo = featureAt(plan.shape.binOffsets, nFeatures, (team.thread + 1) / team.threads);
  }

  /**
   * Grows one tree from the gradients in the row records and the first `nRows` positions of the index. All threads
   * must have written both and passed a barrier. Returns the tree and where each leaf's rows stand.
   */
  grow(args: { readonly output: number; readonly nRows: number; readonly scales: Scales; readonly used: Uint8Array }): {
    tree: GrownTree;
    leaves: readonly LeafRows[];
  } {
    const { settings, meanWeight } = this.#plan;
    const tree = emptyTree(args.output, settings.leaves);
    const growth: Growth = { ...args, tree, rules: searchRules(settings, args.scales, meanWeight) };
    const leaves = [this.#root(growth)];
    while (leaves.length < settings.leaves) {
      const chosen = settings.levelwise ? shallowest(leaves) : mostGain(leaves);
      if (chosen < 0) break;
      const [left, right] = this.#split(growth, leaves[chosen]!, leaves.length);
      leaves[chosen] = left;
      leaves.push(right);
    }
    if (isRenewed(this.#plan)) this.#renew(growth, leaves);
    else for (const leaf of leaves) tree.value[leaf.node] = this.#valueOf(growth, leaf);
    return { tree, leaves };
  }

  #root(growth: Growth): Leaf {
    const { hessian: scale } = growth.scales;
    const workers = this.#sum(0, growth.nRows, 0, growth.nRows === this.#plan.nRows);
    this.#team.barrier();
    this.#merge(0, workers);
    this.#team.barrier();
    const totals = totalsAt(this.#view.words, this.#slotAt(0) / 4, this.#plan.shape);
    growth.tree.cover[0] = totals.hessian / scale;
    const freedom: Freedom = { bounds: unbounded, used: growth.used, path: [] };
    const root: Leaf = { ...totals, node: 0, depth: 0, begin: 0, slot: 0, split: null, gain: 0, freedom };
    if (!this.#maySplit(root) || this.#plan.settings.leaves < 2) return root;
    this.#search(growth, root, 0);
    this.#team.barrier();
    const searched = this.#withBest(growth, root, 0);
    this.#team.barrier();
    return searched;
  }

  /** Splits a leaf: moves its rows, makes the children's histograms (the smaller summed, the other subtracted), searches both. */
  #split(growth: Growth, leaf: Leaf, nLeaves: number): [Leaf, Leaf] {
    const split = leaf.split!;
    const node = this.#writeSplit(growth, leaf, split);
    this.#partition(leaf, split);
    const rest = { gradient: leaf.gradient - split.gradient, hessian: leaf.hessian - split.hessian };
    const [freeLeft, freeRight] = childFreedom(this.#plan.constraints, leaf.freedom, split, rest, {
      l2: growth.rules.l2,
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
      slot: leaf.slot,
      split: null,
      gain: 0,
      freedom: freeLeft,
    };
    const right: Leaf = {
      ...rest,
      count: leaf.count - split.count,
      node: node + 1,
      depth: leaf.depth + 1,
      begin: leaf.begin + split.count,
      slot: leaf.slot,
      split: null,
      gain: 0,
      freedom: freeRight,
    };
    growth.tree.cover[node] = left.hessian / growth.scales.hessian;
    growth.tree.cover[node + 1] = right.hessian / growth.scales.hessian;
    const isLast = nLeaves + 1 === this.#plan.settings.leaves;
    if (isLast || !(this.#maySplit(left) || this.#maySplit(right))) return [left, right];
    return this.#searchChildren(growth, left, right, nLeaves);
  }

  #searchChildren(growth: Growth, left: Leaf, right: Leaf, newSlot: number): [Leaf, Leaf] {
    const isLeftSmall = left.count <= right.count;
    const small = { ...(isLeftSmall ? left : right), slot: newSlot };
    const large = isLeftSmall ? right : left;
    const workers = this.#sum(small.begin, small.count, newSlot, false);
    this.#team.barrier();
    this.#merge(newSlot, workers);
    this.#subtract(large.slot, newSlot);
    if (this.#maySplit(small)) this.#search(growth, small, 0);
    if (this.#maySplit(large)) this.#search(growth, large, 1);
    this.#team.barrier();
    const searchedSmall = this.#maySplit(small) ? this.#withBest(growth, small, 0) : small;
    const searchedLarge = this.#maySplit(large) ? this.#withBest(growth, large, 1) : large;
    this.#team.barrier();
    return isLeftSmall ? [searchedSmall, searchedLarge] : [searchedLarge, searchedSmall];
  }

  #maySplit(leaf: Leaf): boolean {
    const { depth, minRows } = this.#plan.settings;
    return leaf.count >= 2 * minRows && (depth === 0 || leaf.depth < depth);
  }

  /** Sums the records of a leaf into histogram `slot`, or into one private histogram a thread; returns how many. */
  #sum(begin: number, count: number, slot: number, isAll: boolean): number {
    const { layout, shape } = this.#plan;
    const { thread, threads } = this.#team;
    const workers = count < soloRows ? 1 : threads;
    if (thread >= workers) return workers;
    const target = workers === 1 ? this.#slotAt(slot) : layout.privateHistograms + thread * this.#slotBytes;
    this.#view.bytes.fill(0, target, target + histogramBytes(shape));
    const from = begin + Math.floor((count * thread) / workers);
    const to = begin + Math.floor((count * (thread + 1)) / workers);
    if (isAll) this.#kernels.sumRows(layout.rows + from * shape.stride, layout.rows + to * shape.stride, target);
    else {
      const buffer = layout.gathered + thread * gatherBytes(shape.stride);
      this.#kernels.sumListed(layout.index + from * 4, layout.index + to * 4, layout.rows, buffer, target);
    }
    return workers;
  }

  /** Adds the private histograms up into `slot`, over this thread's features. */
  #merge(slot: number, workers: number): void {
    if (workers === 1) return;
    const [from, to] = this.#ownBytes();
    const target = this.#slotAt(slot);
    const source = this.#plan.layout.privateHistograms;
    this.#view.bytes.copyWithin(target + from, source + from, source + to);
    for (let other = 1; other < workers; ++other) {
      this.#kernels.addBins(target + from, target + to, source + other * this.#slotBytes + from);
    }
  }

  #subtract(slot: number, smaller: number): void {
    const [from, to] = this.#ownBytes();
    this.#kernels.subtractBins(this.#slotAt(slot) + from, this.#slotAt(slot) + to, this.#slotAt(smaller) + from);
  }

  #ownBytes(): [number, number] {
    const { binOffsets } = this.#plan.shape;
    return [binOffsets[this.#featureFrom]! * 16, binOffsets[this.#featureTo]! * 16];
  }

  #slotAt(slot: number): number {
    return this.#plan.layout.histograms + slot * this.#slotBytes;
  }

  /** Finds the best split of a leaf among this thread's features and publishes it as candidate `which`. */
  #search(growth: Growth, leaf: Leaf, which: 0 | 1): void {
    const { shape, features, layout } = this.#plan;
    const { direction } = this.#plan.constraints;
    const { words } = this.#view;
    const best = this.#found[which];
    searchFeatures({
      histogram: { words, countShift: shape.countShift },
      at: this.#slotAt(leaf.slot) / 4,
      binOffsets: shape.binOffsets,
      features,
      used: leaf.freedom.used,
      order: direction && { direction, bounds: leaf.freedom.bounds },
      from: this.#featureFrom,
      to: this.#featureTo,
      totals: leaf,
      rules: growth.rules,
      best,
    });
    publish(this.#view, layout, this.#team.thread * 2 + which, best);
  }

  #withBest(growth: Growth, leaf: Leaf, which: 0 | 1): Leaf {
    const split = bestFound(this.#view, this.#plan.layout, this.#team.threads, which);
    return {
      ...leaf,
      split,
      gain: split === null ? 0 : split.score - unsplitScore(leaf, growth.rules.l2, leaf.freedom.bounds),
    };
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
    tree.routes.set(split.routes, node * 256);
    tree.left[node] = first;
    tree.right[node] = first + 1;
    tree.gain[node] = (0.5 * leaf.gain * scales.hessian) / scales.gradient / scales.gradient;
    return first;
  }

  /**
   * Reorders the leaf's rows, left before right, each side in its old order (a stable partition). Each thread splits
   * its piece into the scratch array; once all counts are known it copies its halves to their places.
   */
  #partition(leaf: Leaf, split: Candidate): void {
    const { layout } = this.#plan;
    const { thread, threads } = this.#team;
    const from = leaf.begin + Math.floor((leaf.count * thread) / threads);
    const to = leaf.begin + Math.floor((leaf.count * (thread + 1)) / threads);
    const route = layout.routes + thread * 256;
    this.#view.bytes.set(split.routes, route);
    const nLeft = this.#kernels.partition(
      layout.index + from * 4,
      layout.index + to * 4,
      layout.columns + split.feature * this.#plan.nRows,
      route,
      layout.scratch + from * 4,
    );
    this.#view.perThread[thread] = nLeft;
    this.#team.barrier();
    let leftBefore = 0;
    for (let other = 0; other < thread; ++other) leftBefore += this.#view.perThread[other]!;
    const leftAt = leaf.begin + leftBefore;
    const rightAt = leaf.begin + split.count + (from - leaf.begin - leftBefore);
    this.#view.index.set(this.#view.scratch.subarray(from, from + nLeft), leftAt);
    const rightEnd = layout.index + (rightAt + to - from - nLeft) * 4;
    this.#kernels.copyReversed(layout.index + rightAt * 4, rightEnd, layout.scratch + to * 4);
    this.#team.barrier();
  }

  /** Each leaf is one thread's; it reads the leaf's rows, whose scores no thread changes before all are done. */
  #renew(growth: Growth, leaves: readonly Leaf[]): void {
    const { l2, learningRate } = this.#plan.settings;
    const { train, index, leafSteps } = this.#view;
    const { thread, threads } = this.#team;
    for (let i = thread; i < leaves.length; i += threads) {
      const { begin, count } = leaves[i]!;
      leafSteps[i] = bestStep(this.#plan, train, index, begin, begin + count);
    }
    this.#team.barrier();
    leaves.forEach((leaf, i) => {
      const hessian = leaf.hessian / growth.scales.hessian;
      const share = hessian > 0 ? hessian / (hessian + l2) : 0;
      growth.tree.value[leaf.node] = leafSteps[i]! * share * learningRate;
    });
    this.#team.barrier();
  }

  /** The Newton step -G / (H + l2), shrunk. */
  #valueOf(growth: Growth, leaf: Leaf): number {
    const { l2, learningRate } = this.#plan.settings;
    const { scales } = growth;
    const hessian = leaf.hessian / scales.hessian + l2;
    const step = hessian > 0 ? -leaf.gradient / scales.gradient / hessian : 0;
    const unit = scales.hessian / scales.gradient;
    return Math.max(leaf.freedom.bounds.low * unit, Math.min(leaf.freedom.bounds.high * unit, step)) * learningRate;
  }
}
