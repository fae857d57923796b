import { quoteLiteral } from "../query/quote.ts";
import type { DelimitedScan } from "./delimited-scan.ts";

/** A bound for the longest record that many files share, so that one call reads them all. */
export function longestOf(scan: Pick<DelimitedScan, "longestRecordBytes">): number {
  return Math.max(2_000_000, scan.longestRecordBytes + 1024);
}

/** The dialect is spelled out and nothing is sniffed: a reader that guesses reads another table. */
export function delimitedSql(
  paths: readonly string[],
  nColumns: number,
  dialect: { readonly delimiter: string; readonly hasHeader: boolean; readonly quotes: boolean },
  scan: Pick<DelimitedScan, "leadingBlankLines" | "longestRecordBytes" | "lineEnd">,
): string {
  const columns = Array.from({ length: nColumns }, (_, i) => `'c${i}': 'VARCHAR'`).join(", ");
  const quote = quoteLiteral(dialect.quotes ? '"' : "");
  const longest = longestOf(scan);
  const settings = [
    "auto_detect = false",
    `columns = {${columns}}`,
    `delim = ${quoteLiteral(dialect.delimiter)}`,
    `quote = ${quote}`,
    `escape = ${quote}`,
    // Left out, DuckDB looks for it and may take a CR inside quotes for it; told of CR LF, it reads nothing.
    ...(scan.lineEnd === "\r\n" ? [] : [`new_line = ${quoteLiteral(scan.lineEnd === "\n" ? "\\n" : "\\r")}`]),
    `header = ${dialect.hasHeader}`,
    `skip = ${scan.leadingBlankLines}`,
    "strict_mode = true",
    "null_padding = false",
    "ignore_errors = false",
    `max_line_size = ${longest}`,
    `buffer_size = ${Math.max(8_000_000, longest * 2)}`,
  ];
  return `read_csv([${paths.map(quoteLiteral).join(", ")}], ${settings.join(", ")})`;
}
