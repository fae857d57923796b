import type { Team } from "../../threads/team.ts";
import { type BinRun, mostRowsOf, runsOf } from "./bin-runs.ts";
import type { Kernels } from "./kernels/kernels.ts";
import { featuresOf, gatherBytes, histogramBytes, histogramStep, packed, packedStep } from "./kernels/shape.ts";
import type { TrainingPlan } from "./plan.ts";
import type { Range } from "./shard.ts";
import { Turns } from "./turns.ts";
import type { View } from "./view.ts";

/**
 * The histograms of one training as one thread works on them: it sums rows into private ones; once all threads have,
 * each adds up the private ones over its own features. A thread that is alone sums into the leaf's own histogram.
 */
export class Histograms {
  readonly #plan: TrainingPlan;
  readonly #view: View;
  readonly #kernels: Kernels;
  readonly #team: Team;
  readonly #turns: Turns;
  readonly #bytes: number;
  /** The features that are this thread's to add up. */
  readonly #features: readonly [from: number, to: number];
  #kept: readonly boolean[];
  #ownRuns: readonly BinRun[] = [];
  #wideRuns: readonly BinRun[] = [];

  constructor(
    plan: TrainingPlan,
    view: View,
    kernels: Kernels,
    team: Team,
    features: { readonly from: number; readonly to: number },
  ) {
    this.#plan = plan;
    this.#view = view;
    this.#kernels = kernels;
    this.#team = team;
    this.#turns = new Turns(plan.nRows, team, view.left);
    this.#bytes = histogramBytes(plan.shape);
    this.#features = [features.from, features.to];
    this.#kept = this.#keep(Array.from({ length: featuresOf(plan.shape) }, () => false));
  }

  /** Counts the rows of each bin, as sums in the first histogram, before there are gradients. All threads call it. */
  countRows(): void {
    this.sumAll(0, null);
    this.#team.barrier();
    this.merge(0, null);
    this.#team.barrier();
  }

  /**
   * Keeps the sums of features packed from now on of which no bin has more rows of the table than a packed one may hold: no leaf
   * has more. The first histogram must hold sums over all rows.
   */
  keepPacked(): void {
    const { words } = this.#view;
    const { shape } = this.#plan;
    this.#kept = this.#keep(this.#kept.map((_, f) => mostRowsOf(words, this.at(0) / 4, shape, f) <= packed.rows));
  }

