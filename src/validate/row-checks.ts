import type { Issue, ViolationPolicy } from "../frame/contract.ts";
import { evaluateExpression } from "../frame/evaluate.ts";
import { columnsRead } from "../frame/expression-check.ts";
import type { ExpressionNode } from "../frame/expression-node.ts";
import { type Frame, takeColumns } from "../frame/frame.ts";
import { rowsFromFrame } from "../frame/rows.ts";

/** What must hold between the columns of a row, as plain data. */
export interface RowCheck {
  readonly name: string;
  /** A boolean expression. Where an operand is missing the row is not judged. */
  readonly holds: ExpressionNode;
  readonly onViolation: ViolationPolicy;
}

/** The rows that break one check, ascending. */
export interface BrokenCheck {
  readonly check: RowCheck;
  readonly rows: Uint32Array;
}

/** Evaluates each check over all rows; those that every row satisfies are left out. */
export function brokenChecks(frame: Frame, checks: readonly RowCheck[]): readonly BrokenCheck[] {
  return checks.flatMap((check) => {
    const result = evaluateExpression(frame, check.holds);
    if (result.kind !== "boolean") return [];
    const rows = rowsWhereFalse(result.values);
    return rows.length > 0 ? [{ check, rows }] : [];
  });
}

function rowsWhereFalse(values: Uint8Array): Uint32Array {
  let count = 0;
  for (let row = 0; row < values.length; ++row) if (values[row] === 0) ++count;
  const rows = new Uint32Array(count);
  for (let row = 0, next = 0; row < values.length; ++row) if (values[row] === 0) rows[next++] = row;
  return rows;
}

/** A row that breaks a check as an issue; `column` is the name of the check. */
export function checkIssue(frame: Frame, check: RowCheck, row: number): Issue {
  const names = columnsRead(check.holds);
  const [values] = rowsFromFrame(takeColumns(frame, names, Uint32Array.of(row)));
  const shown = names.map((name) => `${name} = ${JSON.stringify(values![name])}`).join(", ");
  return { code: "check", column: check.name, row, expected: "the check to hold", actual: shown };
}
