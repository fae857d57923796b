import type { Kind } from "../../frame/column.ts";
import type { ContractColumn } from "../../frame/contract.ts";
import { isKeptHidden } from "../../frame/privacy.ts";
import { withExpressions } from "../../frame/evaluate.ts";
import { columnsRead } from "../../frame/expression-check.ts";
import { createFrame, type Frame, takeColumns } from "../../frame/frame.ts";
import type { PipelineSpec } from "../spec.ts";

export interface FeatureColumn {
  readonly name: string;
  readonly kind: Kind;
}

/**
 * The features a model reads: contract columns and derived ones. Columns with a role (id, group, time, sensitive), those a split or
 * its folds go by and texts that are hashed or masked are left out unless `prepare` names them; so is whatever `prepare` drops. `time` orders the rows: what a model should know
 * of it (hour, weekday) is derived in `features`.
 */
export function featureColumnsOf(spec: PipelineSpec): FeatureColumn[] {
  const prepared = new Map(spec.prepare.map((p) => [p.feature, p.choice] as const));
  const { id, group, time, sensitive } = spec.roles;
  const roles = [id, group, time, spec.split.column, spec.folds, ...sensitive];
  const hasRole = (name: string): boolean => roles.includes(name);
  const isVeiled = ({ privacy }: ContractColumn): boolean => isKeptHidden(privacy);
  const inputs = spec.contract.columns.filter((c) => spec.inputs.includes(c.name));
  const own = inputs.filter(
    (c) => prepared.get(c.name) !== "drop" && ((!hasRole(c.name) && !isVeiled(c)) || prepared.has(c.name)),
  );
  const derived = spec.expressions.filter((e) => prepared.get(e.name) !== "drop");
  return [
    ...own.map((c) => ({ name: c.name, kind: c.kind })),
    ...derived.map((e) => ({ name: e.name, kind: e.expression.kind })),
  ];
}

/** The rows at `rows` with only the columns that these features need (by default a model's), derived columns added. */
export function featureFrame(
  spec: PipelineSpec,
  dataset: Frame,
  rows: Uint32Array,
  features: readonly FeatureColumn[] = featureColumnsOf(spec),
): Frame {
  const isFeature = new Set(features.map((f) => f.name));
  const derived = spec.expressions.filter(({ name }) => isFeature.has(name));
  // Where all are used, the list that they are compiled for once.
  const expressions = derived.length === spec.expressions.length ? spec.expressions : derived;
  const needed = new Set(isFeature);
  for (const { expression } of expressions) for (const name of columnsRead(expression)) needed.add(name);
  const taken = takeColumns(
    dataset,
    dataset.names.filter((name) => needed.has(name)),
    rows,
  );
  const whole = withExpressions(taken, expressions);
  return createFrame(
    rows.length,
    whole.names.flatMap((name, i) => (isFeature.has(name) ? [[name, whole.columns[i]!] as const] : [])),
  );
}
