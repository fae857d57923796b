import { MillraceError } from "../core/errors/error.ts";
import { type OptionValues, textOption } from "./verb.ts";

/** A whole number given as an option; undefined where it was not given. Throws USAGE where it is none or out of range. */
export function integerOption(options: OptionValues, name: string, min: number, max: number): number | undefined {
  const text = textOption(options, name);
  // commander says minRequests of what people write --min-requests.
  const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return text === undefined ? undefined : integerOf(flag, text, min, max);
}

/** A whole number in [min, max]. Throws USAGE where `text` is none. */
export function integerOf(subject: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  throw new MillraceError("USAGE", { reason: `${subject} must be a whole number ${range}, got "${text}"` });
}
