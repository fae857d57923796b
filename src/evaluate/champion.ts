import type { Target } from "../model/estimator.ts";
import type { Predictions } from "../model/model.ts";
import { formatMetric } from "./format.ts";
import type { GateArguments, GateComparison, GateReason } from "./gate-reason.ts";
import { nameOf, reasonOf } from "./gate-reason.ts";
import type { GateRule } from "./gate-rule.ts";
import { judgedRows, takeJudged } from "./judged-rows.ts";
import { finiteOrNull } from "./measure.ts";
import type { PairedDifference } from "./paired-bootstrap.ts";
import { pairedDifference } from "./paired-bootstrap.ts";

/** Judges beatsChampion: the candidate must not be worse than the champion on the same rows. */
export function judgeAgainstChampion(
  rule: GateRule,
  args: GateArguments,
  slice: string | null,
  actual: number | null,
): GateReason {
  const name = nameOf(rule, slice);
  const { champion } = args;
  if (champion === null) {
    const shown = actual === null ? "" : ` ${formatMetric(actual)}`;
    return reasonOf(rule, slice, true, actual, `${name}${shown}: no champion yet to compare with`);
  }
  const pair = pairOf(args, slice);
  if (pair === null) {
    const why =
      args.report.task === "clustering" || args.report.task === "anomaly"
        ? "without a target there is no truth to measure both on"
        : "there are no predictions of both on the same rows";
    const text = `${name} cannot be compared with champion version ${champion.version}: ${why}`;
    return reasonOf(rule, slice, false, actual, text);
  }
  const paired = pairedDifference({
    metric: rule.metric,
    ...pair,
    rng: args.rng.fork(`${rule.metric} ${slice ?? ""}`),
  });
  if (!Number.isFinite(paired.difference)) {
    const text = `${name} is not defined on these rows, so it cannot be compared with champion version ${champion.version}`;
    return reasonOf(rule, slice, false, finiteOrNull(paired.candidate), text);
  }
  const comparison = comparisonOf(paired, champion.version);
  return {
    ...reasonOf(rule, slice, paired.difference >= 0, paired.candidate, textOf(name, paired, comparison)),
    limit: paired.champion,
    comparison,
  };
}

/** Candidate and champion on all rows or on one slice; null where something needed is absent. */
function pairOf(
  args: GateArguments,
  slice: string | null,
): Pick<Parameters<typeof pairedDifference>[0], "candidate" | "champion"> | null {
  const { champion, candidate, target, report } = args;
  if (!champion?.predictions || !candidate?.predictions || target === null) return null;
  if (report.task === "clustering" || report.task === "anomaly") return null;
  const judge = (predictions: Predictions, truth: Target, threshold: number | null) =>
    judgedRows(report.task, truth, predictions, threshold);
  const pair = {
    candidate: judge(candidate.predictions, target, candidate.threshold),
    champion: judge(champion.predictions, target, champion.threshold),
  };
  if (slice === null) return pair;
  const rows = args.slices?.find(({ name }) => name === slice)?.rows;
  return rows ? { candidate: takeJudged(pair.candidate, rows), champion: takeJudged(pair.champion, rows) } : null;
}

function comparisonOf(paired: PairedDifference, version: number): GateComparison {
  const { difference, low, high, method } = paired;
  return {
    version,
    difference,
    low: finiteOrNull(low),
    high: finiteOrNull(high),
    significant: low > 0 || high < 0,
    method,
  };
}

function textOf(name: string, paired: PairedDifference, comparison: GateComparison): string {
  const values = `${name} ${formatMetric(paired.candidate)} against ${formatMetric(paired.champion)} of champion version ${comparison.version}`;
  const size = formatMetric(Math.abs(paired.difference));
  const change = paired.difference > 0 ? `better by ${size}` : paired.difference < 0 ? `worse by ${size}` : "the same";
  if (comparison.low === null || comparison.high === null) return `${values}: ${change}`;
  const interval = `95 % interval ${formatMetric(comparison.low)} to ${formatMetric(comparison.high)}`;
  return `${values}: ${change} (${interval}${comparison.significant ? "" : ": no significant difference"})`;
}
