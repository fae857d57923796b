import type { ContractColumn } from "../../frame/contract.ts";
import { numberOf, truthOf } from "../../ingest/delimited/cell-values.ts";
import { refuse, rowOf } from "./request-rows.ts";

/** The records of a CSV text (RFC 4180): quotes double inside quotes, lines end in LF or CRLF. Throws REQUEST_MALFORMED. */
export function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let at = 0;
  while (at < text.length) {
    const [field, end] = text[at] === '"' ? quoted(text, at) : plain(text, at);
    record.push(field);
    at = end;
    if (text[at] === ",") {
      if (++at === text.length) record.push("");
      else continue;
    } else if (at < text.length) {
      if (text[at] === "\r") ++at;
      if (text[at] !== "\n") return refuse(`record ${records.length + 1} of the CSV has text after a closing quote`);
      ++at;
    }
    records.push(record);
    record = [];
  }
  return records;
}

function plain(text: string, start: number): readonly [string, number] {
  let end = start;
  while (end < text.length && text[end] !== "," && text[end] !== "\n") ++end;
  return text[end] === "\n" && text[end - 1] === "\r" && end > start
    ? [text.slice(start, end - 1), end - 1]
    : [text.slice(start, end), end];
}

function quoted(text: string, start: number): readonly [string, number] {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
  if (end === -1) return refuse("a quote of the CSV is never closed");
  return [text.slice(start + 1, end).replaceAll('""', '"'), end + 1];
}

/**
 * Rows of a CSV body. A first record of nothing but the contract's column names is a header; without one the values come
 * in the contract's order. An empty field is a missing value. Numbers and booleans are read as from a file; what is none, or
 * a number that a double would round, stays text, for the contract to refuse.
 */
export function csvRows(text: string, inputs: readonly ContractColumn[]): readonly unknown[] {
  const records = parseCsv(text.startsWith("\uFEFF") ? text.slice(1) : text);
  const byName = new Map(inputs.map((column) => [column.name, column]));
  const first = records[0] ?? [];
  const hasHeader = first.every((name) => byName.has(name)) && new Set(first).size === first.length;
  const columns = hasHeader ? first.map((name) => byName.get(name)!) : inputs;
  const names = columns.map(({ name }) => name);
  return records.slice(hasHeader ? 1 : 0).map((record, i) => {
    if (record.length !== names.length)
      return refuse(`row ${i} of the CSV has ${record.length} values for ${names.length} columns`);
    return rowOf(
      names,
      record.map((field, k) => fieldValue(field, columns[k]!)),
    );
  });
}

function fieldValue(field: string, column: ContractColumn): string | number | boolean | null {
  if (field === "") return null;
  if (column.kind === "number") {
    const value = numberOf(field);
    return Number.isNaN(value) ? field : value;
  }
  if (column.kind !== "boolean") return field;
  const truth = truthOf(field);
  return truth === 255 ? field : truth === 1;
}
