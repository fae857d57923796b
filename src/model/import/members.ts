import { refuse } from "./refusal.ts";

/** A list as JSON or UBJ gives it. */
export type List = ArrayLike<unknown>;
export type Members = Readonly<Record<string, unknown>>;

export function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !isList(value);
}

function isList(value: unknown): value is List {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

/** The object at `path` ("a.b"), member by member; refuses where there is none. */
export function membersAt(from: Members, path: string): Members {
  let value: unknown = from;
  for (const name of path.split(".")) value = isMembers(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return isMembers(value) ? value : refuse(`it has no object "${path}"`);
}

/** The list that is member `name`, of exactly `length` values where that is given. */
export function listAt(from: Members, name: string, length?: number): List {
  const value = Object.hasOwn(from, name) ? from[name] : undefined;
  if (!isList(value)) return refuse(`${name} is no list`);
  if (length !== undefined && value.length !== length)
    return refuse(`${name} has ${value.length} values, not ${length}`);
  return value;
}

export function textAt(from: Members, name: string): string {
  const value = Object.hasOwn(from, name) ? from[name] : undefined;
  return typeof value === "string" ? value : refuse(`${name} is no text`);
}

/** A whole number in [min, max]. */
export function wholeIn(value: unknown, what: string, min: number, max: number): number {
  const isInside = typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
  return isInside ? value : refuse(`${what} is ${said(value)}, which is no whole number in [${min}, ${max}]`);
}

export function doubleIn(value: unknown, what: string): number {
  return typeof value === "number" && Number.isFinite(value) ? value : refuse(`${what} holds ${said(value)}`);
}

/** A finite number, rounded to float32. */
export function floatIn(value: unknown, what: string): number {
  const single = typeof value === "number" ? Math.fround(value) : Number.NaN;
  return Number.isFinite(single) ? single : refuse(`${what} holds ${said(value)}`);
}

function said(value: unknown): string {
  return typeof value === "number" || typeof value === "string" ? String(value).slice(0, 40) : "no number";
}
