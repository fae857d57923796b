import { createRng, mix32, shuffle } from "../../core/rng.ts";
import type { Team } from "../threads/team.ts";
import { Grower } from "./grower.ts";
import { type Kernels, instantiateKernels } from "./kernels/kernels.ts";
import type { LeafRows } from "./leaf.ts";
import {
  type Scales,
  largestResidual,
  powerOfTwoScale,
  quantumLimits,
  sumLosses,
  writeLogistic,
  writeNormaliser,
  writeSoftmax,
  writeSquared,
} from "./loss.ts";
import { largestTweedie, residualBounds, writeBounded, writeTweedie } from "./loss-regression.ts";
import { isRegression, type TrainingPlan, lossChunk } from "./plan.ts";
import { type FinishedTree, type GrownTree, finishTree, valueOfRecord } from "./tree.ts";
import { type RowSet, type View, openView } from "./view.ts";

/** What a training learned; the same in every thread. Losses are sums over the (weighted) rows; -1 where not measured. */
export interface TrainingOutcome {
  readonly trees: readonly FinishedTree[];
  /** Rounds kept: up to the one with the best validation loss. */
  readonly rounds: number;
  /** After the last round run. */
  readonly trainLoss: number;
  /** After the last round kept. */
  readonly validationLoss: number;
  readonly isStopped: boolean;
}

/** Runs one thread's part of a training to its end. */
export async function runTraining(plan: TrainingPlan, team: Team): Promise<TrainingOutcome> {
  return new Training(plan, team).run();
}

/** One thread in one training: gradients, trees, scores, losses, round by round. */
class Training {
  readonly #plan: TrainingPlan;
  readonly #team: Team;
  readonly #view: View;
  readonly #kernels: Kernels;
  readonly #grower: Grower;
  /** This thread's rows, training and validation. */
  readonly #rows: Range;
  readonly #validationRows: Range;
  readonly #trees: { readonly round: number; readonly tree: FinishedTree }[] = [];

  constructor(plan: TrainingPlan, team: Team) {
    this.#plan = plan;
    this.#team = team;
    this.#view = openView(plan, team.threads);
    this.#kernels = instantiateKernels(plan.module, plan.memory, plan.shape);
    this.#grower = new Grower(plan, this.#view, this.#kernels, team);
    this.#rows = shardOf(plan.nRows, team);
    this.#validationRows = shardOf(plan.nValidation, team);
  }

