import { nearestName } from "../core/nearest.ts";
import type { Kind } from "./column.ts";
import type { ContractColumn } from "./contract.ts";
import { invalidDefinition, showValue } from "./definition-fault.ts";
import { hashPattern, maskPattern } from "./privacy.ts";
import { parseTimestamp } from "./timestamp.ts";

/** The members of a contract column but its name and kind. */
export type Constraints = Omit<ContractColumn, "name" | "kind">;

const optionsOfKind: Readonly<Record<Kind, readonly string[]>> = {
  number: ["missing", "onViolation", "unique", "min", "max", "integer", "privacy"],
  text: ["missing", "onViolation", "unique", "pattern", "maxLength", "privacy"],
  boolean: ["missing", "onViolation", "unique"],
  timestamp: ["missing", "onViolation", "unique", "after", "before", "privacy"],
  category: ["missing", "onViolation", "unique", "privacy"],
};
const policies: readonly unknown[] = ["fail", "quarantine", "warn"];

type Given = Readonly<Record<string, unknown>>;

/** The options of a column builder, checked and with defaults; throws DEFINITION_INVALID for what cannot be meant. */
export function checkOptions(kind: Kind, options: unknown): Constraints {
  const subject = `${kind}()`;
  if (options === undefined) return { missing: 0, onViolation: "fail" };
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw invalidDefinition(subject, "takes its options as an object", showValue(options));
  const given = options as Given;
  refuseUnknown(kind, given);
  const missing = given["missing"] ?? 0;
  if (typeof missing !== "number" || !(missing >= 0 && missing <= 1))
    throw invalidDefinition(`${subject}: missing`, "must be a share from 0 to 1", showValue(missing));
  const onViolation = given["onViolation"] ?? "fail";
  if (!policies.includes(onViolation))
    throw invalidDefinition(`${subject}: onViolation`, `must be one of ${policies.join(", ")}`, showValue(onViolation));
  return {
    missing,
    onViolation: onViolation as Constraints["onViolation"],
    ...flag(subject, given, "unique"),
    ...ownOptions(kind, subject, given),
    ...privacyOption(kind, subject, given),
  };
}

/** Levels as given: at least one, all different texts. */
export function checkLevels(levels: readonly unknown[]): readonly string[] {
  if (levels.length === 0) throw invalidDefinition("category()", "needs at least one level", "an empty list");
  const seen = new Set<unknown>();
  for (const level of levels) {
    if (typeof level !== "string")
      throw invalidDefinition("category()", "takes levels that are texts", showValue(level));
    if (seen.has(level)) throw invalidDefinition("category()", "takes each level once", `${showValue(level)} twice`);
    seen.add(level);
  }
  return Object.freeze([...seen] as string[]);
}

function refuseUnknown(kind: Kind, given: Given): void {
  const known = optionsOfKind[kind];
  for (const option of Object.keys(given)) {
    if (known.includes(option)) continue;
    const nearest = nearestName(option, known);
    const remedy = nearest ? `Did you mean "${nearest}"?` : undefined;
    throw invalidDefinition(`${kind}()`, `has the options ${known.join(", ")}`, showValue(option), remedy);
  }
}

function ownOptions(kind: Kind, subject: string, given: Given): Partial<Constraints> {
  if (kind === "number")
    return { ...ordered(subject, given, "min", "max", finiteNumber), ...flag(subject, given, "integer") };
  if (kind === "timestamp") return ordered(subject, given, "after", "before", instant);
  if (kind === "text")
    return { ...patternOption(subject, given["pattern"]), ...lengthOption(subject, given["maxLength"]) };
  return {};
}

const grains: readonly unknown[] = ["day", "month", "year"];

