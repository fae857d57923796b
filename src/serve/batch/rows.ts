import { isMillraceError } from "../../core/errors/error.ts";
import type { ContractColumn } from "../../frame/contract.ts";
import type { ServerLimits } from "../limits.ts";
import { csvRows } from "../protocols/csv-rows.ts";
import { parseBody, textOf } from "../request-body.ts";
import type { RecordForm } from "./records.ts";

/** A row of a batch, or why its record holds none. */
export type ReadRow = { readonly row: unknown } | { readonly reason: string };

/** Reads groups of records as rows, one after the other: the first record of CSV may be a header. */
export type RowReader = (records: readonly Buffer[]) => readonly ReadRow[];

export function rowReaderOf(form: RecordForm, inputs: readonly ContractColumn[], limits: ServerLimits): RowReader {
  return form === "jsonl"
    ? (records) => records.map((record) => attempt(() => parseBody(record, limits)))
    : csvReader(inputs);
}

function attempt(read: () => unknown): ReadRow {
  try {
    return { row: read() };
  } catch (error) {
    if (isMillraceError(error)) return { reason: error.message };
    throw error;
  }
}

function csvReader(inputs: readonly ContractColumn[]): RowReader {
  let header: string | null | undefined;
  return (records) => {
    let rest = records;
    if (header === undefined) {
      const first = textOf(records[0]!);
      header = isHeader(first, inputs) ? first : null;
      if (header !== null) rest = records.slice(1);
    }
    const before = header === null ? "" : `${header}\n`;
    const read = (group: readonly Buffer[]): readonly unknown[] =>
      csvRows(`${before}${group.map(textOf).join("\n")}`, inputs);
    try {
      return rest.length === 0 ? [] : read(rest).map((row) => ({ row }));
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      return rest.map((record) => attempt(() => read([record])[0]));
    }
  };
}

/** Whether a record is nothing but names of columns; one that is no CSV at all is no header, and says so as a row. */
function isHeader(record: string, inputs: readonly ContractColumn[]): boolean {
  try {
    return csvRows(record, inputs).length === 0;
  } catch {
    return false;
  }
}
