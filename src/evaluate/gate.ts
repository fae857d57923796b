import { judgeAgainstChampion } from "./champion.ts";
import { formatBeside } from "./format.ts";
import type { GateArguments, GateReason, GateVerdict } from "./gate-reason.ts";
import { nameOf, reasonOf } from "./gate-reason.ts";
import type { GateRule } from "./gate-rule.ts";
import type { MetricValues } from "./measure.ts";

export type { GateReason, GateVerdict } from "./gate-reason.ts";

/** Slices of fewer rows are reported but not judged: their metrics are mostly chance. */
const FEWEST_JUDGED = 30;

/**
 * Judges a candidate: every rule must hold and the audit must have found no error that is not allowed. A metric that
 * does not exist fails its rule. beatsChampion holds where the candidate is not worse on the same rows, or where there
 * is no champion yet; whether the difference is significant is told, not judged.
 */
export function judgeGate(args: GateArguments): GateVerdict {
  const reasons = [...auditReasons(args.audit), ...args.rules.flatMap((rule) => judgeRule(rule, args))];
  return { passed: reasons.every((reason) => reason.passed), reasons };
}

function auditReasons(audit: GateArguments["audit"]): GateReason[] {
  const errors = (audit?.findings ?? []).filter((finding) => finding.severity === "error" && !finding.allowed);
  if (errors.length === 0) return [];
  const names = errors.map(({ rule, column }) => (column === null ? rule : `${rule} in ${column}`)).join(", ");
  const text = `the audit found ${errors.length} ${errors.length === 1 ? "error" : "errors"}: ${names}`;
  return [
    {
      rule: "audit",
      metric: null,
      slice: null,
      passed: false,
      limit: 0,
      actual: errors.length,
      comparison: null,
      text,
    },
  ];
}

function judgeRule(rule: GateRule, args: GateArguments): GateReason[] {
  const { report } = args;
  const failed = (text: string): GateReason[] => [reasonOf(rule, null, false, null, text)];
  if (!Object.hasOwn(report.metrics, rule.metric))
    return failed(`${rule.metric} is not a metric of ${report.task}: ${Object.keys(report.metrics).join(", ")} are`);
  if (rule.slice === undefined) return [judgeOn(rule, args, null, report.metrics, report.nRows)];
  const groups = report.slices.filter((slice) => slice.column === rule.slice);
  const judged = groups.filter((slice) => slice.nRows >= FEWEST_JUDGED);
  if (judged.length === 0)
    return failed(`${rule.metric} by ${rule.slice}: no group has the ${FEWEST_JUDGED} rows it takes to judge it`);
  return judged.map((slice) => judgeOn(rule, args, slice.name, slice.metrics, slice.nRows));
}

function judgeOn(
  rule: GateRule,
  args: GateArguments,
  slice: string | null,
  metrics: MetricValues,
  nRows: number,
): GateReason {
  const actual = metrics[rule.metric] ?? null;
  if (rule.rule === "beatsChampion") return judgeAgainstChampion(rule, args, slice, actual);
  const limit = rule.value!;
  const name = nameOf(rule, slice);
  const bound = rule.rule === "atLeast" ? "at least" : "at most";
  if (actual === null)
    return reasonOf(rule, slice, false, null, `${name} is not defined on ${nRows} rows; it must be ${bound} ${limit}`);
  const passed = rule.rule === "atLeast" ? actual >= limit : actual <= limit;
  const shown = formatBeside(actual, limit);
  const text = `${name} ${shown} is ${passed ? "" : "not "}${bound} ${limit}`;
  return { ...reasonOf(rule, slice, passed, actual, text), limit };
}
