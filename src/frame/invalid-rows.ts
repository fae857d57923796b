import { MillraceError } from "../core/errors/error.ts";
import type { Issue } from "./contract.ts";

/** The refusal of rows that break the contract: how often, and where first. There is at least one issue. */
export function invalidRows(issues: readonly Issue[], count: number): MillraceError<"REQUEST_INVALID"> {
  const { row, column, expected, actual } = issues[0]!;
  const first = `row ${row}, column ${JSON.stringify(column.slice(0, 100))}: expected ${expected}, got ${actual}`;
  return new MillraceError("REQUEST_INVALID", { count, first });
}
