import { mix32 } from "../../core/rng.ts";
import type { Team } from "../../threads/team.ts";
import type { Settings, TrainingPlan } from "./plan.ts";
import type { Shard } from "./shard.ts";
import type { View } from "./view.ts";

/** Sizes of gradients are told apart by the exponent and 8 bits of the fraction of their single-precision float. */
export const sizeClasses = 8192;
const sizeShift = 15;
/** Of 1, the smallest gradient there is but 0. */
const firstSize = 127 << 8;

/** How often a drawn row counts, where those of large gradients are taken for certain. */
export function drawnWeight({ topShare, rowShare }: Settings): number {
  return topShare > 0 ? 1 / rowShare : 1;
}

/** Whether the rows of a tree are listed in the index before it grows: kernels read all of them from the full index. */
export function isListedAnew({ isGrown, settings }: Pick<TrainingPlan, "isGrown" | "settings">): boolean {
  return !isGrown || settings.rowShare < 1;
}

/**
 * Which rows a tree learns from, as one thread decides it of its own: those drawn; with `topShare` also the rows of largest
 * gradients, undrawn, and then a drawn row counts for those that were not (gradient-based one-side sampling, Ke et al. 2017).
 * Draws are hashes of row and round, and the bound of the largest a count, so that any thread can tell of any row.
 */
export class Sampling {
  readonly #plan: TrainingPlan;
  readonly #view: View;
  readonly #team: Team;
  readonly #shard: Shard;
  readonly #sizes = new SizeReader();
  /** Makes the draws of one round differ from those of another. */
  #salt = 0;
  /** Class of size from which on rows are taken for certain. */
  #top = sizeClasses;

  constructor(plan: TrainingPlan, view: View, team: Team, shard: Shard) {
    this.#plan = plan;
    this.#view = view;
    this.#team = team;
    this.#shard = shard;
  }

  /**
   * Lists this thread's rows of the round in its segment of the index, ascending, and behind them, descending, all others; returns how
   * many they are. Where rows are drawn, their gradients must be written; where none are, kernels have nothing listed (`isListedAnew`).
   */
  list(round: number): number {
    const { index, fullIndex } = this.#view;
    const { ranges, begin, nRows } = this.#shard;
    if (this.#plan.settings.rowShare === 1) {
      if (isListedAnew(this.#plan)) index.set(fullIndex.subarray(begin, begin + nRows), begin);
      return nRows;
    }
    if (this.#plan.settings.topShare > 0) this.#findTop();
    this.#salt = Math.imul(mix32(this.#plan.seed + round), 0x9e3779b1);
    let at = begin;
    let rest = begin + nRows;
    for (const [from, to] of ranges) {
      for (let row = from; row < to; ++row) {
        if (this.#take(row)) index[at++] = row;
        else index[--rest] = row;
      }
    }
    return at - begin;
  }

  #take(row: number): boolean {
    if (this.#isTop(row)) return true;
    const { rowShare, topShare } = this.#plan.settings;
    if (mix32((row + this.#salt) >>> 0) >= rowShare * 4294967296) return false;
    if (topShare > 0) this.#countForOthers(row);
    return true;
  }

  #isTop(row: number): boolean {
    return this.#top < sizeClasses && this.#sizes.classOf(this.#view.words[this.#cellOf(row)]!) >= this.#top;
  }

  #countForOthers(row: number): void {
    const { words } = this.#view;
    const weight = drawnWeight(this.#plan.settings);
    const cell = this.#cellOf(row);
    words[cell] = Math.floor(words[cell]! * weight + 0.5);
    words[cell + 1] = Math.floor(words[cell + 1]! * weight + 0.5);
  }

  #cellOf(row: number): number {
    return (this.#plan.layout.rows + row * this.#plan.shape.stride) / 4;
  }

  /** The least class of size with at most `topShare` of all rows in it and above. */
  #findTop(): void {
    const { nRows, settings } = this.#plan;
    const { words, sizeCounts } = this.#view;
    const { thread, threads } = this.#team;
    const own = sizeCounts.subarray(thread * sizeClasses, (thread + 1) * sizeClasses).fill(0);
    for (const [from, to] of this.#shard.ranges) {
      for (let row = from; row < to; ++row) own[this.#sizes.classOf(words[this.#cellOf(row)]!)]! += 1;
    }
    this.#team.barrier();
    let rest = settings.topShare * nRows;
    this.#top = sizeClasses;
    for (let size = sizeClasses - 1; size >= 0; --size) {
      for (let other = 0; other < threads; ++other) rest -= sizeCounts[other * sizeClasses + size]!;
      if (rest < 0) return;
      this.#top = size;
    }
  }
}

/** Reads the class of size off the bits of a float; classes rise with size, 0 is in the lowest. */
class SizeReader {
  readonly #float = new Float32Array(1);
  readonly #bits = new Uint32Array(this.#float.buffer);

  classOf(gradient: number): number {
    this.#float[0] = Math.abs(gradient);
    return Math.max(0, (this.#bits[0]! >>> sizeShift) - firstSize);
  }
}