  #keep(kept: readonly boolean[]): readonly boolean[] {
    const { shape } = this.#plan;
    this.#ownRuns = runsOf(shape, kept, ...this.#features);
    this.#wideRuns = runsOf(shape, kept, 0, kept.length).filter(({ isKept }) => !isKept);
    return kept;
  }

  /** Features whose sums a thread keeps packed until they are added up: another array once they are others. */
  get kept(): readonly boolean[] {
    return this.#kept;
  }

  /** The runs of bins that are this thread's to add up. */
  get ownRuns(): readonly BinRun[] {
    return this.#ownRuns;
  }

  /** The runs of all bins that packed ones have no room for. */
  get wideRuns(): readonly BinRun[] {
    return this.#wideRuns;
  }

  /** How many rows packed bins are given before those of `wideRuns` are widened. */
  get packedRows(): number {
    return this.#kept.every(Boolean) ? this.#plan.nRows : packed.rows;
  }

  /** Byte address of histogram `slot`. */
  at(slot: number): number {
    return this.#plan.layout.histograms + slot * histogramStep(this.#plan.shape);
  }

  /**
   * Sums the records of all rows together with the other threads, which call it, too, to be merged into `slot`; `write`, if any, is called
   * before those of a range are read, so that what it writes is still in the cache.
   */
  sumAll(slot: number, write: ((range: Range) => void) | null): void {
    const { layout, shape } = this.#plan;
    const wide = this.#wideAt(slot);
    const wideRuns = this.wideRuns;
    const target = this.#open(this.#plan.nRows, wide, wideRuns);
    let held = 0;
    let own = 0;
    for (let range = this.#turns.take(); range !== null; range = this.#turns.take()) {
      const [from, to] = range;
      write?.(range);
      if (held + to - from > packed.rows) held = this.#flush(target, wide, wideRuns);
      this.#kernels.sumRows(layout.rows + from * shape.stride, layout.rows + to * shape.stride, target);
      held += to - from;
      own += to - from;
    }
    this.#say(own);
    if (own > packed.rows) this.#flush(target, wide, wideRuns);
  }

  /** Sums the records of the `own` rows listed from position `begin` of the index, to be merged into `slot`. */
  sumListed(slot: number, begin: number, own: number): void {
    const { layout, shape } = this.#plan;
    const wide = this.#wideAt(slot);
    const wideRuns = this.wideRuns;
    const target = this.#open(own, wide, wideRuns);
    this.#say(own);
    const buffer = layout.gathered + this.#team.thread * gatherBytes(shape.stride);
    const step = shape.isPacked ? packed.rows : own;
    for (let from = begin; from < begin + own; from += step) {
      if (from > begin) this.#flush(target, wide, wideRuns);
      const to = Math.min(begin + own, from + step);
      this.#kernels.sumListed(layout.index + from * 4, layout.index + to * 4, layout.rows, buffer, target);
    }
    if (own > packed.rows) this.#flush(target, wide, wideRuns);
  }

  /**
   * Adds the threads' sums up into `slot`, over this thread's features, and takes them off the histogram `parent`, which leaves
   * the sibling's. All threads must have summed theirs.
   */
  merge(slot: number, parent: number | null): void {
    // Every thread has found all rows taken.
    this.#turns.restart();
    for (const run of this.ownRuns) this.#merge(run, slot, parent);
  }

  #merge(run: BinRun, slot: number, parent: number | null): void {
    const { threads } = this.#team;
    const [from, to] = [run.from * 16, run.to * 16];
    const target = this.at(slot);
    const base = parent === null ? null : this.at(parent) + from;
    let narrow = 0;
    for (let thread = 0; thread < threads; ++thread) narrow += Number(this.#isNarrow(thread));
    if (run.isKept || narrow === threads) {
      const source = this.#packedAt(0) + from / 2;
      return this.#kernels.merge(target + from, target + to, source, run.isKept ? "Kept" : "Packed", base);
    }
    for (let thread = 0; thread < threads; ++thread) if (this.#isNarrow(thread)) this.#widen(run, thread);
    if (threads > 1) this.#kernels.merge(target + from, target + to, this.#privateAt(0) + from, "Bins", base);
    else if (base !== null) this.#kernels.merge(target + from, target + to, target + from, "Bins", base);
  }

  /** Writes a thread's packed sums as wide ones. */
  #widen({ from, to }: BinRun, thread: number): void {
    const wide = this.#privateAt(thread);
    this.#kernels.clear(wide + from * 16, wide + to * 16);
    this.#kernels.widen(wide + from * 16, wide + to * 16, this.#packedAt(thread) + from * 8);
  }

  #privateAt(thread: number): number {
    return this.#plan.layout.privateHistograms + thread * histogramStep(this.#plan.shape);
  }

  #packedAt(thread: number): number {
    return this.#plan.layout.packedHistograms + thread * packedStep(this.#plan.shape);
  }

  /** Where this thread's sums for `slot` go, in bins of 16 bytes. */
  #wideAt(slot: number): number {
    return this.#team.threads === 1 ? this.at(slot) : this.#privateAt(this.#team.thread);
  }

  /** Whether the last sums of a thread still stand in packed bins. */
  #isNarrow(thread: number): boolean {
    return this.#plan.shape.isPacked && this.#view.perThread[2 * thread]! <= packed.rows;
  }

  /** Says how many rows this thread has summed. */
  #say(own: number): void {
    this.#view.perThread[2 * this.#team.thread] = own;
  }

  /** Clears what up to `own` rows will be summed into, and says where that is. */
  #open(own: number, wide: number, wideRuns: readonly BinRun[]): number {
    const { isPacked } = this.#plan.shape;
    if (!isPacked || own > packed.rows) {
      for (const { from, to } of wideRuns) this.#kernels.clear(wide + from * 16, wide + to * 16);
    }
    if (!isPacked) return wide;
    const narrow = this.#packedAt(this.#team.thread);
    this.#kernels.clear(narrow, narrow + this.#bytes / 2);
    return narrow;
  }

  /** Moves packed sums to wide bins before a field can run over; returns the rows they then hold: none. */
  #flush(target: number, wide: number, wideRuns: readonly BinRun[]): number {
    if (!this.#plan.shape.isPacked) return 0;
    for (const { from, to } of wideRuns) {
      this.#kernels.widen(wide + from * 16, wide + to * 16, target + from * 8);
      this.#kernels.clear(target + from * 8, target + to * 8);
    }
    return 0;
  }
}
