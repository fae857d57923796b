/** The bytes that mean something in delimited text, whatever its delimiter. */
export const quote = 0x22;
export const newline = 0x0a;
export const carriageReturn = 0x0d;
export const space = 0x20;

/**
 * Where in a record the next byte stands. Quotes open a cell only at its start (spaces before are allowed) and are doubled
 * inside; behind the closing one only spaces may follow.
 */
export const atCellStart = 0;
export const inPlainCell = 1;
export const inQuotes = 2;
export const afterQuote = 3;
export const afterClosingSpace = 4;

/** What ends every line of a file. */
export type LineEnd = "\n" | "\r\n" | "\r";

/** What messages call them. */
export const lineEndNames: Readonly<Record<LineEnd, string>> = { "\n": "LF", "\r\n": "CR LF", "\r": "CR" };
