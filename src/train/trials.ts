import type { Clock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { Progress } from "../core/progress.ts";
import type { Rng } from "../core/rng.ts";

/** One setting and how it did. */
export interface Trial<S> {
  readonly setting: S;
  readonly scores: readonly number[];
  readonly mean: number;
  readonly isAbandoned: boolean;
}

/**
 * Scores settings one after the other over the same folds and keeps the one with the best mean (the earlier of equals).
 *
 * A trial is abandoned after a fold when its mean so far trails the best trial's mean over the same folds by more than
 * that trial's own spread (standard deviation between folds): what it still could gain would be luck. This depends on
 * scores alone, never on time. The budget is looked at before each trial but the first. A score of NaN counts as the worst.
 */
export async function runTrials<S>(args: {
  readonly settings: readonly S[];
  readonly folds: number;
  readonly budgetMs: number | null;
  readonly rng: Rng;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  score(setting: S, fold: number, rng: Rng): Promise<number>;
}): Promise<{ readonly best: S; readonly trials: readonly Trial<S>[] }> {
  const start = args.clock.monotonic();
  const trials: Trial<S>[] = [];
  let best: Trial<S> | undefined;
  for (const setting of args.settings) {
    if (best && args.budgetMs !== null && args.clock.monotonic() - start >= args.budgetMs) break;
    const trial = await runTrial(setting, best, args);
    trials.push(trial);
    if (!trial.isAbandoned && (!best || trial.mean > best.mean)) best = trial;
    args.progress.report(trials.length, args.settings.length, "trials");
  }
  if (!best) throw new MillraceError("INTERNAL", { reason: "a search without settings" });
  return { best: best.setting, trials };
}

async function runTrial<S>(
  setting: S,
  best: Trial<S> | undefined,
  args: {
    readonly folds: number;
    readonly rng: Rng;
    readonly signal?: AbortSignal;
    score(setting: S, fold: number, rng: Rng): Promise<number>;
  },
): Promise<Trial<S>> {
  const scores: number[] = [];
  for (let fold = 0; fold < args.folds; ++fold) {
    if (args.signal?.aborted) throw new MillraceError("CANCELLED", { subject: "tuning" });
    const score = await args.score(setting, fold, args.rng.fork(`fold ${fold}`));
    scores.push(Number.isNaN(score) ? -Infinity : score);
    if (best && scores.length < args.folds && trails(scores, best.scores))
      return { setting, scores, mean: meanOf(scores), isAbandoned: true };
  }
  return { setting, scores, mean: meanOf(scores), isAbandoned: false };
}

function trails(scores: readonly number[], best: readonly number[]): boolean {
  const lead = meanOf(best.slice(0, scores.length)) - meanOf(scores);
  const mean = meanOf(best);
  const spread = Math.sqrt(meanOf(best.map((score) => (score - mean) * (score - mean))));
  return lead > spread;
}

function meanOf(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total / values.length;
}
