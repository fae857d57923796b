import type { Team } from "../../threads/team.ts";
import { featureAt, totalsAt } from "./candidate-exchange.ts";
import { searchRules, shrunk } from "./candidate.ts";
import { Histograms } from "./histograms.ts";
import { KernelSplitter } from "./kernel-splitter.ts";
import type { Kernels } from "./kernels/kernels.ts";
import { scanEntry, scanState } from "./kernels/scan-state.ts";
import type { Growth, Leaf, LeafRows } from "./leaf.ts";
import type { Scales } from "./loss.ts";
import type { TrainingPlan } from "./plan.ts";
import { bestStep, isRenewed } from "./renewal.ts";
import { unbounded } from "./search-bounded.ts";
import type { SearchPlace } from "./search-pair.ts";
import type { Range, Shard } from "./shard.ts";
import { Splitter } from "./splitter.ts";
import { type GrownTree, clearTree, emptyTree } from "./tree.ts";
import type { View } from "./view.ts";

/** What one tree is grown of. */
interface GrowArgs {
  readonly output: number;
  readonly own: number;
  readonly scales: Scales;
  readonly used: Uint8Array;
  /** Writes the gradients of some rows; null where they are there, as they are unless a tree is learned from all rows. */
  readonly writeGradients: ((range: Range) => void) | null;
}

/**
 * One thread's part in growing trees. Every thread runs the same decisions on the same numbers. It moves the rows of
 * its own shard, and sums these and what others have left of theirs; the sums of all are added up and searched feature by
 * feature, each thread its own features.
 */
export class Grower {
  readonly #plan: TrainingPlan;
  readonly #view: View;
  readonly #team: Team;
  readonly #shard: Shard;
  readonly #histograms: Histograms;
  readonly #splitter: Splitter | KernelSplitter;
  readonly #tree: GrownTree;

  /** All threads make theirs at once: they wait for each other. */
  constructor(plan: TrainingPlan, view: View, kernels: Kernels, team: Team, shard: Shard) {
    this.#plan = plan;
    this.#view = view;
    this.#team = team;
    this.#shard = shard;
    this.#tree = emptyTree(plan.settings.leaves, plan.shape.binRoom);
    const place = placeOf(plan, view, kernels, team);
    const histograms = new Histograms(plan, view, kernels, team, place);
    this.#histograms = histograms;
    if (plan.isGrown && plan.shape.isPacked) histograms.keepPacked();
    const args = { plan, place, team, histograms };
    this.#splitter = plan.isGrown ? new KernelSplitter(args) : new Splitter(args);
  }

  /**
   * Grows one tree from the gradients in the row records and the first `own` positions of the shard's segment (of the full index
   * where kernels grow it from all rows); the rows behind them are sent down it afterwards. Returns the tree, which the next one is
   * written over, and where each leaf's rows stand.
   */
  grow(args: GrowArgs): { tree: GrownTree; leaves: readonly LeafRows[] } {
    const { settings, meanWeight } = this.#plan;
    const { output, scales, used } = args;
    const tree = this.#tree;
    clearTree(tree, output);
    const growth: Growth = { output, scales, used, tree, rules: searchRules(settings, scales, meanWeight) };
    const leaves = this.#splitter.split(growth, this.#root(growth, args));
    if (isRenewed(this.#plan.loss) && leaves.length > 1) this.#renew(growth, leaves);
    else for (const leaf of leaves) tree.value[leaf.node] = this.#valueOf(growth, leaf);
    return { tree, leaves };
  }

  /** The leaf of all rows, its histogram summed. */
  #root(growth: Growth, { own, writeGradients }: GrowArgs): Leaf {
    const { begin, nRows } = this.#shard;
    if (writeGradients) this.#histograms.sumAll(0, writeGradients);
    else this.#histograms.sumListed(0, begin, own);
    this.#team.barrier();
    this.#histograms.merge(0, null);
    this.#team.barrier();
    const totals = totalsAt(this.#view.words, this.#histograms.at(0) / 4, this.#plan.shape);
    growth.tree.cover[0] = totals.hessian / growth.scales.hessian;
    const freedom = { bounds: unbounded, used: growth.used, path: [] };
    const { gradient, hessian, count } = totals;
    const [restBegin, rest] = [begin + own, nRows - own];
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

/** Where this thread searches: an equal part of the features. */
function placeOf({ shape, features, layout }: TrainingPlan, view: View, kernels: Kernels, team: Team): SearchPlace {
  const nFeatures = features.nValues.length;
  return {
    view,
    kernels,
    shape,
    features,
    state: layout.scanStates + team.thread * scanState.bytes,
    list: layout.scanLists + team.thread * nFeatures * scanEntry.bytes,
    from: featureAt(shape.binOffsets, nFeatures, team.thread / team.threads),
    to: featureAt(shape.binOffsets, nFeatures, (team.thread + 1) / team.threads),
  };
}
