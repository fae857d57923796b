import { nearestName } from "../core/nearest.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { Contract } from "../frame/contract.ts";
import { invalidDefinition, showValue } from "../frame/definition-fault.ts";
import { type FenceRule, fenceRule } from "../math/fences.ts";
import { dateDirectives, isPlainlyRead, type TextCleaning } from "../ingest/text-cleaning.ts";
import type { OutlierRule, RowCleaning } from "../validate/cleaning.ts";
import { refuseUnknownOptions } from "./option-names.ts";

/** What is cleaned on the way in, as plain data. */
export interface CleanSpec extends RowCleaning {
  readonly texts: readonly TextCleaning[];
  /** Number columns whose values far out are held at fences learned on the train rows. */
  readonly clips: readonly { readonly column: string; readonly fences: FenceRule }[];
}

type Given = Readonly<Record<string, unknown>>;

/** The definition's `clean`, checked and completed. */
export function cleanSpec(clean: unknown, contract: Contract): CleanSpec {
  const given = clean === undefined ? {} : objectOf("clean", clean);
  refuseUnknownOptions("clean", given, ["duplicates", "columns"]);
  const columns = given["columns"] === undefined ? {} : objectOf("clean.columns", given["columns"]);
  const texts: TextCleaning[] = [];
  const outliers: OutlierRule[] = [];
  const clips: { column: string; fences: FenceRule }[] = [];
  for (const [column, options] of Object.entries(columns)) {
    const kind = contract.columns[requireColumn("clean.columns", column, contract)]!.kind;
    const subject = `clean.columns.${column}`;
    const asked = objectOf(subject, options);
    if (kind === "number") {
      refuseUnknownOptions(subject, asked, ["missing", "outliers", "units"]);
      const asOutliers = asked["outliers"] === undefined ? null : outliersOf(subject, asked["outliers"]);
      if (asOutliers?.policy === "clip") clips.push({ column, fences: asOutliers.fences });
      else if (asOutliers) outliers.push({ column, policy: asOutliers.policy, fences: asOutliers.fences });
    } else
      refuseUnknownOptions(
        subject,
        asked,
        kind === "text" || kind === "category"
          ? ["trim", "case", "missing"]
          : kind === "timestamp"
            ? ["missing", "dates"]
            : ["missing"],
      );
    texts.push(...textsOf(subject, column, asked));
  }
  return Object.freeze({
    duplicates: duplicatesOf(given["duplicates"], contract),
    outliers: Object.freeze(outliers),
    clips: Object.freeze(clips),
    texts: Object.freeze(texts),
  });
}

/** The contract with what `clean` says of each column, which a model takes along: a request is cleaned as its snapshot was. */
export function withCleaning(contract: Contract, { texts }: CleanSpec): Contract {
  if (texts.length === 0) return contract;
  const cleanings = new Map(texts.map(({ column, ...clean }) => [column, Object.freeze(clean)]));
  const columns = contract.columns.map((column) => {
    const clean = cleanings.get(column.name);
    return clean === undefined ? column : Object.freeze({ ...column, clean });
  });
  return Object.freeze({ columns: Object.freeze(columns) });
}

function textsOf(subject: string, column: string, asked: Given): TextCleaning[] {
  const { trim = false, case: letters = null, missing = [] } = asked;
  if (typeof trim !== "boolean") throw invalidDefinition(`${subject}.trim`, "must be true or false", showValue(trim));
  if (letters !== null && letters !== "lower" && letters !== "upper")
    throw invalidDefinition(`${subject}.case`, "must be lower or upper", showValue(letters));
  if (!Array.isArray(missing) || !(missing as unknown[]).every((text) => typeof text === "string"))
    throw invalidDefinition(`${subject}.missing`, "must be a list of texts", showValue(missing));
  const cleaning: TextCleaning = Object.freeze({
    column,
    trim,
    case: letters,
    missing: Object.freeze([...(missing as string[])]),
    units: unitsOf(subject, asked["units"]),
    dates: datesOf(subject, asked["dates"]),
  });
  return isPlainlyRead(cleaning) && missing.length === 0 ? [] : [cleaning];
}

function unitsOf(subject: string, units: unknown): TextCleaning["units"] {
  if (units === undefined) return null;
  const entries = Object.entries(objectOf(`${subject}.units`, units));
  const isFactor = (factor: unknown): boolean => typeof factor === "number" && factor > 0 && factor < Infinity;
  const isUnit = (unit: string): boolean => unit === unit.trim() && !/^[-+.\d]/.test(unit);
  if (entries.length > 0 && entries.every(([unit, factor]) => isUnit(unit) && isFactor(factor)))
    return Object.freeze(Object.fromEntries(entries)) as Readonly<Record<string, number>>;
  const rule = "must say of each unit how many of the one that is kept it is, above 0";
  const remedy = 'Write { kg: 1, g: 0.001 }; "" stands for values without a unit.';
  throw invalidDefinition(`${subject}.units`, rule, showValue(JSON.stringify(units)), remedy);
}

function datesOf(subject: string, dates: unknown): TextCleaning["dates"] {
  if (dates === undefined) return null;
  const formats = (Array.isArray(dates) ? dates : [dates]) as unknown[];
  const isFormat = (format: unknown): boolean =>
    format === "ISO" || (typeof format === "string" && dateDirectives(format) !== null);
  if (formats.length > 0 && formats.every(isFormat)) return Object.freeze([...(formats as string[])]);
  const rule = 'must be formats of YYYY, MM or MMM, DD, HH, mm, ss and SSS, each once, or "ISO"';
  throw invalidDefinition(`${subject}.dates`, rule, showValue(JSON.stringify(dates)), 'Write "DD.MM.YYYY" or a list.');
}

type OutlierPolicy = "quarantine" | "warn" | "clip";

function outliersOf(
  subject: string,
  outliers: unknown,
): { readonly policy: OutlierPolicy; readonly fences: FenceRule } {
  const { policy, ...where } = outlierWords(outliers);
  const fences = fenceRule(Object.keys(where).length === 0 ? { reach: 3 } : where);
  if ((policy === "quarantine" || policy === "warn" || policy === "clip") && fences !== null) return { policy, fences };
  const rule =
    'must be "quarantine", "warn", "clip", a number of interquartile ranges above 0, or a policy with a reach, quantiles or a range';
  const remedy = 'Write { policy: "clip", range: [0, 120] } or { policy: "warn", quantiles: [0.01, 0.99] }.';
  throw invalidDefinition(`${subject}.outliers`, rule, showValue(JSON.stringify(outliers)), remedy);
}

/** The short ways to say it, written out. */
function outlierWords(outliers: unknown): Given {
  if (typeof outliers === "number") return { policy: "quarantine", reach: outliers };
  if (typeof outliers !== "object" || outliers === null) return { policy: outliers };
  const given = outliers as Given;
  return Object.keys(given).join() === "clip" ? { policy: "clip", reach: given["clip"] } : given;
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
