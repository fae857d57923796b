import { missingBoolean, type ColumnData } from "../frame/column.ts";
import { termsOf } from "../model/text-terms.ts";

/** What learns from batches in any grouping: adding all rows equals merging what its parts learned. */
export interface Accumulator<Batch, Result> {
  add(batch: Batch): void;
  merge(other: this): void;
  finish(): Result;
}

/** Count, mean and population variance of the values that are not missing; of none, mean and variance are 0. */
export interface Moments {
  readonly count: number;
  readonly missing: number;
  readonly mean: number;
  readonly variance: number;
}

/**
 * Moments of numbers. Each batch is summed in two passes and joined by Chan, Golub and LeVeque's update, so the grouping
 * changes the mean and variance by no more than a few units of their last places.
 */
export class MomentsAccumulator implements Accumulator<Float64Array, Moments> {
  private count = 0;
  private missing = 0;
  private mean = 0;
  private squares = 0;

  add(batch: Float64Array): void {
    let count = 0;
    let sum = 0;
    for (let i = 0; i < batch.length; ++i) {
      if (Number.isNaN(batch[i]!)) continue;
      ++count;
      sum += batch[i]!;
    }
    const mean = count > 0 ? sum / count : 0;
    let squares = 0;
    let rest = 0;
    for (let i = 0; i < batch.length; ++i) {
      const difference = batch[i]! - mean;
      if (Number.isNaN(difference)) continue;
      rest += difference;
      squares += difference * difference;
    }
    // The second pass also mends the rounding of the first sum (corrected two-pass algorithm).
    this.join(count, batch.length - count, count > 0 ? mean + rest / count : 0, squares);
  }

  merge(other: MomentsAccumulator): void {
    this.join(other.count, other.missing, other.mean, other.squares);
  }

  finish(): Moments {
    const { count, missing, mean } = this;
    return { count, missing, mean, variance: count > 0 ? this.squares / count : 0 };
  }

  private join(count: number, missing: number, mean: number, squares: number): void {
    this.missing += missing;
    if (count === 0) return;
    const total = this.count + count;
    const difference = mean - this.mean;
    this.squares += squares + difference * difference * ((this.count * count) / total);
    this.mean += (difference * count) / total;
    this.count = total;
  }
}

/** Levels with their rows, commonest first, equally common ones by name. */
export interface LevelCounts {
  readonly nRows: number;
  readonly missing: number;
  readonly levels: readonly string[];
  readonly counts: readonly number[];
}

/** Counts the levels of category columns and of boolean ones ("false", "true"). Exact in any grouping. */
export class LevelCountsAccumulator implements Accumulator<ColumnData, LevelCounts> {
  private nRows = 0;
  private missing = 0;
  private readonly counts = new Map<string, number>();

  add(batch: ColumnData): void {
    const { codes, levels } = codesOf(batch);
    const tally = new Float64Array(levels.length);
    for (let i = 0; i < codes.length; ++i) {
      if (codes[i]! < 0) ++this.missing;
      else ++tally[codes[i]!]!;
    }
    this.nRows += codes.length;
    levels.forEach((level, code) => this.count(level, tally[code]!));
  }

  merge(other: LevelCountsAccumulator): void {
    this.nRows += other.nRows;
    this.missing += other.missing;
    for (const [level, count] of other.counts) this.count(level, count);
  }

  finish(): LevelCounts {
    const ranked = rankByCount(this.counts, 1);
    return {
      nRows: this.nRows,
      missing: this.missing,
      levels: ranked.map(([level]) => level),
      counts: ranked.map(([, count]) => count),
    };
  }

  private count(level: string, count: number): void {
    if (count > 0) this.counts.set(level, (this.counts.get(level) ?? 0) + count);
  }
}

/** Terms with the number of texts they occur in, commonest first, equally common ones by name. */
export interface TermCounts {
  readonly nTexts: number;
  readonly terms: readonly string[];
  readonly counts: readonly number[];
}

/** Counts in how many texts each term (runs of up to `ngrams` words) occurs; missing texts are none. Exact in any grouping. */
export class TermCountsAccumulator implements Accumulator<readonly (string | null)[], TermCounts> {
  private nTexts = 0;
  private readonly counts = new Map<string, number>();
  private readonly ngrams: number;

  constructor(ngrams: number) {
    this.ngrams = ngrams;
  }

  add(batch: readonly (string | null)[]): void {
    for (const text of batch) {
      if (text === null) continue;
      ++this.nTexts;
      for (const term of new Set(termsOf(text, this.ngrams))) this.counts.set(term, (this.counts.get(term) ?? 0) + 1);
    }
  }

  merge(other: TermCountsAccumulator): void {
    this.nTexts += other.nTexts;
    for (const [term, count] of other.counts) this.counts.set(term, (this.counts.get(term) ?? 0) + count);
  }

  /** Terms that occur in at least `minTexts` texts. */
  finish(minTexts = 1): TermCounts {
    const ranked = rankByCount(this.counts, minTexts);
    return { nTexts: this.nTexts, terms: ranked.map(([term]) => term), counts: ranked.map(([, count]) => count) };
  }
}

/** Codes and levels of a category or boolean column; other kinds have none. */
export function codesOf(column: ColumnData): { readonly codes: Int32Array; readonly levels: readonly string[] } {
  if (column.kind === "category") return column;
  if (column.kind !== "boolean") return { codes: new Int32Array(0), levels: [] };
  const codes = new Int32Array(column.values.length);
  for (let i = 0; i < codes.length; ++i) codes[i] = column.values[i] === missingBoolean ? -1 : column.values[i]!;
  return { codes, levels: ["false", "true"] };
}

function rankByCount(counts: ReadonlyMap<string, number>, least: number): (readonly [string, number])[] {
  const ranked: (readonly [string, number])[] = [];
  for (const entry of counts) if (entry[1] >= least) ranked.push(entry);
  return ranked.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}
