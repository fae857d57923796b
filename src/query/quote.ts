/**
 * The only two places where a name or a value becomes part of SQL; everything else is fixed text. DuckDB's quoted
 * identifiers and string literals have one special character each, doubled inside. NUL ends a statement early and
 * cannot be written in either, so it is refused.
 */

/** Whether a name can be written as an identifier. */
export function isQuotable(name: string): boolean {
  return name !== "" && !name.includes("\0");
}

/** A name as a quoted identifier. Throws a RangeError for the empty name and for names with NUL. */
export function quoteIdentifier(name: string): string {
  if (!isQuotable(name)) throw new RangeError("a name in SQL must not be empty or contain NUL");
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as a string literal. Throws a RangeError for texts with NUL. */
export function quoteLiteral(text: string): string {
  if (text.includes("\0")) throw new RangeError("a text in SQL must not contain NUL");
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * SQL of whether a text is one of `texts` (at least one). Not an IN list: DuckDB plans long ones as joins, and a copy
 * through a join does not keep the order of rows.
 */
export function isOneOf(text: string, texts: readonly string[]): string {
  return `list_contains([${texts.map(quoteLiteral).join(", ")}], ${text})`;
}
