import type { Readable } from "node:stream";
import type { FastifyRequest } from "fastify";
import { inputColumns } from "../contract-schema.ts";
import type { ServerLimits } from "../limits.ts";
import type { ServedModel } from "../model-source.ts";
import { formOf } from "./media-types.ts";
import { openParquetBody } from "./parquet-body.ts";
import { recordsOf } from "./records.ts";
import { rowReaderOf, type RowReader } from "./rows.ts";

/** The rows of a batch, however they come. */
export interface BatchRows {
  readonly groups: AsyncIterable<readonly Buffer[]>;
  readonly read: RowReader;
  /** Leaves nothing behind. */
  close(): Promise<void>;
}

export interface BatchRowsContext {
  readonly limits: ServerLimits;
  /** A new path for a file that is gone with its batch. */
  readonly temporaryPath: () => string;
}

const rowsAtOnce = 256;

/** Of JSON lines and CSV while they come; of Parquet once it is whole: throws as `openParquetBody` does. */
export async function openBatchRows(
  { limits, temporaryPath }: BatchRowsContext,
  { model }: ServedModel,
  request: FastifyRequest,
  signal: AbortSignal,
): Promise<BatchRows> {
  const inputs = inputColumns(model);
  const most = { maxBytes: limits.bodyBytes, most: rowsAtOnce };
  const form = formOf(request.headers["content-type"]);
  if (form !== "parquet") {
    const groups = recordsOf(request.body as Readable, form, most);
    return { groups, read: rowReaderOf(form, inputs, limits), close: async () => {} };
  }
  const { lines, close } = await openParquetBody(request, { inputs, limits, path: temporaryPath(), signal });
  return { groups: recordsOf(lines, "jsonl", most), read: rowReaderOf("jsonl", inputs, limits), close };
}
