/** What a column of a source holds before it becomes one of a kind, in words of ours. */
export interface SourceType {
  readonly column: string;
  readonly type: string;
}

/** DuckDB's name of a type in words that say what stands there: "text", "integer", "number", "decimal", "boolean", "time". */
export function sourceTypeOf(type: string): string {
  if (type === "VARCHAR" || type.startsWith("ENUM")) return "text";
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type)) return "integer";
  if (type === "FLOAT" || type === "DOUBLE") return "number";
  if (type.startsWith("DECIMAL")) return "decimal";
  if (type === "BOOLEAN") return "boolean";
  if (type === "DATE" || type.startsWith("TIMESTAMP")) return "time";
  return type.toLowerCase();
}
