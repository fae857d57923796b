import { MillraceError } from "../core/errors/error.ts";

const longestName = 1024;
const loneSurrogate = /\p{Surrogate}/u;

/** Why `name` cannot name a column; undefined where it can. Every other text is a name, `__proto__` and `constructor` too. */
export function columnNameFault(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name.length > longestName) return `it is longer than ${longestName} UTF-16 code units`;
  if (name.includes("\0")) return "it contains the character NUL";
  if (loneSurrogate.test(name)) return "it contains half of a surrogate pair";
  return undefined;
}

/**
 * Throws COLUMN_NAME_INVALID for a name that is refused, and COLUMN_NAME_DUPLICATE for two names that are equal after
 * Unicode normalisation (NFC): people and files cannot tell those apart.
 */
export function checkColumnNames(names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const rule = columnNameFault(name);
    if (rule) throw new MillraceError("COLUMN_NAME_INVALID", { name, rule });
    const normal = name.normalize("NFC");
    const twin = seen.get(normal);
    if (twin !== undefined) throw new MillraceError("COLUMN_NAME_DUPLICATE", { name, twin });
    seen.set(normal, name);
  }
}
