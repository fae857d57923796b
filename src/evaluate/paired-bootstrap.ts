import type { Rng } from "../core/rng.ts";
import { quantiles } from "../math/quantile.ts";
import type { Metric } from "../metrics/metric-names.ts";
import { metricDirection } from "../metrics/metric-names.ts";
import type { RowGroups } from "../metrics/row-groups.ts";
import type { JudgedRows } from "./judged-rows.ts";
import { takeJudged } from "./judged-rows.ts";
import type { Measurer } from "./measure.ts";
import { measurerOf } from "./measure.ts";

const RESAMPLES = 200;
/** More rows than this are resampled from a random part of that size; 200 resamples then take well under a second. */
const MOST_RESAMPLED = 20_000;

/** How much better a candidate is than a champion on the same rows; positive = the candidate is better. */
export interface PairedDifference {
  readonly candidate: number;
  readonly champion: number;
  readonly difference: number;
  /** 95 % interval of the difference; NaN where it cannot be had (a metric that does not exist on the rows). */
  readonly low: number;
  readonly high: number;
  readonly method: string;
}

/**
 * The difference of a metric between two models on the same rows, with a 95 % interval by paired bootstrap: rows, or whole
 * groups where they are ranked, are drawn with replacement 200 times, and both models are measured on the same draw.
 *
 * Above 20,000 rows a random part of m = 20,000 of the n rows is resampled and the deviations are scaled by
 * sqrt(m / n) (m out of n bootstrap; Politis, Romano and Wolf 1999): the point difference still uses every row.
 */
export function pairedDifference(args: {
  readonly metric: Metric["any"];
  readonly candidate: JudgedRows;
  readonly champion: JudgedRows;
  readonly rng: Rng;
}): PairedDifference {
  const { metric, candidate, champion, rng } = args;
  const n = candidate.nRows;
  const ofCandidate = measurerOf(candidate)(metric, candidate.weights);
  const ofChampion = measurerOf(champion)(metric, champion.weights);
  const difference = better(metric, ofCandidate, ofChampion);
  // The metrics of a group are found once, so that all groups can be drawn from.
  const m = candidate.groups ? n : Math.min(n, MOST_RESAMPLED);
  const rows = m < n ? sampleRows(n, m, rng.fork("sample")) : null;
  const pair =
    rows === null
      ? { candidate, champion }
      : { candidate: takeJudged(candidate, rows), champion: takeJudged(champion, rows) };
  const deviations = resampledDeviations(metric, pair.candidate, pair.champion, rng.fork("resample"));
  const [low, high] = quantiles(deviations, [0.025, 0.975]) as [number, number];
  const shrink = Math.sqrt(m / n);
  return {
    candidate: ofCandidate,
    champion: ofChampion,
    difference,
    low: difference + low * shrink,
    high: difference + high * shrink,
    method: `paired bootstrap, ${RESAMPLES} resamples of ${m < n ? `${m} of ${n}` : `all ${n}`} rows${candidate.groups ? " by group" : ""}`,
  };
}

function better(metric: Metric["any"], candidate: number, champion: number): number {
  return metricDirection[metric] === "higher" ? candidate - champion : champion - candidate;
}

/** Differences on resamples less the difference on the rows they are drawn from. NaN where the draw lost a label. */
function resampledDeviations(
  metric: Metric["any"],
  candidate: JudgedRows,
  champion: JudgedRows,
  rng: Rng,
): Float64Array {
  const measureCandidate = measurerOf(candidate);
  const measureChampion = measurerOf(champion);
  const centre = differenceOf(metric, measureCandidate, measureChampion, candidate.weights);
  const deviations = new Float64Array(RESAMPLES);
  const weights = new Float64Array(candidate.nRows);
  for (let i = 0; i < RESAMPLES; ++i) {
    if (candidate.groups) drawGroups(weights, candidate.groups, rng);
    else drawRows(weights, rng);
    if (candidate.weights) for (let row = 0; row < weights.length; ++row) weights[row]! *= candidate.weights[row]!;
    deviations[i] = differenceOf(metric, measureCandidate, measureChampion, weights) - centre;
  }
  return deviations;
}

function differenceOf(
  metric: Metric["any"],
  candidate: Measurer,
  champion: Measurer,
  weights: Float64Array | null,
): number {
  return better(metric, candidate(metric, weights), champion(metric, weights));
}

/** How often each row is drawn: weighing by it is the same as measuring on the drawn rows, without copying them. */
function drawRows(out: Float64Array, rng: Rng): void {
  out.fill(0);
  for (let i = 0; i < out.length; ++i) out[rng.integer(out.length)]! += 1;
}

/** How often each row's group is drawn. */
function drawGroups(out: Float64Array, { order, starts }: RowGroups, rng: Rng): void {
  out.fill(0);
  const nGroups = starts.length - 1;
  for (let i = 0; i < nGroups; ++i) {
    const g = rng.integer(nGroups);
    for (let at = starts[g]!; at < starts[g + 1]!; ++at) out[order[at]!]! += 1;
  }
}

/** m different rows of n (the first m steps of a Fisher-Yates shuffle). */
function sampleRows(n: number, m: number, rng: Rng): Uint32Array {
  const rows = new Uint32Array(n);
  for (let i = 0; i < n; ++i) rows[i] = i;
  for (let i = 0; i < m; ++i) {
    const j = i + rng.integer(n - i);
    const held = rows[i]!;
    rows[i] = rows[j]!;
    rows[j] = held;
  }
  return rows.slice(0, m);
}
