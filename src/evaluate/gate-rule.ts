import { MillraceError } from "../core/errors/error.ts";
import type { Problem } from "../core/problem.ts";
import type { Lower, Metric } from "../metrics/metric-names.ts";

/** One rule of the gate as plain data; what atLeast(), atMost() and beatsChampion() return. */
export interface GateRule {
  readonly rule: "atLeast" | "atMost" | "beatsChampion";
  readonly metric: Metric["any"];
  /** The limit; null for beatsChampion. */
  readonly value: number | null;
  /** A category or boolean column: the rule must then hold in each of its groups. */
  readonly slice: string | undefined;
}

/** A rule as the compiler sees it: a gate accepts only rules whose metric its task reports and whose slice its schema has. */
export interface Rule<out M extends string = string, out Slice extends string = never> {
  readonly metric: M;
  readonly slice: Slice | undefined;
}

export interface RuleOptions<Slice extends string> {
  /** A column: the rule must hold in each of its groups, not only overall. */
  readonly slice?: Slice;
}

/** A metric that failed its own constraint makes no second error at the gate. */
type Quiet<M> = Metric["any"] extends M ? never : M;
type Rises<M> = M extends Lower ? Problem<`for ${M} lower is better: use atMost`> : unknown;
type Falls<M> = M extends Exclude<Metric["any"], Lower> ? Problem<`for ${M} higher is better: use atLeast`> : unknown;

/** The metric must be `value` or more. For metrics of which more is better. */
export function atLeast<M extends Metric["any"], C extends string = never>(
  metric: M & Rises<M>,
  value: number,
  options?: RuleOptions<C>,
): Rule<Quiet<M>, NoInfer<C>> {
  return ruleOf("atLeast", metric, limitOf("atLeast", metric, value), options) as Rule<Quiet<M>, C> & GateRule;
}

/** The metric must be `value` or less. For metrics of which less is better. */
export function atMost<M extends Metric["any"], C extends string = never>(
  metric: M & Falls<M>,
  value: number,
  options?: RuleOptions<C>,
): Rule<Quiet<M>, NoInfer<C>> {
  return ruleOf("atMost", metric, limitOf("atMost", metric, value), options) as Rule<Quiet<M>, C> & GateRule;
}

/** The metric must not be worse than the champion's on the same rows; holds where there is no champion yet. */
export function beatsChampion<M extends Metric["any"], C extends string = never>(
  metric: M,
  options?: RuleOptions<C>,
): Rule<Quiet<M>, NoInfer<C>> {
  return ruleOf("beatsChampion", metric, null, options) as Rule<Quiet<M>, C> & GateRule;
}

function ruleOf(
  rule: GateRule["rule"],
  metric: Metric["any"],
  value: number | null,
  options: RuleOptions<string> | undefined,
): object {
  const gateRule: GateRule = { rule, metric, value, slice: options?.slice };
  return Object.freeze(gateRule);
}

function limitOf(rule: string, metric: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw new MillraceError("DEFINITION_INVALID", {
    subject: `${rule}("${metric}")`,
    rule: "needs a finite number as its limit",
    actual: String(value),
  });
}
