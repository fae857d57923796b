export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/**
 * JSON text that is equal for equal values: object keys sorted by code unit, no spaces.
 * Non-finite numbers are written as the strings "NaN", "Infinity" and "-Infinity", so that no two values share a text
 * with `null`. `undefined` members are left out. Used for digests, never for the wire.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return Number.isFinite(value) ? JSON.stringify(value) : `"${String(value)}"`;
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value === "object") {
    const members = value as Readonly<Record<string, unknown>>;
    let text = "";
    for (const key of Object.keys(members).sort()) {
      if (members[key] === undefined) continue;
      text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${canonicalJson(members[key])}`;
    }
    return `{${text}}`;
  }
  throw new TypeError(`a ${typeof value} has no canonical JSON`);
}

const quote = 0x22;
const backslash = 0x5c;

/** Deepest nesting of a JSON text: brackets and braces open at one time, outside strings. The text need not be valid. */
export function jsonDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; ++i) {
    const unit = text.charCodeAt(i);
    if (unit === quote) {
      while (++i < text.length && text.charCodeAt(i) !== quote) if (text.charCodeAt(i) === backslash) ++i;
    } else if (unit === 0x5b || unit === 0x7b) {
      if (++depth > deepest) deepest = depth;
    } else if (unit === 0x5d || unit === 0x7d) --depth;
  }
  return deepest;
}