  async run(): Promise<TrainingOutcome> {
    const { settings, nValidation } = this.#plan;
    const isWatched = nValidation > 0;
    const isSampled = settings.rowShare < 1 || settings.columnShare < 1;
    let best = { rounds: 0, loss: isWatched ? Infinity : -1 };
    let round = 0;
    let state: RoundState = "grown";
    while (round < settings.trees) {
      await this.#team.pause();
      state = this.#boost(round);
      // Without sampling the next round would see the same rows and columns, and find no split either.
      if (state === "stopped" || (state === "barren" && !isSampled)) break;
      round += 1;
      if (this.#team.thread === 0) this.#team.report(round);
      const loss = isWatched ? this.#loss("validation") : -1;
      if (!isWatched || settings.earlyStopping === 0 || loss < best.loss) best = { rounds: round, loss };
      else if (round - best.rounds >= settings.earlyStopping) break;
    }
    return {
      trees: this.#trees.filter((one) => one.round < best.rounds).map((one) => one.tree),
      rounds: best.rounds,
      trainLoss: this.#loss("train"),
      validationLoss: best.rounds > 0 ? best.loss : -1,
      isStopped: state === "stopped",
    };
  }

  /** One round: a tree an output, all from the scores before the round. */
  #boost(round: number): RoundState {
    const { loss, nValidation } = this.#plan;
    const { train, validation, flags, normaliser } = this.#view;
    if (this.#team.thread === 0) flags[0] = this.#team.stopRequested() ? 1 : 0;
    const outputs = this.#plan.base.length;
    const scales = this.#scales();
    if (loss === "softmax") writeNormaliser(train, ...this.#rows, outputs, normaliser);
    let state: RoundState = "barren";
    for (let output = 0; output < outputs; ++output) {
      this.#writeGradients(output, scales);
      const nRows = this.#fillIndex(round);
      this.#team.barrier();
      if (flags[0] === 1) return "stopped";
      const used = this.#usedFeatures(round, output);
      const { tree, leaves } = this.#grower.grow({ output, nRows, scales, used });
      if (tree.nNodes > 1) {
        state = "grown";
        this.#trees.push({ round, tree: finishTree(tree) });
        this.#addToTraining(tree, leaves, round);
        if (nValidation > 0) this.#addToRows(tree, validation, this.#validationRows);
      }
      this.#team.barrier();
    }
    return state;
  }

  #scales(): Scales {
    const { nRows, shape } = this.#plan;
    const limits = quantumLimits(nRows, shape.countShift);
    const largest = this.#largest();
    return {
      gradient: powerOfTwoScale(largest.gradient, limits.gradient),
      hessian: powerOfTwoScale(largest.hessian, limits.hessian),
    };
  }

  /** Bounds of a row's gradient and hessian, or the largest there are this round. */
  #largest(): Scales {
    const { loss, parameter, maxWeight } = this.#plan;
    const { perThread, train } = this.#view;
    const { thread, threads } = this.#team;
    const bounds = residualBounds(this.#plan);
    if (bounds) return { gradient: Math.max(-bounds.low, bounds.high) * maxWeight, hessian: maxWeight };
    if (!isRegression(loss)) return { gradient: maxWeight, hessian: maxWeight / 4 };
    const own =
      loss === "squared"
        ? { gradient: largestResidual(train, ...this.#rows), hessian: maxWeight }
        : largestTweedie(train, ...this.#rows, parameter);
    perThread[2 * thread] = own.gradient;
    perThread[2 * thread + 1] = own.hessian;
    this.#team.barrier();
    let [gradient, hessian] = [0, 0];
    for (let other = 0; other < threads; ++other) {
      gradient = Math.max(gradient, perThread[2 * other]!);
      hessian = Math.max(hessian, perThread[2 * other + 1]!);
    }
    this.#team.barrier();
    return { gradient, hessian };
  }

  #writeGradients(output: number, scales: Scales): void {
    const { loss, parameter, layout, shape, base } = this.#plan;
    const { words, train, normaliser } = this.#view;
    const bounds = residualBounds(this.#plan);
    const target = { words, at: layout.rows / 4, step: shape.stride / 4 };
    const [from, to] = this.#rows;
    if (loss === "logistic") writeLogistic(train, from, to, target, scales);
    else if (loss === "squared") writeSquared(train, from, to, target, scales);
    else if (bounds) writeBounded(train, from, to, target, scales, bounds);
    else if (isRegression(loss)) writeTweedie(train, from, to, target, scales, parameter);
    else writeSoftmax(train, from, to, target, scales, { k: output, outputs: base.length, normaliser });
  }

  /** Lists the rows of this round in the index, ascending; returns how many there are. */
  #fillIndex(round: number): number {
    const { index, scratch, perThread } = this.#view;
    const [from, to] = this.#rows;
    if (this.#plan.settings.rowShare === 1) {
      for (let row = from; row < to; ++row) index[row] = row;
      return this.#plan.nRows;
    }
    let kept = from;
    for (let row = from; row < to; ++row) if (this.#isSampled(row, round)) scratch[kept++] = row;
    perThread[this.#team.thread] = kept - from;
    this.#team.barrier();
    let [before, total] = [0, 0];
    for (let other = 0; other < this.#team.threads; ++other) {
      if (other < this.#team.thread) before += perThread[other]!;
      total += perThread[other]!;
    }
    index.set(scratch.subarray(from, kept), before);
    return total;
  }

  /** Whether a row takes part in a round: by a hash, so that any thread can tell, in any order. */
  #isSampled(row: number, round: number): boolean {
    const { seed, settings } = this.#plan;
    const mixed = mix32((row + Math.imul(mix32(seed + round), 0x9e3779b1)) >>> 0);
    return mixed < settings.rowShare * 4294967296;
  }

  /** The features a tree may split on, drawn without replacement. */
  #usedFeatures(round: number, output: number): Uint8Array {
    const { seed, settings, features } = this.#plan;
    const nFeatures = features.nValues.length;
    const used = new Uint8Array(nFeatures);
    if (settings.columnShare === 1) return used.fill(1);
    const order = Uint32Array.from({ length: nFeatures }, (_, f) => f);
    shuffle(order, createRng(seed).fork(`columns of tree ${round}.${output}`));
    for (const f of order.subarray(0, Math.ceil(settings.columnShare * nFeatures))) used[f] = 1;
    return used;
  }

  /** Adds a tree to the training scores: by leaf for the rows it grew from, by walking it for the others. */
  #addToTraining(tree: GrownTree, leaves: readonly LeafRows[], round: number): void {
    const { layout, settings } = this.#plan;
    const { thread, threads } = this.#team;
    const scores = layout.scores + tree.output * 8;
    for (const leaf of leaves) {
      const from = leaf.begin + Math.floor((leaf.count * thread) / threads);
      const to = leaf.begin + Math.floor((leaf.count * (thread + 1)) / threads);
      this.#kernels.addScore(layout.index + from * 4, layout.index + to * 4, scores, tree.value[leaf.node]!);
    }
    if (settings.rowShare === 1) return;
    const [from, to] = this.#rows;
    for (let row = from; row < to; ++row) {
      if (!this.#isSampled(row, round)) this.#addToRows(tree, this.#view.train, [row, row + 1]);
    }
  }

  #addToRows(tree: GrownTree, set: RowSet, [from, to]: Range): void {
    const { bytes } = this.#view;
    const { stride } = this.#plan.shape;
    const outputs = this.#plan.base.length;
    for (let row = from; row < to; ++row) {
      set.scores[row * outputs + tree.output]! += valueOfRecord(tree, bytes, set.rows + row * stride);
    }
  }

  /** The loss of a row set: chunks summed by the threads, then added up in order by each. */
  #loss(which: "train" | "validation"): number {
    const { base, nRows } = this.#plan;
    const trainChunks = Math.ceil(nRows / lossChunk);
    const set = this.#view[which];
    const [from, to] = which === "train" ? this.#rows : this.#validationRows;
    const all = this.#view.lossSums;
    const sums = which === "train" ? all.subarray(0, trainChunks) : all.subarray(trainChunks);
    sumLosses(this.#plan, set, base.length, from / lossChunk, Math.ceil(to / lossChunk), sums);
    this.#team.barrier();
    const chunks = Math.ceil(set.nRows / lossChunk);
    let total = 0;
    for (let chunk = 0; chunk < chunks; ++chunk) total += sums[chunk]!;
    return total;
  }
}

type Range = readonly [from: number, to: number];
/** grown: a tree or more were added; barren: no split was found; stopped: the owner asked to end. */
type RoundState = "grown" | "barren" | "stopped";

/** A thread's share of `nRows` rows, whole loss chunks. */
function shardOf(nRows: number, team: Team): Range {
  const chunks = Math.ceil(nRows / lossChunk);
  const at = (share: number): number => Math.min(nRows, Math.floor(chunks * share) * lossChunk);
  return [at(team.thread / team.threads), at((team.thread + 1) / team.threads)];
}
