import type { Team } from "../../threads/team.ts";
import type { Kernels } from "./kernels/kernels.ts";
import { gatherBytes, histogramBytes, histogramStep, packed, packedStep } from "./kernels/shape.ts";
import type { TrainingPlan } from "./plan.ts";
import type { Range, Shard } from "./shard.ts";
import type { View } from "./view.ts";

/**
 * The histograms of one training as one thread works on them: it sums its own rows into private ones; once all threads
 * have, each adds up the private ones over its own features. A thread that is alone sums into the leaf's own histogram.
 */
export class Histograms {
  readonly #plan: TrainingPlan;
  readonly #view: View;
  readonly #kernels: Kernels;
  readonly #team: Team;
  readonly #shard: Shard;
  readonly #bytes: number;
  readonly #slotBytes: number;
  readonly #packedBytes: number;
  /** Bytes of a histogram that are this thread's to add up. */
  readonly #from: number;
  readonly #to: number;

  constructor(
    plan: TrainingPlan,
    view: View,
    kernels: Kernels,
    team: Team,
    args: { readonly shard: Shard; readonly from: number; readonly to: number },
  ) {
    this.#plan = plan;
    this.#view = view;
    this.#kernels = kernels;
    this.#team = team;
    this.#shard = args.shard;
    this.#bytes = histogramBytes(plan.shape);
    this.#slotBytes = histogramStep(plan.shape);
    this.#packedBytes = packedStep(plan.shape);
    this.#from = plan.shape.binOffsets[args.from]! * 16;
    this.#to = plan.shape.binOffsets[args.to]! * 16;
  }

  /** Byte address of histogram `slot`. */
  at(slot: number): number {
    return this.#plan.layout.histograms + slot * this.#slotBytes;
  }

  /**
   * Sums the records of all of this thread's rows, to be merged into `slot`; `write` is called before those of a range are read, so
   * that what it writes is still in the cache.
   */
  sumAll(slot: number, write: (range: Range) => void = () => {}): void {
    const { layout, shape } = this.#plan;
    const wide = this.#wideAt(slot);
    const target = this.#open(this.#shard.nRows, wide);
    let held = 0;
    for (const range of this.#shard.ranges) {
      const [from, to] = range;
      write(range);
      if (held + to - from > packed.rows) held = this.#flush(target, wide);
      this.#kernels.sumRows(layout.rows + from * shape.stride, layout.rows + to * shape.stride, target);
      held += to - from;
    }
    if (this.#shard.nRows > packed.rows) this.#flush(target, wide);
  }

  /** Sums the records of the `own` rows listed from position `begin` of the index, to be merged into `slot`. */
  sumListed(slot: number, begin: number, own: number): void {
    const { layout, shape } = this.#plan;
    const wide = this.#wideAt(slot);
    const target = this.#open(own, wide);
    const buffer = layout.gathered + this.#team.thread * gatherBytes(shape.stride);
    const step = shape.isPacked ? packed.rows : own;
    for (let from = begin; from < begin + own; from += step) {
      if (from > begin) this.#flush(target, wide);
      const to = Math.min(begin + own, from + step);
      this.#kernels.sumListed(layout.index + from * 4, layout.index + to * 4, layout.rows, buffer, target);
    }
    if (own > packed.rows) this.#flush(target, wide);
  }

  /**
   * Adds the threads' sums up into `slot`, over this thread's features, and takes them off the histogram `parent`, which leaves
   * the sibling's. All threads must have summed theirs.
   */
  merge(slot: number, parent: number | null): void {
    const [from, to] = [this.#from, this.#to];
    const { threads } = this.#team;
    const target = this.at(slot);
    const base = parent === null ? null : this.at(parent) + from;
    let narrow = 0;
    for (let thread = 0; thread < threads; ++thread) narrow += Number(this.#isNarrow(thread));
    if (narrow === threads) {
      return this.#kernels.merge(target + from, target + to, this.#packedAt(0) + from / 2, true, base);
    }
    for (let thread = 0; thread < threads; ++thread) {
      if (this.#isNarrow(thread)) this.#widen(this.#privateAt(thread), this.#packedAt(thread));
    }
    if (threads > 1) this.#kernels.merge(target + from, target + to, this.#privateAt(0) + from, false, base);
    else if (base !== null) this.#kernels.merge(target + from, target + to, target + from, false, base);
  }

  /** Writes packed sums as wide ones, over this thread's features. */
  #widen(wide: number, narrow: number): void {
    const [from, to] = [this.#from, this.#to];
    this.#kernels.clear(wide + from, wide + to);
    this.#kernels.widen(wide + from, wide + to, narrow + from / 2);
  }

  #privateAt(thread: number): number {
    return this.#plan.layout.privateHistograms + thread * this.#slotBytes;
  }

  #packedAt(thread: number): number {
    return this.#plan.layout.packedHistograms + thread * this.#packedBytes;
  }

  /** Where this thread's sums for `slot` go, in bins of 16 bytes. */
  #wideAt(slot: number): number {
    return this.#team.threads === 1 ? this.at(slot) : this.#privateAt(this.#team.thread);
  }

  /** Whether the last sums of a thread still stand in packed bins. */
  #isNarrow(thread: number): boolean {
    return this.#plan.shape.isPacked && this.#view.perThread[2 * thread]! <= packed.rows;
  }

  /** Clears what `own` rows will be summed into, and says where that is. */
  #open(own: number, wide: number): number {
    const { thread } = this.#team;
    const { perThread } = this.#view;
    perThread[2 * thread] = own;
    if (!this.#isNarrow(thread)) this.#kernels.clear(wide, wide + this.#bytes);
    if (!this.#plan.shape.isPacked) return wide;
    const narrow = this.#packedAt(thread);
    this.#kernels.clear(narrow, narrow + this.#bytes / 2);
    return narrow;
  }

  /** Moves packed sums to wide bins before a field can run over; returns the rows they then hold: none. */
  #flush(target: number, wide: number): number {
    if (!this.#plan.shape.isPacked) return 0;
    this.#kernels.widen(wide, wide + this.#bytes, target);
    this.#kernels.clear(target, target + this.#bytes / 2);
    return 0;
  }
}
