/** A text as every engine keeps it: of a NUL, where SQLite ends a text and which PostgreSQL refuses, the sign for it. */
export function storable<T>(value: T): T | string {
  return typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\u2400") : value;
}
