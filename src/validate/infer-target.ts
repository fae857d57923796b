import { MillraceError } from "../core/errors/error.ts";
import type { Task } from "../model/model.ts";
import type { ColumnFacts } from "../query/column-facts.ts";
import type { InferredColumn, InferredDefinition } from "./infer.ts";

export interface InferredTarget {
  readonly task: Task;
  readonly column: InferredColumn;
  readonly limit: InferredDefinition["limit"];
}

const mostLabels = 100;

/** The task a target column asks for, and how to declare it; throws TARGET_UNUSABLE. */
export function inferTarget(facts: ColumnFacts): InferredTarget {
  const { name, kind, nRows, nMissing, nDistinct } = facts;
  const present = nRows - nMissing;
  if (present === 0) throw unusable(name, "needs values", "every one missing");
  if (nDistinct === 1) {
    const only = facts.levels[0]?.[0] ?? "one value";
    throw unusable(name, "needs at least two different values", `${JSON.stringify(only)} in every row`);
  }
  if (kind === "timestamp") throw unusable(name, "must be a number, a boolean or a category", "a time");
  const missing = nMissing > 0 ? Math.min(1, Math.ceil((nMissing / nRows) * 30) / 20) : 0;
  if (kind === "boolean" || (kind === "number" && isZeroOne(facts))) {
    return { task: "binary", column: { name, kind: "boolean", missing }, limit: { metric: "auc", value: 0.6 } };
  }
  if (kind === "number" && nDistinct > 2) {
    const bound = facts.min !== null && facts.min >= 0 ? { min: 0 } : {};
    return { task: "regression", column: { name, kind, missing, ...bound }, limit: { metric: "r2", value: 0.1 } };
  }
  if (nDistinct > mostLabels || kind === "text") {
    throw unusable(
      name,
      `must be a number or have at most ${mostLabels} different labels`,
      `${nDistinct} different texts`,
    );
  }
  const levels = orderLabels(facts.levels);
  const column: InferredColumn = { name, kind: "category", missing, levels };
  if (levels.length === 2) return { task: "binary", column, limit: { metric: "auc", value: 0.6 } };
  const majority = Math.floor((100 * facts.levels[0]![1]) / present) / 100;
  return { task: "multiclass", column, limit: { metric: "accuracy", value: majority } };
}

function unusable(column: string, rule: string, actual: string): MillraceError {
  return new MillraceError("TARGET_UNUSABLE", { column, rule, actual });
}

function isZeroOne({ nDistinct, min, max }: ColumnFacts): boolean {
  return nDistinct === 2 && min === 0 && max === 1;
}

const positiveText =
  /^(y|yes|true|t|1|1\.0|pos|positive|spam|fraud|fraudulent|churn|churned|default|defaulted|bad|malignant|survived|won|win|success|late|delayed|sick|disease|abnormal|high|left|attrited|>.*)$/i;

/** Two labels: the one that is asked about last ("yes", ">50K", "spam"), else the rarer. More labels: by code point. */
function orderLabels(levels: readonly (readonly [string, number])[]): readonly string[] {
  const names = levels.map(([level]) => level);
  if (names.length !== 2) return names.sort((a, b) => (a < b ? -1 : 1));
  const isPositive = names.map((name) => positiveText.test(name.trim()));
  // Levels come commonest first, so their order is the answer unless exactly the first one looks positive.
  return isPositive[0] && !isPositive[1] ? [names[1]!, names[0]!] : names;
}
