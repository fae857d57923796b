import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncPath } from "../../store/sync.ts";
import { MillraceError } from "../../core/errors/error.ts";
import { digestFile } from "../byte-stream.ts";
import { jsonFault } from "../json-list.ts";
import type { Kept, KeptPart } from "../parts/kept-parts.ts";
import type { StreamState } from "./stream-rows.ts";

/** Whose messages go: those with this value in this member. */
export interface ForgottenValue {
  readonly column: string;
  /** As sources and snapshots hold it. */
  readonly values: readonly string[];
}

/** What went of the messages that are kept for streams. */
export interface ForgottenMessages {
  readonly messages: number;
  /** Files of messages in which the value stands elsewhere, such as under another name. */
  readonly mentions: readonly string[];
}

/**
 * Takes the messages with a value out of the batches that streams keep in `folder`, and throws away all else that was
 * fetched. Messages were acknowledged and do not come again: the others stay, and so does which of them were read. A batch
 * is written anew beside the old one, and the list of batches then names it: of a crash, one list or the other stands.
 */
export async function forgetMessages(
  folder: string,
  forgotten: ForgottenValue,
  dryRun: boolean,
): Promise<ForgottenMessages> {
  const files = await readdir(folder).catch(() => []);
  const kept = new Set<string>();
  const mentions: string[] = [];
  let messages = 0;
  for (const notes of files.filter((file) => file.endsWith(".parts.json"))) {
    const before = await readNotes(join(folder, notes));
    if (before === null) continue;
    const parts: KeptPart[] = [];
    for (const part of before.parts) {
      const { rest, isMentioned } = await withoutMessages(folder, part, forgotten, dryRun);
      messages += part.nRows - rest.nRows;
      if (rest.nRows > 0) parts.push(rest);
      if (isMentioned) mentions.push(rest.file);
    }
    const after = { parts, state: withoutTexts(before.state, forgotten.values) };
    if (!dryRun && JSON.stringify(after) !== JSON.stringify(before)) await replaceNotes(join(folder, notes), after);
    for (const file of [notes, ...parts.map((part) => part.file)]) kept.add(file);
  }
  if (!dryRun)
    for (const file of await readdir(folder).catch(() => []))
      if (!kept.has(file)) await rm(join(folder, file), { recursive: true, force: true });
  if (!dryRun && files.length > 0) await syncPath(folder);
  return { messages, mentions };
}

/** null for what a database gives again. What cannot be read may be of a stream, whose messages come no second time. */
async function readNotes(path: string): Promise<Kept<StreamState> | null> {
  try {
    const kept = JSON.parse(await readFile(path, "utf8")) as Kept<StreamState>;
    return kept.parts.every(({ file }) => file.endsWith(".jsonl")) && "nRefused" in kept.state ? kept : null;
  } catch (error) {
    const reason = error instanceof SyntaxError ? jsonFault(error) : String(error);
    throw new MillraceError("SOURCE_UNREADABLE", { path, format: "JSON", reason }, { cause: error });
  }
}

async function replaceNotes(path: string, kept: Kept<StreamState>): Promise<void> {
  await writeFile(`${path}.partial`, JSON.stringify(kept), { flush: true });
  await rename(`${path}.partial`, path);
  await syncPath(dirname(path));
}

async function withoutMessages(
  folder: string,
  part: KeptPart,
  { column, values }: ForgottenValue,
  dryRun: boolean,
): Promise<{ readonly rest: KeptPart; readonly isMentioned: boolean }> {
  const lines = (await readFile(join(folder, part.file), "utf8")).split("\n").filter((line) => line !== "");
  const others = lines.filter((line) => !isTheirs(JSON.parse(line) as object, column, values));
  const isMentioned = others.some((line) => stands(line, values));
  if (others.length === lines.length) return { rest: part, isMentioned };
  if (dryRun) return { rest: { ...part, nRows: others.length }, isMentioned };
  const partial = join(folder, `${part.file}.partial`);
  await writeFile(partial, others.map((line) => `${line}\n`).join(""), { flush: true });
  const digest = await digestFile(partial);
  const file = `${part.file.slice(0, part.file.indexOf("-"))}-${digest.slice(7, 23)}.jsonl`;
  await rename(partial, join(folder, file));
  await syncPath(folder);
  return { rest: { ...part, file, digest, nRows: others.length }, isMentioned };
}

/** Compared without blanks at the ends and without case, as cleaning may have done; numbers by their value. */
function isTheirs(message: object, column: string, values: readonly string[]): boolean {
  if (!Object.hasOwn(message, column)) return false;
  const own = (message as Readonly<Record<string, unknown>>)[column];
  if (typeof own === "number") return values.some((value) => own === Number(value));
  const plain = (text: string): string => text.trim().toLowerCase();
  return values.some((value) => plain(String(own)) === plain(value));
}

/** A short text stands anywhere. */
function stands(text: string, values: readonly string[]): boolean {
  return values.some((value) => value.length >= 4 && text.includes(value));
}

/** What is no message shows its beginning, and so does the parser's reason: not where they tell of the person. */
function withoutTexts(state: StreamState, values: readonly string[]): StreamState {
  const refused = state.refused.map((one) =>
    stands(`${one.text ?? ""} ${one.reason}`, values) ? { ...one, text: null, reason: "it told of a person" } : one,
  );
  return { ...state, refused };
}
