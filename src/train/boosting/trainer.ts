import { mix32 } from "../../core/rng.ts";
import type { Team } from "../../threads/team.ts";
import { FeatureDraw } from "./feature-draw.ts";
import { Grower } from "./grower.ts";
import { type Kernels, openKernels } from "./kernels/kernels.ts";
import { binsAt, cellBytes } from "./kernels/shape.ts";
import {
  type GradientTarget,
  type Scales,
  largestResidual,
  logisticSumOf,
  powerOfTwoScale,
  quantumLimits,
  sumLosses,
  writeFound,
  writeLogistic,
  writeNormaliser,
  writePackedLogistic,
  writeSoftmax,
  writeSquared,
} from "./loss.ts";
import { largestTweedie, residualBounds, writeBounded, writeTweedie } from "./loss-regression.ts";
import { isOfNumbers, type TrainingPlan, lossChunk } from "./plan.ts";
import { Ranker } from "./ranker.ts";
import { ditherStep } from "./rounding.ts";
import { RowOrder } from "./row-order.ts";
import { Sampling, drawnWeight } from "./sampling.ts";
import { type Range, type Shard, shardOf, writeRowNumbers } from "./shard.ts";
import { tableLength } from "./sigmoid-table.ts";
import { type FinishedTree, type GrownTree, finishTree, valueOfBins } from "./tree.ts";
import { type RowSet, type View, openView } from "./view.ts";

/** What a training learned; the same in every thread, but that the first one alone keeps the trees. Losses are sums over the (weighted) rows; -1 where not measured. */
export interface TrainingOutcome {
  readonly trees: readonly FinishedTree[];
  /** Rounds kept, those trained before included: up to the one with the best validation loss. */
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
  readonly #sampling: Sampling;
  readonly #ranker: Ranker | null;
  readonly #order: RowOrder | null;
  /** This thread's rows, training and validation. */
  readonly #rows: Shard;
  readonly #validationRows: Shard;
  readonly #features: FeatureDraw;
  /** The first thread's alone. */
  readonly #trees: { readonly round: number; readonly tree: FinishedTree }[] = [];

  constructor(plan: TrainingPlan, team: Team) {
    this.#plan = plan;
    this.#team = team;
    this.#view = openView(plan, team.threads);
    this.#kernels = openKernels(plan, team.barrier);
    this.#rows = shardOf(plan.nRows, team);
    this.#validationRows = shardOf(plan.nValidation, team);
    // Before the grower is made, which counts the rows of each bin.
    this.#writeRows();
    this.#grower = new Grower(plan, this.#view, this.#kernels, team, this.#rows);
    this.#sampling = new Sampling(plan, this.#view, team, this.#rows);
    this.#features = new FeatureDraw(plan);
    const { writeRecords, vector } = this.#kernels;
    const isReordered = plan.layout.origins >= 0 && vector !== null;
    this.#order = isReordered ? new RowOrder(plan, writeRecords, vector.functions, this.#rows) : null;
    this.#ranker = plan.groups && new Ranker(plan.groups.largest, plan.parameter, team);
  }

