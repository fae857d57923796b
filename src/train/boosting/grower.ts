import type { Team } from "../../threads/team.ts";
import { featureAt } from "./candidate-exchange.ts";
import { searchRules, shrunk } from "./candidate.ts";
import { Histograms } from "./histograms.ts";
import { KernelSplitter } from "./kernel-splitter.ts";
import type { Kernels } from "./kernels/kernels.ts";
import { scanEntry, scanState } from "./kernels/scan-state.ts";
import type { Growth, SummedLeaf } from "./leaf.ts";
import type { Scales } from "./loss.ts";
import type { TrainingPlan } from "./plan.ts";
import { bestStep, isRenewed } from "./renewal.ts";
import type { SearchPlace } from "./search-pair.ts";
import type { Range, Shard } from "./shard.ts";
import { Splitter, type TreeSplitter } from "./splitter.ts";
import { type GrownTree, clearTree, emptyTree, treeLayout } from "./tree.ts";
import type { View } from "./view.ts";

/** What one tree is grown of. */
interface GrowArgs {
  readonly output: number;
  readonly own: number;
  readonly scales: Scales;
  readonly used: Uint8Array;
  /** Writes the gradients of some rows; null where they are there, as they are unless a tree is learned from all rows. */
  readonly writeGradients: ((range: Range) => void) | null;
  /** Of the round, where a kernel writes them: see `logisticKernel`. */
  readonly dither: number;
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
  readonly #splitter: TreeSplitter;
  readonly #tree: GrownTree;
  /** Whether the next sums over all rows say which features are kept packed. */
  #isToKeep: boolean;

  /** All threads make theirs at once: they wait for each other. */
  constructor(plan: TrainingPlan, view: View, kernels: Kernels, team: Team, shard: Shard) {
    this.#plan = plan;
    this.#view = view;
    this.#team = team;
    this.#shard = shard;
    const { leaves } = plan.settings;
    const treeAt = plan.layout.trees + team.thread * treeLayout(leaves).bytes;
    this.#tree = emptyTree(leaves, plan.shape.binRoom, view.bytes.buffer, treeAt);
    const place = placeOf(plan, view, kernels, team);
    const histograms = new Histograms(plan, view, kernels, team, place);
    this.#histograms = histograms;
    const mayKeep = plan.isGrown && plan.shape.isPacked;
    const isSampled = plan.settings.rowShare < 1;
    if (mayKeep && isSampled) histograms.countRows();
    if (mayKeep && isSampled) histograms.keepPacked();
    this.#isToKeep = mayKeep && !isSampled;
    const args = { plan, place, team, histograms };
    this.#splitter = plan.isGrown ? new KernelSplitter(args) : new Splitter(args);
  }

  /**
   * Grows one tree from the gradients in the row records and the first `own` positions of the shard's segment (of the full index
   * where kernels grow it from all rows); the rows behind them are sent down it afterwards. The next one is written over it.
   */
  grow(args: GrowArgs): GrownTree {
    const { settings, meanWeight, loss } = this.#plan;
    const { output, scales, used, own } = args;
    const { begin, nRows } = this.#shard;
    const tree = this.#tree;
    clearTree(tree, output);
    const growth: Growth = { output, scales, used, tree, rules: searchRules(settings, scales, meanWeight) };
    this.#sumRoot(args);
    this.#splitter.split(growth, { begin, own, restBegin: begin + own, rest: nRows - own });
    if (isRenewed(loss) && tree.nNodes > 1) this.#renew(growth, this.#splitter.leaves);
    else this.#splitter.setValues(growth);
    return tree;
  }

  /** Adds the last tree to the scores of this thread's rows, leaf by leaf. */
  addScores(): void {
    this.#splitter.addScores(this.#tree);
  }

  /** Sums the histogram of all rows. */
  #sumRoot({ own, scales, writeGradients, dither }: GrowArgs): void {
    const { sumLogistic } = this.#splitter;
    if (!writeGradients) this.#histograms.sumListed(0, this.#shard.begin, own);
    else if (sumLogistic) sumLogistic(scales, dither);
    else this.#histograms.sumAll(0, writeGradients);
    this.#team.barrier();
    this.#histograms.merge(0, null);
    this.#team.barrier();
    if (this.#isToKeep) this.#histograms.keepPacked();
    this.#isToKeep = false;
  }

  /**
   * Gives each leaf the best step of the loss itself, shrunk by the shares the penalties would leave of a Newton step. Each
   * leaf is one thread's, which reads the rows of all threads in it; no score changes before all are done.
   */
  #renew(growth: Growth, leaves: readonly SummedLeaf[]): void {
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
