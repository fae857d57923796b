import { rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { FastifyRequest } from "fastify";
import { MillraceError } from "../../core/errors/error.ts";
import { nearestName } from "../../core/nearest.ts";
import { asRequested, type ContractColumn } from "../../frame/contract.ts";
import { openParquetLines, type ParquetLines } from "../../ingest/parquet-lines/parquet-lines.ts";
import { ParquetFault } from "../../ingest/parquet-shape.ts";
import type { ServerLimits } from "../limits.ts";
import { bodyTooLarge, keepBody } from "./body-file.ts";

/** Of the process that reads a body. */
const memoryMb = 640;

/** The rows of a body in Parquet as JSON lines; the file it is kept in is gone once it is closed. */
export interface ParquetBody {
  readonly lines: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface ParquetBodyOptions {
  readonly inputs: readonly ContractColumn[];
  readonly limits: ServerLimits;
  /** Where the body is kept. */
  readonly path: string;
  /** Stops the opening once nobody waits for the rows any more. */
  readonly signal: AbortSignal;
}

/**
 * Keeps a body in a file, since Parquet says at its end where everything lies, and opens it. Throws as `keepBody` does,
 * REQUEST_MALFORMED where it is no Parquet file, also later, REQUEST_INVALID where its columns are not those of a request, and the
 * signal's reason.
 */
export async function openParquetBody(
  request: FastifyRequest,
  { inputs, limits, path, signal }: ParquetBodyOptions,
): Promise<ParquetBody> {
  if (Number(request.headers["content-length"] ?? 0) > limits.batchFileBytes) throw bodyTooLarge(limits.batchFileBytes);
  await keepBody(request.body as Readable, path, { maxBytes: limits.batchFileBytes });
  let opened: ParquetLines | undefined;
  const close = async (): Promise<void> => {
    opened?.close();
    // One that stays is swept with what else was left behind.
    await rm(path, { force: true }).catch(() => {});
  };
  try {
    opened = await openParquetLines(path, inputs, { memoryMb, timeoutMs: limits.batchMs }, signal);
    requireColumns(opened.names, inputs);
    return { lines: translated(opened.lines), close };
  } catch (error) {
    await close();
    throw malformedBy(error);
  }
}

async function* translated(lines: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* lines;
  } catch (error) {
    throw malformedBy(error);
  }
}

function malformedBy(error: unknown): unknown {
  if (!(error instanceof ParquetFault)) return error;
  const remedy = "Check that the file is whole, and that a Parquet reader reads it.";
  const reason = `as a Parquet file, ${error.message}`;
  return new MillraceError("REQUEST_MALFORMED", { reason, remedy }, { cause: error });
}

/** A file says once what rows of JSON say each: which columns there are. */
function requireColumns(names: readonly string[], inputs: readonly ContractColumn[]): void {
  const found = new Set(names);
  const twin = names.find((name) => !found.delete(name));
  if (twin !== undefined)
    throw new MillraceError("REQUEST_MALFORMED", { reason: `the Parquet file has two columns ${shown(twin)}` });
  const known = new Set(inputs.map(({ name }) => name));
  const given = new Set(names);
  const unknown = names.filter((name) => !known.has(name));
  const absent = inputs.filter((column) => asRequested(column).missing === 0 && !given.has(column.name));
  const count = unknown.length + absent.length;
  if (count === 0) return;
  const first = unknown.length > 0 ? describeUnknown(unknown[0]!, [...known]) : describeAbsent(absent[0]!);
  throw new MillraceError("REQUEST_INVALID", { count, first });
}

function describeUnknown(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return `column ${shown(name)} is none that a request sends${nearest === undefined ? "" : ` (${shown(nearest)}?)`}`;
}

function describeAbsent({ name, kind }: ContractColumn): string {
  return `column ${shown(name)}: expected one of kind ${kind}, got no such column`;
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}
