import type { Rng } from "../core/rng.ts";
import { quantiles } from "../math/quantile.ts";
import type { Metric, MetricOf } from "../metrics/metric-names.ts";
import { metricDirection } from "../metrics/metric-names.ts";
import { meanOfGroups, type RowGroups, weightsOfGroups } from "../metrics/row-groups.ts";
import type { JudgedRows } from "./judged-rows.ts";
import { takeJudged } from "./judged-rows.ts";
import { measureGroups, measurerOf } from "./measure.ts";

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
 * Above 20,000 rows, where they are not ranked, a random part of m = 20,000 of the n rows is resampled and the deviations are scaled by
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
  // A draw of groups walks the groups alone, so that all of them can be drawn from.
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

/** Differences on resamples less the difference on what they are drawn from. NaN where the draw lost a label, or all relevant rows. */
function resampledDeviations(
  metric: Metric["any"],
  candidate: JudgedRows,
  champion: JudgedRows,
  rng: Rng,
): Float64Array {
  const { weights, groups } = candidate;
  const differenceOf = groups
    ? groupDifference(metric as MetricOf<"ranking">, candidate, champion, groups)
    : rowDifference(metric, candidate, champion);
  const ownWeights = groups ? weightsOfGroups(groups, weights) : weights;
  const drawn = new Float64Array(groups ? groups.starts.length - 1 : candidate.nRows);
  const centre = differenceOf(ownWeights);
  const deviations = new Float64Array(RESAMPLES);
  for (let i = 0; i < RESAMPLES; ++i) {
    draw(drawn, rng);
    if (ownWeights) for (let one = 0; one < drawn.length; ++one) drawn[one]! *= ownWeights[one]!;
    deviations[i] = differenceOf(drawn) - centre;
  }
  return deviations;
}

/** How much better a candidate is, by the weights of rows or of groups; null where each counts alike. */
type Difference = (weights: Float64Array | null) => number;

function rowDifference(metric: Metric["any"], candidate: JudgedRows, champion: JudgedRows): Difference {
  const [ofCandidate, ofChampion] = [measurerOf(candidate), measurerOf(champion)];
  return (weights) => better(metric, ofCandidate(metric, weights), ofChampion(metric, weights));
}

/** The metrics of the groups are found once: other weights only weigh them anew. */
function groupDifference(
  metric: MetricOf<"ranking">,
  candidate: JudgedRows,
  champion: JudgedRows,
  groups: RowGroups,
): Difference {
  const [ofCandidate, ofChampion] = [candidate, champion].map((judged) => measureGroups(metric, judged, groups));
  return (weights) => better(metric, meanOfGroups(ofCandidate!, weights), meanOfGroups(ofChampion!, weights));
}

/** How often each row or group is drawn: weighing by it is the same as measuring on those drawn, without copying them. */
function draw(out: Float64Array, rng: Rng): void {
  out.fill(0);
  for (let i = 0; i < out.length; ++i) out[rng.integer(out.length)]! += 1;
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
