import { nearestName } from "../core/nearest.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { Contract } from "../frame/contract.ts";
import { invalidDefinition, showValue } from "../frame/definition-fault.ts";
import type { TextCleaning } from "../ingest/text-cleaning.ts";
import type { RowCleaning } from "../validate/cleaning.ts";
import { refuseUnknownOptions } from "./option-names.ts";

/** What is cleaned on the way in, as plain data. */
export interface CleanSpec extends RowCleaning {
  readonly texts: readonly TextCleaning[];
}

type Given = Readonly<Record<string, unknown>>;

/** The definition's `clean`, checked and completed. */
export function cleanSpec(clean: unknown, contract: Contract): CleanSpec {
  const given = clean === undefined ? {} : objectOf("clean", clean);
  refuseUnknownOptions("clean", given, ["duplicates", "columns"]);
  const columns = given["columns"] === undefined ? {} : objectOf("clean.columns", given["columns"]);
  const texts: TextCleaning[] = [];
  const outliers: { column: string; reach: number }[] = [];
  for (const [column, options] of Object.entries(columns)) {
    const kind = contract.columns[requireColumn("clean.columns", column, contract)]!.kind;
    const subject = `clean.columns.${column}`;
    const asked = objectOf(subject, options);
    if (kind === "number") {
      refuseUnknownOptions(subject, asked, ["missing", "outliers"]);
      if (asked["outliers"] !== undefined) outliers.push({ column, reach: reachOf(subject, asked["outliers"]) });
    } else
      refuseUnknownOptions(
        subject,
        asked,
        kind === "text" || kind === "category" ? ["trim", "case", "missing"] : ["missing"],
      );
    texts.push(...textsOf(subject, column, asked));
  }
  return Object.freeze({
    duplicates: duplicatesOf(given["duplicates"], contract),
    outliers: Object.freeze(outliers),
    texts: Object.freeze(texts),
  });
}

function textsOf(subject: string, column: string, asked: Given): TextCleaning[] {
  const { trim = false, case: letters = null, missing = [] } = asked;
  if (typeof trim !== "boolean") throw invalidDefinition(`${subject}.trim`, "must be true or false", showValue(trim));
  if (letters !== null && letters !== "lower" && letters !== "upper")
    throw invalidDefinition(`${subject}.case`, "must be lower or upper", showValue(letters));
  if (!Array.isArray(missing) || !(missing as unknown[]).every((text) => typeof text === "string"))
    throw invalidDefinition(`${subject}.missing`, "must be a list of texts", showValue(missing));
  if (!trim && letters === null && missing.length === 0) return [];
  return [Object.freeze({ column, trim, case: letters, missing: Object.freeze([...(missing as string[])]) })];
}

function reachOf(subject: string, outliers: unknown): number {
  if (outliers === "quarantine") return 3;
  if (typeof outliers === "number" && outliers > 0 && outliers < Infinity) return outliers;
  const rule = 'must be "quarantine" or a number of interquartile ranges above 0';
  throw invalidDefinition(`${subject}.outliers`, rule, showValue(outliers));
}

function duplicatesOf(duplicates: unknown, contract: Contract): CleanSpec["duplicates"] {
  if (duplicates === undefined) return null;
  if (duplicates === "exact") return Object.freeze({ by: null, keep: "first" });
  const given = objectOf("clean.duplicates", duplicates);
  refuseUnknownOptions("clean.duplicates", given, ["by", "keep"]);
  const { by, keep = "first" } = given;
  const names = (typeof by === "string" ? [by] : by) as unknown;
  if (!Array.isArray(names) || names.length === 0)
    throw invalidDefinition("clean.duplicates.by", "must name a column or several", showValue(by));
  for (const name of names as unknown[]) requireColumn("clean.duplicates.by", String(name), contract);
  if (keep !== "first" && keep !== "last")
    throw invalidDefinition("clean.duplicates.keep", "must be first or last", showValue(keep));
  return Object.freeze({ by: Object.freeze([...(names as string[])]), keep });
}

function requireColumn(subject: string, name: string, contract: Contract): number {
  const found = contract.columns.map((column) => column.name);
  const position = found.indexOf(name);
  if (position >= 0) return position;
  throw new MillraceError("COLUMN_MISSING", { name, subject, found, nearest: nearestName(name, found) });
}

function objectOf(subject: string, value: unknown): Given {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Given;
  throw invalidDefinition(subject, "must be an object", showValue(value));
}
