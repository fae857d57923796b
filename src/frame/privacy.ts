import { type ColumnData, mapLevels, type TextColumnData } from "./column.ts";

/**
 * What is kept of a value that tells who somebody is, as plain data: a keyed hash of a text (under the key in
 * MILLRACE_PRIVACY_KEY, or in the environment variable that is named), its last characters, or something coarser: the first characters of a text or name, the multiple of a whole number below, the day, month or year.
 */
export type Privacy =
  | "hash"
  | { readonly hash: { readonly env: string } }
  | { readonly mask: number }
  | { readonly generalise: number }
  | { readonly generalise: TimeGrain };

export type TimeGrain = "day" | "month" | "year";

/** The environment variable that holds the key of a hashed column; null where the column is not hashed. */
export function keyVariable(privacy: Privacy | undefined): string | null {
  if (privacy === "hash") return "MILLRACE_PRIVACY_KEY";
  return typeof privacy === "object" && "hash" in privacy ? privacy.hash.env : null;
}

/** Whether nobody can tell a request's text from what is kept of it: a hash or a mask is made where data is read alone. */
export function isKeptHidden(privacy: Privacy | undefined): boolean {
  return keyVariable(privacy) !== null || (typeof privacy === "object" && "mask" in privacy);
}

/** HMAC-SHA-256 in hexadecimal digits. */
export const hashPattern = "^[0-9a-f]{64}$";

/** What a masked text looks like: as many stars as there were characters, but for the last `kept`. */
export function maskPattern(kept: number): string {
  return `^\\*+.{0,${kept}}$`;
}

/**
 * The column with every value made coarser, as its snapshot holds it. What is coarse already stays as it is, so that a
 * request may send either. Hashes and masks are made where data is read, and nowhere else.
 */
export function generalised(data: ColumnData, privacy: Privacy | undefined): ColumnData {
  if (privacy === undefined || privacy === "hash" || "hash" in privacy || "mask" in privacy) return data;
  const { generalise } = privacy;
  if (data.kind === "category") return mapLevels(data, (level) => prefixOf(level, Number(generalise)));
  if (data.kind === "text") return coarserTexts(data, Number(generalise));
  if (data.kind === "timestamp") return { ...data, values: data.values.map((ms) => startOf(ms, String(generalise))) };
  if (data.kind === "number") {
    const width = Number(generalise);
    return { ...data, values: data.values.map((value) => Math.floor(value / width) * width) };
  }
  return data;
}

function startOf(ms: number, grain: string): number {
  const time = new Date(ms);
  if (Number.isNaN(time.getTime())) return NaN;
  const start = new Date(0);
  const [month, day] = [grain === "year" ? 0 : time.getUTCMonth(), grain === "day" ? time.getUTCDate() : 1];
  // Date.UTC takes years up to 99 for those of the last century.
  return start.setUTCFullYear(time.getUTCFullYear(), month, day);
}

/** Characters as people count them are code points here, as in the SQL that reads files. */
function prefixOf(text: string, length: number): string {
  return text.length <= length ? text : Array.from(text).slice(0, length).join("");
}

function coarserTexts({ values }: TextColumnData, length: number): TextColumnData {
  return { kind: "text", values: values.map((text) => (text === null ? null : prefixOf(text, length))) };
}