  async run(): Promise<TrainingOutcome> {
    const { settings, nValidation, roundsBefore } = this.#plan;
    const isWatched = nValidation > 0;
    const isSampled = settings.rowShare < 1 || settings.columnShare < 1;
    let best = { rounds: roundsBefore, loss: isWatched ? this.#lossBefore() : -1 };
    let round = roundsBefore;
    let state: RoundState = "grown";
    while (round < roundsBefore + settings.trees) {
      await this.#team.pause();
      state = this.#boost(round);
      // Without sampling the next round would see the same rows and columns, and find no split either.
      if (state === "stopped" || (state === "barren" && !isSampled)) break;
      round += 1;
      if (this.#team.thread === 0) this.#team.report(round - roundsBefore);
      const loss = isWatched ? this.#loss("validation") : -1;
      if (!isWatched || settings.earlyStopping === 0 || loss < best.loss) best = { rounds: round, loss };
      else if (round - best.rounds >= settings.earlyStopping) break;
    }
    this.#order?.restore();
    // Losses are summed of any thread's rows.
    this.#team.barrier();
    return {
      trees: this.#trees.filter((one) => one.round < best.rounds).map((one) => one.tree),
      rounds: best.rounds,
      trainLoss: this.#loss("train"),
      validationLoss: best.rounds > 0 ? best.loss : -1,
      isStopped: state === "stopped",
    };
  }

  /** What the first round is measured by: where trees were learned before, it may be that none is worth adding. */
  #lossBefore(): number {
    return this.#plan.roundsBefore > 0 ? this.#loss("validation") : Infinity;
  }

  /** What no round changes: this thread's rows, listed, the bins in their records, a table; and the scores the first round begins with. */
  #writeRows(): void {
    const { fullIndex, origins, train, validation } = this.#view;
    const { layout, shape, nRows, roundsBefore } = this.#plan;
    const bytes = cellBytes(shape);
    let at = this.#rows.begin;
    for (const [from, to] of this.#rows.ranges) {
      const listed = fullIndex.subarray(at, (at += to - from));
      writeRowNumbers(listed, from);
      origins?.set(listed, from);
      const [column, record] = [layout.columns + from * bytes, layout.rows + from * shape.stride];
      this.#kernels.writeRecords(column, to - from, nRows * bytes, record);
    }
    const table = layout.sigmoid;
    if (table >= 0 && this.#team.thread === 0) this.#kernels.vector?.writeSigmoids(table, table + tableLength * 8);
    if (roundsBefore === 0) {
      for (const range of this.#rows.ranges) this.#writeBase(train, range);
      for (const range of this.#validationRows.ranges) this.#writeBase(validation, range);
    }
    this.#team.barrier();
  }

  #writeBase({ scores }: RowSet, [from, to]: Range): void {
    const { base } = this.#plan;
    const outputs = base.length;
    if (outputs === 1) scores.fill(base[0]!, from, to);
    else for (let cell = from * outputs; cell < to * outputs; ++cell) scores[cell] = base[cell % outputs]!;
  }

  /** One round: a tree an output, all from the scores before the round. */
  #boost(round: number): RoundState {
    const { loss, nValidation, settings } = this.#plan;
    const { train, validation, flags, normaliser } = this.#view;
    if (this.#team.thread === 0) flags[0] = this.#team.stopRequested() ? 1 : 0;
    const outputs = this.#plan.base.length;
    const scales = this.#scales();
    if (loss === "softmax") {
      for (const [from, to] of this.#rows.ranges) writeNormaliser(train, from, to, outputs, normaliser);
    }
    let state: RoundState = "barren";
    for (let output = 0; output < outputs; ++output) {
      const writeGradients = (range: Range): void => this.#writeGradients(range, round, output, scales);
      const isSampled = settings.rowShare < 1;
      if (isSampled) this.#rows.ranges.forEach(writeGradients);
      const own = this.#sampling.list(round);
      this.#team.barrier();
      if (flags[0] === 1) return "stopped";
      const used = this.#features.of(round, output);
      const early = isSampled ? null : writeGradients;
      const dither = this.#ditherOf(round);
      const tree = this.#grower.grow({ output, own, scales, used, writeGradients: early, dither });
      if (tree.nNodes > 1) {
        state = "grown";
        if (this.#team.thread === 0) this.#trees.push({ round, tree: finishTree(tree) });
        this.#grower.addScores();
        if (round === this.#plan.roundsBefore) this.#order?.follow();
        if (nValidation > 0) {
          for (const range of this.#validationRows.ranges) this.#addToRows(tree, validation, range);
        }
      }
      this.#team.barrier();
    }
    return state;
  }

  #scales(): Scales {
    const { nRows, shape, settings } = this.#plan;
    const limits = quantumLimits(nRows, shape);
    const largest = this.#largest();
    const weight = drawnWeight(settings);
    return {
      gradient: powerOfTwoScale(largest.gradient * weight, limits.gradient),
      hessian: powerOfTwoScale(largest.hessian * weight, limits.hessian),
    };
  }

  /** Bounds of a row's gradient and hessian, or the largest there are this round. */
  #largest(): Scales {
    const { loss, parameter, maxWeight } = this.#plan;
    const { perThread, train, ranking } = this.#view;
    const { thread, threads } = this.#team;
    const bounds = residualBounds(this.#plan);
    if (bounds) return { gradient: Math.max(-bounds.low, bounds.high) * maxWeight, hessian: maxWeight };
    if (!isOfNumbers(loss)) return { gradient: maxWeight, hessian: maxWeight / 4 };
    let { gradient, hessian } = this.#ranker
      ? this.#ranker.writeLambdas(train, ranking!.train, ranking!.lambdas)
      : { gradient: 0, hessian: 0 };
    for (const [from, to] of this.#ranker ? [] : this.#rows.ranges) {
      const own =
        loss === "squared"
          ? { gradient: largestResidual(train, from, to), hessian: maxWeight }
          : largestTweedie(train, from, to, parameter);
      gradient = Math.max(gradient, own.gradient);
      hessian = Math.max(hessian, own.hessian);
    }
    perThread[2 * thread] = gradient;
    perThread[2 * thread + 1] = hessian;
    this.#team.barrier();
    for (let other = 0; other < threads; ++other) {
      gradient = Math.max(gradient, perThread[2 * other]!);
      hessian = Math.max(hessian, perThread[2 * other + 1]!);
    }
    this.#team.barrier();
    return { gradient, hessian };
  }

  #writeGradients([from, to]: Range, round: number, output: number, scales: Scales): void {
    const { loss, parameter, layout, shape, base } = this.#plan;
    const { words, train, normaliser, ranking } = this.#view;
    const bounds = residualBounds(this.#plan);
    const target = { words, at: layout.rows / 4, step: shape.stride / 4 };
    if (loss === "logistic") this.#writeLogistic(from, to, round, target, scales);
    else if (loss === "squared") writeSquared(train, from, to, target, scales);
    else if (bounds) writeBounded(train, from, to, target, scales, bounds);
    else if (ranking) writeFound(ranking.lambdas, from, to, target, scales);
    else if (isOfNumbers(loss)) writeTweedie(train, from, to, target, scales, parameter);
    else writeSoftmax(train, from, to, target, scales, { k: output, outputs: base.length, normaliser });
  }

  #writeLogistic(from: number, to: number, round: number, target: GradientTarget, scales: Scales): void {
    const { layout, shape } = this.#plan;
    const { train } = this.#view;
    const { vector } = this.#kernels;
    const ditherOfFirst = this.#ditherOf(round);
    const dither = this.#order ? ditherOfFirst : (ditherOfFirst + Math.imul(from, ditherStep)) | 0;
    if (vector === null && shape.isPacked) return writePackedLogistic(train, from, to, target, scales, dither);
    if (vector === null || layout.weights >= 0) return writeLogistic(train, from, to, target, scales);
    const records = layout.rows + from * shape.stride;
    const [scores, end] = [layout.scores + from * 8, layout.scores + to * 8];
    const labels = layout.targets + from * 4;
    const { gradient, hessian } = scales;
    vector.writeLogistic(scores, end, labels, records, layout.sigmoid, gradient, hessian, dither);
  }

  /** What the gradient of row 0 is dithered by. */
  #ditherOf(round: number): number {
    return mix32(this.#plan.seed + round) | 0;
  }

  #addToRows(tree: GrownTree, set: RowSet, [from, to]: Range): void {
    const { cells } = this.#view;
    const { shape } = this.#plan;
    const stride = shape.stride / cellBytes(shape);
    const first = (set.rows + binsAt(shape)) / cellBytes(shape);
    const outputs = this.#plan.base.length;
    for (let row = from; row < to; ++row) {
      set.scores[row * outputs + tree.output]! += valueOfBins(tree, cells, first + row * stride);
    }
  }

  /** The loss of a row set: groups or chunks summed by the threads, then added up in order by each. */
  #loss(which: "train" | "validation"): number {
    const { base, nRows } = this.#plan;
    const ranked = this.#view.ranking?.[which];
    if (ranked) {
      this.#ranker!.writeLosses(this.#view[which], ranked);
      this.#team.barrier();
      return ranked.losses.reduce((sum, one) => sum + one, 0);
    }
    const trainChunks = Math.ceil(nRows / lossChunk);
    const set = this.#view[which];
    const all = this.#view.lossSums;
    const sums = which === "train" ? all.subarray(0, trainChunks) : all.subarray(trainChunks);
    const { thread, threads } = this.#team;
    const own = this.#view.perThread.subarray(2 * thread);
    const { vector } = this.#kernels;
    const logisticSum = vector ? logisticSumOf(set, vector, own) : undefined;
    const chunks = Math.ceil(set.nRows / lossChunk);
    for (let chunk = thread; chunk < chunks; chunk += threads) {
      sumLosses(this.#plan, set, base.length, chunk, chunk + 1, sums, logisticSum);
    }
    this.#team.barrier();
    let total = 0;
    for (let chunk = 0; chunk < chunks; ++chunk) total += sums[chunk]!;
    return total;
  }
}

/** grown: a tree or more were added; barren: no split was found; stopped: the owner asked to end. */
type RoundState = "grown" | "barren" | "stopped";
