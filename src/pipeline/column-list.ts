import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { Contract } from "../frame/contract.ts";
import { invalidDefinition, showValue } from "../frame/definition-fault.ts";
import type { AcceptedColumn } from "../validate/audit.ts";
import { refuseUnknownOptions } from "./option-names.ts";

/** Columns of the contract that an option lists, each once. Throws DEFINITION_INVALID, COLUMN_MISSING. */
export function columnList(subject: string, given: unknown, contract: Contract): readonly string[] {
  if (given === undefined) return Object.freeze([]);
  if (!Array.isArray(given)) throw invalidDefinition(subject, "must be a list of columns", showValue(given));
  const names = contract.columns.map(({ name }) => name);
  for (const name of given as unknown[]) if (!names.includes(name as string)) throw noSuchColumn(subject, name, names);
  return Object.freeze([...new Set(given as string[])]);
}

/** Columns whose findings are accepted, each with its reason where one is given. Throws as `columnList` does. */
export function acceptedColumns(given: unknown, contract: Contract): readonly AcceptedColumn[] {
  const entries = Array.isArray(given) ? (given as unknown[]).map(acceptedColumn) : [];
  const listed = Array.isArray(given) ? entries.map(({ column }) => column) : given;
  columnList("allow", listed, contract);
  return Object.freeze([...new Map(entries.map((entry) => [entry.column, entry] as const)).values()]);
}

function acceptedColumn(entry: unknown, index: number): AcceptedColumn {
  if (typeof entry !== "object" || entry === null) return Object.freeze({ column: entry as string, reason: null });
  const subject = `allow[${index}]`;
  refuseUnknownOptions(subject, entry, ["column", "reason"]);
  const { column, reason } = entry as { readonly column?: unknown; readonly reason?: unknown };
  if (typeof reason !== "string" || reason.trim() === "")
    throw invalidDefinition(`${subject}.reason`, "must be a text", showValue(reason));
  return Object.freeze({ column: column as string, reason });
}

/** COLUMN_MISSING for a name that an option gives. */
export function noSuchColumn(subject: string, name: unknown, found: readonly string[]): MillraceError {
  const text = typeof name === "string" ? name : showValue(name);
  return new MillraceError("COLUMN_MISSING", { name: text, subject, found, nearest: nearestName(text, found) });
}
