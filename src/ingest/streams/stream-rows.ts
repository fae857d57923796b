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
import { addSequence, hasSequence, type Intervals, unionOf, withAllUpTo } from "./intervals.ts";

/** What the next reading of a stream must know. */
export type StreamState = {
  /** Sequences that were read, by partition; of Kafka, behind its topic's id. */
  readonly read: Readonly<Record<string, Readonly<Intervals>>>;
  readonly refused: readonly (Refusal & { readonly [key: string]: string | number | null })[];
  readonly nRefused: number;
};

/**
 * The rows of a stream: all that were kept and one batch more. The batch is kept on disk before anything else happens, and
 * acknowledged by `commit`: after a crash in between it comes again, and is known by its sequences.
 *
 * Throws SOURCE_SECRET_MISSING, SOURCE_DENIED, SOURCE_QUERY_INVALID, SOURCE_UNREACHABLE, SOURCE_UNREADABLE, SOURCE_EMPTY,
 * PACKAGE_MISSING or CANCELLED.
 */
export async function readStream(
  source: SourceDescription,
  place: PartsPlace,
  open: OpenBatch = openerOf(source),
): Promise<FetchedParts> {
  const keeper = createKeeper<StreamState>(keyOf(source), place, { once: true });
  const former = createKeeper<StreamState>(formerKeyOf(source), place, { once: true });
  const formerly = await former.recall();
  const before = unite((await keeper.recall()) ?? nothing, formerly ?? nothing);
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
    if (batch.messages.length > 0 || formerly !== null) await keeper.keep(kept);
    if (formerly !== null) await former.drop();
    const ends = endings(batch);
    if (parts.length === 0) {
      // No snapshot will hold these messages, and as long as they are not acknowledged no others come.
      await ends.commit();
      const remedy = "Send JSON objects to it, one a message, and run again.";
      throw new MillraceError("SOURCE_EMPTY", { path: source.path, found: "no message that is a row", remedy });
    }
    const { refused, nRefused } = kept.state;
    return { parts: keeper.paths(parts), refused, nRefused, ...ends };
  } catch (error) {
    await batch.close().catch(() => {});
    throw error;
  }
}

/** A server that is gone by then keeps the messages; they come again and are known. */
function endings(batch: StreamBatch): Required<Pick<FetchedParts, "commit" | "close">> {
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

/** Who reads which stream. By which servers and secrets, and how much at once, makes no other one. */
function keyOf({ stream }: SourceDescription): string {
  const { nats, kafka } = stream!;
  return shortDigest(
    nats ? ["nats", nats.stream, nats.consumer, nats.subject ?? null] : ["kafka", kafka!.topic, kafka!.group],
  );
}

/** Servers, names of secrets and texts for "missing" stood in keys once; what was kept so is taken over. */
function formerKeyOf(source: SourceDescription): string {
  const { stream, ...rest } = plainSource(source) as SourceDescription;
  return shortDigest([rest, stream!.nats ?? null, stream!.kafka ?? null]);
}

function shortDigest(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

const nothing: Kept<StreamState> = { parts: [], state: { read: {}, refused: [], nRefused: 0 } };

/** What was kept under two keys. */
function unite(one: Kept<StreamState>, other: Kept<StreamState>): Kept<StreamState> {
  const known = new Set([...one.parts, ...one.state.refused].map((held) => JSON.stringify(held)));
  const isHeld = (held: object): boolean => known.has(JSON.stringify(held));
  // After a crash between keeping and dropping.
  if (other.parts.every(isHeld) && other.state.refused.every(isHeld)) return one;
  const read = { ...one.state.read };
  for (const [place, sequences] of Object.entries(other.state.read))
    read[place] = unionOf(read[place] ?? [], sequences);
  const refused = [...other.state.refused, ...one.state.refused].slice(0, mostRefusals);
  const nRefused = other.state.nRefused + one.state.nRefused;
  return { parts: [...other.parts, ...one.parts], state: { read, refused, nRefused } };
}

interface SortedOut {
  readonly parts: readonly { readonly name: string; readonly lines: readonly string[] }[];
  readonly state: StreamState;
}

/** Which messages are rows, which were read before, and which are none. */
function sortOut(batch: StreamBatch, before: StreamState, { path, stream }: SourceDescription): SortedOut {
  const label = (partition: string): string => (stream!.kafka ? `${path} ${partition}` : path);
  const read = readBefore(batch, before);
  const refused = [...before.refused];
  let nRefused = before.nRefused;
  const rows = new Map<string, { sequences: number[]; lines: string[] }>();
  for (const { partition, sequence, subject, bytes } of batch.messages) {
    const place = placeOf(batch, partition);
    const known = read.get(place) ?? [];
    read.set(place, known);
    if (hasSequence(known, sequence)) continue;
    addSequence(known, sequence);
    const found = lineOf(bytes);
    if ("reason" in found) {
      ++nRefused;
      const file = stream!.kafka ? label(partition) : `${path} ${subject}`;
      const text = found.text.slice(0, 200);
      if (refused.length < mostRefusals) refused.push({ file, line: sequence, reason: found.reason, text });
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

/** The key of a partition among what was read; of Kafka with its topic's id, for a topic made anew counts from 0. */
function placeOf({ topic }: StreamBatch, partition: string): string {
  return topic === undefined ? partition : `${topic} ${partition}`;
}

/** Sequences that were read by now, or that the server holds for settled. */
function readBefore(batch: StreamBatch, before: StreamState): Map<string, Intervals> {
  const read = new Map<string, Intervals>();
  for (const [key, known] of Object.entries(before.read)) {
    // Partitions of Kafka were kept without their topic once.
    const place = key.includes(" ") ? key : placeOf(batch, key);
    read.set(place, unionOf(read.get(place) ?? [], known));
  }
  for (const { partition, sequence } of batch.settled)
    read.set(partition, withAllUpTo(read.get(partition) ?? [], sequence));
  return read;
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