/** A text that is kept as a hash or masked must look like it, wherever it comes from: no request brings it in the clear. */
function privacyOption(kind: Kind, subject: string, given: Given): Partial<Constraints> {
  const value = given["privacy"];
  if (value === undefined) return {};
  const at = `${subject}: privacy`;
  const isPolicy = value === "hash" || (typeof value === "object" && value !== null && Object.keys(value).length === 1);
  const policy = (typeof value === "object" ? value : {}) as Given;
  const { mask, generalise } = policy;
  const { hash } = policy;
  if (kind === "text" && isPolicy && (value === "hash" || mask !== undefined || hash !== undefined)) {
    if (given["pattern"] !== undefined)
      throw invalidDefinition(at, "takes no pattern beside it", showValue(given["pattern"]));
    if (value === "hash") return { privacy: "hash", pattern: hashPattern };
    if (hash !== undefined)
      return { privacy: Object.freeze({ hash: environmentOf(`${at}.hash`, hash) }), pattern: hashPattern };
    const kept = wholeNumber(`${at}.mask`, mask, 0);
    return { privacy: Object.freeze({ mask: kept }), pattern: maskPattern(kept) };
  }
  if (!isPolicy || generalise === undefined)
    throw invalidDefinition(at, `must be ${policiesOf[kind]}`, showValue(value));
  if (kind !== "timestamp")
    return { privacy: Object.freeze({ generalise: wholeNumber(`${at}.generalise`, generalise, 1) }) };
  if (!grains.includes(generalise))
    throw invalidDefinition(`${at}.generalise`, `must be one of ${grains.join(", ")}`, showValue(generalise));
  return { privacy: Object.freeze({ generalise }) as NonNullable<Constraints["privacy"]> };
}

const policiesOf: Readonly<Record<Kind, string>> = {
  text: '"hash", { hash: { env: name } }, { mask: characters } or { generalise: characters }',
  category: "{ generalise: characters }",
  number: "{ generalise: width }",
  timestamp: '{ generalise: "day", "month" or "year" }',
  boolean: "left out",
};

function environmentOf(subject: string, given: unknown): { readonly env: string } {
  const { env, ...rest } = (typeof given === "object" && given !== null ? given : {}) as Given;
  if (typeof env === "string" && /^[A-Za-z_][A-Za-z0-9_]*$/.test(env) && Object.keys(rest).length === 0)
    return Object.freeze({ env });
  // What stands here by mistake may be the key itself.
  throw invalidDefinition(
    subject,
    "must name an environment variable",
    "another value",
    'Write { env: "PRIVACY_KEY" }.',
  );
}

function wholeNumber(subject: string, value: unknown, least: number): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  throw invalidDefinition(subject, `must be a whole number from ${least}`, showValue(value));
}

function flag(subject: string, given: Given, name: "unique" | "integer"): Partial<Constraints> {
  const value = given[name];
  if (value === undefined) return {};
  if (typeof value !== "boolean")
    throw invalidDefinition(`${subject}: ${name}`, "must be true or false", showValue(value));
  return { [name]: value };
}

function ordered(
  subject: string,
  given: Given,
  lowName: "min" | "after",
  highName: "max" | "before",
  read: (subject: string, value: unknown) => number,
): Partial<Constraints> {
  const low = given[lowName] === undefined ? undefined : read(`${subject}: ${lowName}`, given[lowName]);
  const high = given[highName] === undefined ? undefined : read(`${subject}: ${highName}`, given[highName]);
  if (low !== undefined && high !== undefined && low > high) {
    const actual = `${showValue(given[lowName])} and ${showValue(given[highName])}`;
    throw invalidDefinition(`${subject}: ${lowName}`, `must not be above ${highName}`, actual);
  }
  return { ...(low === undefined ? {} : { [lowName]: low }), ...(high === undefined ? {} : { [highName]: high }) };
}

function finiteNumber(subject: string, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw invalidDefinition(subject, "must be a finite number", showValue(value));
}

function instant(subject: string, value: unknown): number {
  const ms = typeof value === "string" ? parseTimestamp(value) : NaN;
  if (!Number.isNaN(ms)) return ms;
  throw invalidDefinition(subject, "must be an ISO 8601 text such as 2024-01-31", showValue(value));
}

/** Patterns are kept as their source and compiled with the flag "u" wherever they are checked, as JSON Schema does. */
function patternOption(subject: string, value: unknown): Partial<Constraints> {
  if (value === undefined) return {};
  if (!(value instanceof RegExp))
    throw invalidDefinition(`${subject}: pattern`, "must be a regular expression", showValue(value));
  if (value.flags !== "" && value.flags !== "u")
    throw invalidDefinition(`${subject}: pattern`, 'may have the flag "u" only', showValue(value.flags));
  try {
    return { pattern: new RegExp(value.source, "u").source };
  } catch (error) {
    throw invalidDefinition(`${subject}: pattern`, 'must be valid with the flag "u"', (error as Error).message);
  }
}

function lengthOption(subject: string, value: unknown): Partial<Constraints> {
  if (value === undefined) return {};
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return { maxLength: value };
  throw invalidDefinition(`${subject}: maxLength`, "must be a whole number from 0", showValue(value));
}
