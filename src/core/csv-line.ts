/** One record of CSV (RFC 4180), without its line end. */
export function csvLine(cells: readonly string[]): string {
  return cells.map((cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",");
}

/** The text, with an apostrophe in front where a spreadsheet would run it as a formula; a number stays one. */
export function withoutFormula(text: string): string {
  return /^[=+\-@\t\r]/.test(text) && !Number.isFinite(Number(text)) ? `'${text}` : text;
}
