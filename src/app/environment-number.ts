import { MillraceError } from "../core/errors/error.ts";

/** A number from `min` to `max` that a variable of the environment holds; undefined where it is not set or empty. Throws USAGE. */
export function environmentNumber(name: string, min: number, max: number): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (value >= min && value <= max) return value;
  throw new MillraceError("USAGE", {
    reason: `${name} must be a number from ${min} to ${max}, got "${text}"`,
    help: "Correct the variable, or leave it unset.",
  });
}
