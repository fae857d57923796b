import { createHash } from "node:crypto";
import { isUtf8 } from "node:buffer";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isMillraceError, MillraceError } from "../../core/errors/error.ts";
import {
  createKeeper,
  type FetchedParts,
  type Kept,
  type KeptPart,
  mostRefusals,
  type PartsPlace,
  type Refusal,
} from "../parts/kept-parts.ts";
import { jsonFault } from "../json-list.ts";
import { plainSource } from "../plain-source.ts";
import type { SourceDescription } from "../source.ts";
import type { OpenBatch, StreamBatch } from "./batch.ts";
import { addSequence, hasSequence, type Intervals, withAllUpTo } from "./intervals.ts";

/** What the next reading of a stream must know. */
export type StreamState = {
  /** Sequences that were read, by partition. */
  readonly read: Readonly<Record<string, Readonly<Intervals>>>;
  readonly refused: readonly (Refusal & { readonly [key: string]: string | number | null })[];
  readonly nRefused: number;
};

/**
 * The rows of a stream: all that were kept and one batch more. The batch is kept on disk before anything else happens, and
 * acknowledged by `commit`: after a crash in between it comes again, and is known by its sequences.
 *
 * Throws SOURCE_SECRET_MISSING, SOURCE_DENIED, SOURCE_QUERY_INVALID, SOURCE_UNREACHABLE, SOURCE_EMPTY, PACKAGE_MISSING or
 * CANCELLED.
 */
export async function readStream(
  source: SourceDescription,
  place: PartsPlace,
  open: OpenBatch = openerOf(source),
): Promise<FetchedParts> {
  const keeper = createKeeper<StreamState>(keyOf(source), place);
  const before = (await keeper.recall()) ?? { parts: [], state: { read: {}, refused: [], nRefused: 0 } };
  const batch = await open(source, place.signal).catch((error: unknown) => {
    throw streamFault(error, source.path, place.signal?.aborted === true);
  });
  try {
    const next = sortOut(batch, before.state, source);
    const parts: KeptPart[] = [...before.parts];
    for (const [i, { name, lines }] of next.parts.entries()) {
      const path = join(place.scratch, `messages-${i}`);
      await writeFile(path, lines.map((line) => `${line}\n`).join(""), { flush: true });
      parts.push(await keeper.adopt(name, path, lines.length));
    }
    const kept: Kept<StreamState> = { parts, state: next.state };
    if (batch.messages.length > 0) await keeper.keep(kept);
    if (parts.length === 0)
      throw new MillraceError("SOURCE_EMPTY", { path: source.path, found: "no message that is a row" });
    const { refused, nRefused } = kept.state;
    return { parts: keeper.paths(parts), refused, nRefused, ...endings(batch) };
  } catch (error) {
    await batch.close().catch(() => {});
    throw error;
  }
}

/** A server that is gone by then keeps the messages; they come again and are known. */
function endings(batch: StreamBatch): Pick<FetchedParts, "commit" | "close"> {
  return {
    commit: () => batch.acknowledge().catch(() => {}),
    close: () => batch.close().catch(() => {}),
  };
}

function openerOf({ stream }: SourceDescription): OpenBatch {
  return async (source, signal) =>
    stream!.nats
      ? (await import("./nats-batch.ts")).openNatsBatch(source, signal)
      : (await import("./kafka-batch.ts")).openKafkaBatch(source, signal);
}

/** How much is read at once does not make another stream. */
function keyOf(source: SourceDescription): string {
  const { stream, ...rest } = plainSource(source) as SourceDescription;
  const text = JSON.stringify([rest, stream!.nats ?? null, stream!.kafka ?? null]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

interface SortedOut {
  readonly parts: readonly { readonly name: string; readonly lines: readonly string[] }[];
  readonly state: StreamState;
}

/** Which messages are rows, which were read before, and which are none. */
function sortOut(
  { messages, settled }: StreamBatch,
  before: StreamState,
  { path, stream }: SourceDescription,
): SortedOut {
  const label = (partition: string): string => (stream!.kafka ? `${path} ${partition}` : path);
  const read = new Map<string, Intervals>(
    Object.entries(before.read).map(([partition, known]) => [partition, [...known]]),
  );
  for (const { partition, sequence } of settled) read.set(partition, withAllUpTo(read.get(partition) ?? [], sequence));
  const refused = [...before.refused];
  let nRefused = before.nRefused;
  const rows = new Map<string, { sequences: number[]; lines: string[] }>();
  for (const { partition, sequence, subject, bytes } of messages) {
    const known = read.get(partition) ?? [];
    read.set(partition, known);
    if (hasSequence(known, sequence)) continue;
    addSequence(known, sequence);
    const found = lineOf(bytes);
    if ("reason" in found) {
      ++nRefused;
      const text = found.text.slice(0, 200);
      if (refused.length < mostRefusals)
        refused.push({ file: `${path} ${subject}`, line: sequence, reason: found.reason, text });
      continue;
    }
    const part = rows.get(partition) ?? { sequences: [], lines: [] };
    rows.set(partition, part);
    part.sequences.push(sequence);
    part.lines.push(found.line);
  }
  const parts = [...rows].map(([partition, { sequences, lines }]) => {
    const [first, last] = [Math.min(sequences[0]!, sequences.at(-1)!), Math.max(sequences[0]!, sequences.at(-1)!)];
    return { name: `${label(partition)} ${first} to ${last}`, lines };
  });
  return { parts, state: { read: Object.fromEntries(read), refused, nRefused } };
}

function lineOf(bytes: Uint8Array): { readonly line: string } | { readonly reason: string; readonly text: string } {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  if (!isUtf8(bytes)) return { reason: "it holds bytes that are not UTF-8", text };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { reason: `it is ${jsonFault(error)}`, text };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { reason: "it holds no JSON object", text };
  // Outside of strings a line's end is a blank, and inside of them there is none in JSON.
  return { line: text.replaceAll(/[\r\n]/g, " ") };
}

const denied = /authori[sz]ation|authentication|permission|SASL/i;

function streamFault(error: unknown, path: string, isCancelled: boolean): MillraceError {
  if (isMillraceError(error)) return error;
  if (isCancelled) return new MillraceError("CANCELLED", { subject: `reading "${path}"` }, { cause: error });
  const reason = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 300);
  if (denied.test(reason)) return new MillraceError("SOURCE_DENIED", { path, reason });
  const isUnknown = /StreamNotFound|stream not found|JetStreamApiError|InvalidName|UNKNOWN_TOPIC|unknown topic/i.test(
    reason,
  );
  if (isUnknown) return new MillraceError("SOURCE_QUERY_INVALID", { path, reason });
  return new MillraceError("SOURCE_UNREACHABLE", { path, reason });
}
