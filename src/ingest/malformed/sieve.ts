import { byteOrderMarkLength } from "../byte-order-mark.ts";
import { carriageReturn, newline, quote } from "../delimited/grammar.ts";
import { DelimitedFault } from "../delimited-scan.ts";
import { LineIndex } from "../line-index.ts";
import { findRecord, type FoundRecord, type RecordForm } from "./record.ts";
import type { ShownTexts } from "./shown-texts.ts";

/** A record, or a line, that is none of its table. */
export interface SetAside {
  /** Counted from 1. */
  readonly line: number;
  readonly reason: string;
  /** Its beginning. */
  readonly text: string;
}

export interface SieveOptions {
  readonly delimiter: string;
  readonly quotes: boolean;
  /** Cells of each record; null = as many as the first one has, which then cannot be set aside. */
  readonly nCells: number | null;
  readonly texts: ShownTexts;
}

/** Of all files of a source. */
export const mostSetAside = 100_000;
/** The strict reader takes records of 64 MiB and what of its last chunk is beyond. */
const longestRecord = 66 * 1024 * 1024;

/** Why a source is refused at the record beyond those. */
export function tooMany({ reason }: { readonly reason: string }): string {
  return `is one of more than ${mostSetAside} that are malformed: it ${reason}`;
}

/**
 * Parts the sound records of a delimited file from the others, which are set aside with their line and the reason. Feed it the
 * file's chunks in order, and take the sound bytes after each.
 *
 * Where a record is in fault, reading goes on behind it. Where a quote is, nobody knows where the record ends:
 * - a quote that is never closed, or not within 64 MiB, cannot have been meant: its line is set aside and reading goes on at
 *   the next one, but in files of a single column, where any line would pass for a record: all that follows is set aside, or
 *   the file refused where that is more than 64 MiB;
 * - a quote that holds line ends and is closed in a place where none can be was not meant either if each line behind it is a
 *   record by itself; else all the lines are set aside, and each counts;
 * - behind either, a line with a quote inside of a plain cell is set aside, for it may be the end of a text.
 */
export class Sieve {
  /** Ascending. */
  readonly setAside: SetAside[] = [];
  /** Sound records, the header among them. */
  nSound = 0;
  /** The first record, as it is written. */
  first = "";
  #form: RecordForm;
  readonly #lines = new LineIndex();
  #waiting: Buffer[] = [];
  #nWaiting = 0;
  /** Bytes to wait for before they are looked at: at first, a byte order mark. */
  #wanted = 3;
  #sound: Buffer[] = [];
  /** Where the sound bytes start that were not taken down yet; -1 = nowhere. */
  #soundStart = -1;
  #line = 1;
  #soundLine = 1;
  #place: "start" | "head" | "body" = "start";
  /** Behind a quote in fault. */
  #isInDoubt = false;
  /** Behind a line that ended in another way than the first: what follows may be the rest of it. */
  #isAfterOddEnd = false;
  readonly #texts: ShownTexts;

