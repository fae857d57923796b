import { MillraceError } from "../core/errors/error.ts";

/** The error of a definition that cannot be meant: "`subject` `rule`, got `actual`". */
export function invalidDefinition(
  subject: string,
  rule: string,
  actual: string,
  remedy?: string,
): MillraceError<"DEFINITION_INVALID"> {
  return new MillraceError("DEFINITION_INVALID", { subject, rule, actual, remedy });
}

/** A value for a message: short, quoted where it is text. */
export function showValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "function") return "a function";
  return typeof value === "bigint" ? `${value}n` : String(value);
}

/** The remedy where a builder was named and not called; undefined otherwise. */
export function uncalled(value: unknown): string | undefined {
  return typeof value === "function" && value.name !== "" ? `Call it: ${value.name}().` : undefined;
}