  constructor({ delimiter, quotes, nCells, texts }: SieveOptions) {
    this.#form = {
      delimiter: delimiter.charCodeAt(0),
      quote: quotes ? quote : -1,
      nCells: nCells ?? 0,
      lineEnd: "",
    };
    this.#texts = texts;
  }

  add(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#nWaiting += chunk.length;
    if (this.#nWaiting >= this.#wanted) this.#sift(false);
  }

  finish(): void {
    this.#sift(true);
  }

  /** The bytes found sound since the last call. */
  take(): readonly Buffer[] {
    const taken = this.#sound;
    this.#sound = [];
    return taken;
  }

  /** Pairs of (line among the sound ones, line of the file). */
  get lines(): readonly number[] {
    return this.#lines.pairs;
  }

  #sift(isLast: boolean): void {
    const bytes = Buffer.concat(this.#waiting);
    let at = 0;
    if (this.#place === "start") {
      // The byte order mark belongs to no record.
      at = byteOrderMarkLength(bytes);
      if (at > 0) this.#sound.push(bytes.subarray(0, at));
      this.#place = "head";
    }
    while (at < bytes.length) {
      const next = this.#siftRecord(bytes, at, isLast);
      if (next < 0) break;
      at = next;
    }
    this.#takeDown(bytes, at);
    const rest = bytes.subarray(at);
    this.#waiting = rest.length > 0 ? [rest] : [];
    this.#nWaiting = rest.length;
    // Of a long record nothing is read again before there is twice as much of it.
    this.#wanted = 2 * rest.length + 1;
  }

  /** Where the next record starts; -1 where more bytes are needed. */
  #siftRecord(bytes: Buffer, at: number, isLast: boolean): number {
    const found = this.#findRecord(bytes, at, isLast || bytes.length - at > longestRecord);
    if (found === null) return -1;
    const isLineLone = found.isOpen && found.firstLineEnd < found.end && this.#form.nCells > 1;
    // The bytes end somewhere within it: what follows would be the rest of a record, and pass for one.
    if (!isLast && found.lineEnd === "" && !isLineLone)
      throw new DelimitedFault(this.#line, "begins a record of more than 64 MiB");
    if (this.#place === "head") this.#readHead(bytes, at, found);
    const reason = found.fault ?? this.#doubtOf(found);
    if (reason === null) return this.#keep(at, found);
    if (found.firstLineEnd === found.end || !found.isGuess) return this.#drop(bytes, at, found, found.end, reason);
    const isLone = found.isOpen ? isLineLone : this.#isSoundBehind(bytes, found, isLast);
    if (isLone === null) return -1;
    return this.#drop(bytes, at, found, isLone ? found.firstLineEnd : found.end, reason);
  }

  /** The first line whose end is known says how lines end. */
  #findRecord(bytes: Buffer, at: number, isLast: boolean): FoundRecord | null {
    const found = findRecord(bytes, at, this.#form, isLast);
    if (this.#form.lineEnd !== "" || found === null) return found;
    const isOfReturns = found.isOpen && endsWithReturns(bytes, at);
    this.#form = { ...this.#form, lineEnd: isOfReturns ? "\r" : found.lineEnd };
    return isOfReturns ? findRecord(bytes, at, this.#form, isLast) : found;
  }

  /** The first record says how many cells there are. */
  #readHead(bytes: Buffer, at: number, { end, fault, isBlank, nCells }: FoundRecord): void {
    const isGiven = this.#form.nCells > 0;
    if (fault !== null && !isGiven) throw new DelimitedFault(this.#line, fault);
    if (isBlank) return;
    if (!isGiven) this.#form = { ...this.#form, nCells };
    this.first = bytes.toString("utf8", at, end);
    this.#place = "body";
  }

  #doubtOf({ isBlank, hasBareQuote }: FoundRecord): string | null {
    if (this.#isAfterOddEnd && !isBlank) return "follows a line that ends in another way than the first";
    return this.#isInDoubt && hasBareQuote ? "has a quote inside of a cell, behind a quote in fault" : null;
  }

  /** Whether all lines behind the first are records by themselves; null where more bytes are needed to say so. */
  #isSoundBehind(bytes: Buffer, { firstLineEnd, end }: FoundRecord, isLast: boolean): boolean | null {
    if (this.#form.nCells === 1) return false;
    const isEnough = isLast || bytes.length - firstLineEnd > 2 * longestRecord;
    for (let at = firstLineEnd; at < end;) {
      const found = findRecord(bytes, at, this.#form, isEnough);
      if (found === null) return null;
      if (found.fault !== null || found.hasBareQuote) return false;
      at = found.end;
    }
    return true;
  }

  #keep(at: number, { end, nLines, isBlank }: FoundRecord): number {
    if (this.#soundStart < 0) this.#soundStart = at;
    this.#lines.add(this.#soundLine, this.#line);
    this.#soundLine += nLines;
    this.#line += nLines;
    if (isBlank && this.#form.nCells !== 1) return end;
    ++this.nSound;
    this.#isInDoubt = this.#isAfterOddEnd = false;
    return end;
  }

  /** Sets aside what ends at `end`: a record whose end is known counts once, else each of its lines does. */
  #drop(bytes: Buffer, at: number, found: FoundRecord, end: number, reason: string): number {
    this.#takeDown(bytes, at);
    const firstLine = this.#line;
    if (end === found.firstLineEnd || !found.isGuess) {
      this.#setAside(bytes, at, end, reason);
      this.#line += end === found.end ? found.nLines : 1;
    } else {
      const lineByte = this.#form.lineEnd === "\r" ? carriageReturn : newline;
      for (let from = at; from < end;) {
        const next = bytes.indexOf(lineByte, from) + 1;
        const isWhole = next > 0 && next <= end;
        const to = isWhole ? next : end;
        this.#setAside(bytes, from, to, from === at ? reason : `may belong to line ${firstLine}, which ${reason}`);
        from = to;
        if (isWhole) ++this.#line;
      }
    }
    this.#isInDoubt = found.isGuess;
    this.#isAfterOddEnd = end === found.end && found.lineEnd !== "" && found.lineEnd !== this.#form.lineEnd;
    return end;
  }

  #setAside(bytes: Buffer, start: number, end: number, reason: string): void {
    if (this.setAside.length === mostSetAside) throw new DelimitedFault(this.#line, tooMany({ reason }));
    this.setAside.push({ line: this.#line, reason, text: this.#texts.of(bytes, start, end) });
  }

  #takeDown(bytes: Buffer, end: number): void {
    if (this.#soundStart >= 0) this.#sound.push(bytes.subarray(this.#soundStart, end));
    this.#soundStart = -1;
  }
}

/** Whether the first line end, within quotes or not, is a CR alone. */
function endsWithReturns(bytes: Buffer, at: number): boolean {
  const end = bytes.indexOf(carriageReturn, at);
  if (end < 0 || bytes[end + 1] === newline) return false;
  const firstNewline = bytes.indexOf(newline, at);
  return firstNewline < 0 || end < firstNewline;
}
