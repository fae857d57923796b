import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import zlib, { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isMillraceError } from "../core/errors/error.ts";
import { silent } from "../core/progress.ts";
import { createRng, type Rng } from "../core/rng.ts";
import { columnOf } from "../frame/frame.ts";
import { category, contractOf, number, text } from "../frame/schema.ts";
import { readDataset } from "./dataset.ts";
import { recordsNaively } from "./delimited/naive-records.fixtures.ts";
import { type Hold, ingestSource } from "./ingest.ts";
import { csv, json, jsonl, parquet, type Source } from "./source.ts";

/*
 * Files that were damaged on the way, in the manner of a fuzzer: whatever comes is read as what it says, or refused with a
 * code. The long form (`npm run bench -- ingest/mutants`) makes 20,000.
 */

const nMutants = Number(process.env["MILLRACE_MUTANTS"] ?? 240);
/** A file of some kilobytes takes milliseconds, and on a machine with much else to do a second. */
const hangMs = 60_000;
/** "i/n": the i-th of n processes that divide the work. */
const [share, nShares] = (process.env["MILLRACE_MUTANTS_SHARE"] ?? "0/1").split("/").map(Number) as [number, number];
const memoryLimitMiB = 512;
const root = mkdtempSync(join(tmpdir(), "millrace-mutants-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const contract = contractOf({ n: number({ missing: 1 }), c: category({ missing: 1 }), t: text({ missing: 1 }) });
const rows = Array.from({ length: 12 }, (_, i) => ({
  n: i / 4,
  c: ["red", "a,b", ""][i % 3]!,
  t: `say "${i}"\nand go`,
}));
const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;
const csvText = `n,c,t\n${rows.map(({ n, c, t }) => `${n},${quoted(c)},${quoted(t)}`).join("\n")}\n`;
const lines = `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`;

interface Subject {
  readonly file: string;
  readonly source: Source;
  readonly bytes: Buffer;
  /** Of a packed file: what every second mutant damages before it is packed. */
  readonly content?: { readonly bytes: Buffer; pack(bytes: Buffer): Buffer };
  /** What the file says, as a reader of one page would have it; undefined = nobody can tell. */
  readonly meaning?: (bytes: Buffer) => readonly (readonly unknown[])[] | null | undefined;
}

let subjects: readonly Subject[];
beforeAll(async () => {
  writeFileSync(join(root, "sound.csv"), csvText);
  const output = join(root, "sound.parquet");
  await ingestSource({ source: csv("sound.csv"), contract, root, output, progress: silent });
  const list = Buffer.from(JSON.stringify(rows));
  subjects = [
    { file: "m.csv", source: csv("m.csv"), bytes: Buffer.from(csvText), meaning: rowsOfCsv },
    { file: "m.csv.gz", source: csv("m.csv.gz"), ...packed(csvText, gzipSync), meaning: unpackedAs(rowsOfCsv) },
    { file: "m.jsonl", source: jsonl("m.jsonl"), bytes: Buffer.from(lines), meaning: rowsOfLines },
    { file: "m.jsonl.gz", source: jsonl("m.jsonl.gz"), ...packed(lines, gzipSync), meaning: unpackedAs(rowsOfLines) },
    { file: "m.json", source: json("m.json"), bytes: list, meaning: rowsOfList },
    { file: "m.parquet", source: parquet("m.parquet"), bytes: readFileSync(output) },
    // Where Node cannot unpack it, every one is refused.
    { file: "m.csv.zst", source: csv("m.csv.zst"), ...packed(csvText, packZstd) },
  ];
});

const pieces = [
  '"',
  '""',
  ",",
  "\n",
  "\r\n",
  "\0",
  "}",
  "{",
  "[",
  "]",
  ":",
  "null",
  "1e999",
  "-0",
  "9".repeat(40),
  "\\u0000",
];

/** A few changes: bits flipped, bytes of note, parts cut out, doubled or moved, something put in, the end cut off. */
function mutant(sound: Buffer, rng: Rng): Buffer {
  let bytes = Buffer.from(sound);
  for (let changes = 1 + rng.integer(1 + rng.integer(4)); changes > 0; --changes) {
    const at = rng.integer(bytes.length + 1);
    const length = rng.integer(16);
    const [before, part, after] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)];
    const kind = rng.integer(8);
    if (kind <= 1 && at < bytes.length) bytes[at]! ^= 1 << rng.integer(8);
    else if (kind === 2 && at < bytes.length) bytes[at] = [0, 255, 127, 128, 34, 44, 10][rng.integer(7)]!;
    else if (kind === 3) bytes = Buffer.concat([before, after]);
    else if (kind === 4) bytes = Buffer.concat([before, part, part, after]);
    else if (kind === 5)
      bytes = Buffer.concat([before, Buffer.from(pieces[rng.integer(pieces.length)]!), bytes.subarray(at)]);
    else if (kind === 6) bytes = Buffer.concat([part, before, after]);
    else if (rng.integer(4) === 0) bytes = bytes.subarray(0, at);
  }
  return bytes;
}

function damaged({ bytes, content }: Subject, rng: Rng): Buffer {
  return content && rng.integer(2) === 0 ? content.pack(mutant(content.bytes, rng)) : mutant(bytes, rng);
}

function cellsOf(value: unknown): readonly unknown[] | null | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const cells = ["n", "c", "t"].map((name) =>
    Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : null,
  );
  const isPlain = cells.every((cell, i) =>
    i === 0 && cell !== null
      ? Math.abs(Number(cell)) < 2 ** 53 && typeof cell === "number"
      : cell === null || typeof cell === "string",
  );
  // Other kinds, and numbers that a double does not hold, are judged cell by cell elsewhere.
  return isPlain ? cells.map((cell) => (cell === "" ? null : cell)) : undefined;
}

function rowsOf(values: readonly unknown[]): readonly (readonly unknown[])[] | null | undefined {
  const cells = values.map(cellsOf);
  if (cells.includes(null)) return null;
  return cells.includes(undefined) ? undefined : (cells as readonly (readonly unknown[])[]);
}

/** A byte that is no UTF-8, a member that stands twice: readers differ about those, and ours is asked elsewhere. */
function isBeyondDoubt(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString("utf8")).equals(bytes) && !bytes.includes(0) && bytes.indexOf("\uFEFF") < 0;
}

function rowsOfLines(bytes: Buffer): ReturnType<typeof rowsOf> {
  if (!isBeyondDoubt(bytes)) return undefined;
  try {
    const filled = bytes
      .toString("utf8")
      .split("\n")
      .filter((line) => line.trim() !== "");
    return rowsOf(filled.map((line) => JSON.parse(line) as unknown));
  } catch {
    return null;
  }
}

function rowsOfList(bytes: Buffer): ReturnType<typeof rowsOf> {
  if (!isBeyondDoubt(bytes)) return undefined;
  try {
    const list = JSON.parse(bytes.toString("utf8")) as unknown;
    return Array.isArray(list) ? rowsOf(list) : undefined;
  } catch {
    return null;
  }
}

/** A number that another reader might take otherwise, or not at all: its row must stand, whatever is made of it. */
const anyNumber = Symbol("any number");

function rowsOfCsv(bytes: Buffer): readonly (readonly unknown[])[] | null | undefined {
  if (!isBeyondDoubt(bytes)) return undefined;
  const whole = bytes.toString("utf8");
  const records = recordsNaively(whole.endsWith("\n") ? whole : `${whole}\n`);
  const header = records?.[0];
  if (!records || !header || records.some((record) => record.length !== header.length)) return null;
  const places = ["n", "c", "t"].map((name) => header.indexOf(name));
  if (places.includes(-1) || records.length === 1) return null;
  return records.slice(1).map((record) => {
    const [n, c, t] = places.map((place) => record[place]!);
    const isPlain = n === "" || (/^-?\d{1,15}(\.\d{1,15})?$/.test(n!) && Math.abs(Number(n)) < 2 ** 53);
    return [isPlain ? (n === "" ? null : Number(n)) : anyNumber, c || null, t || null];
  });
}

/** The meaning of what is packed; a wrapping that Node refuses must be refused. */
function unpackedAs(
  meaning: (bytes: Buffer) => ReturnType<typeof rowsOf>,
): (bytes: Buffer) => ReturnType<typeof rowsOf> {
  return (bytes) => {
    let unpacked: Buffer;
    try {
      unpacked = gunzipSync(bytes, { maxOutputLength: 1 << 26 });
    } catch {
      return null;
    }
    return meaning(unpacked);
  };
}

function packed(text: string, pack: (bytes: Buffer) => Buffer): Pick<Subject, "bytes" | "content"> {
  return { bytes: pack(Buffer.from(text)), content: { bytes: Buffer.from(text), pack } };
}

function packZstd(bytes: Buffer): Buffer {
  const { zstdCompressSync } = zlib as { readonly zstdCompressSync?: (bytes: Buffer) => Buffer };
  return zstdCompressSync?.(bytes) ?? Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), bytes]);
}

/** What was found, with the numbers nobody can vouch for made alike. */
function comparable(found: readonly (readonly unknown[])[], meaning: readonly (readonly unknown[])[]): unknown {
  return found.map(([n, ...rest], row) => [meaning[row]?.[0] === anyNumber ? anyNumber : n, ...rest]);
}

async function readMutant({ file, source }: Subject, bytes: Buffer): Promise<readonly (readonly unknown[])[] | string> {
  writeFileSync(join(root, file), bytes);
  const output = join(root, "out.parquet");
  try {
    const hold: Hold = { heldBytes: Infinity, frame: null };
    const report = await ingestSource({ source, contract, root, output, progress: silent, hold });
    const frame = await readDataset(output, contract);
    expect(frame.nRows).toBe(report.nRows);
    if (hold.frame) expect(hold.frame).toEqual(frame);
    const [n, c, t] = ["n", "c", "t"].map((name) => columnOf(frame, name));
    return Array.from({ length: frame.nRows }, (_, row) => [
      n!.kind === "number" && !Number.isNaN(n!.values[row]!) ? n!.values[row] : null,
      c!.kind === "category" ? (c!.levels[c!.codes[row]!] ?? null) : null,
      t!.kind === "text" ? t!.values[row] : null,
    ]);
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    expect(statSync(output, { throwIfNoEntry: false })).toBeUndefined();
    return error.code;
  } finally {
    rmSync(output, { force: true });
  }
}

const refusals = [
  "SOURCE_UNREADABLE",
  "SOURCE_EMPTY",
  "COLUMN_MISSING",
  "COLUMN_NAME_INVALID",
  "COLUMN_NAME_DUPLICATE",
];

describe(`${nMutants} damaged files`, () => {
  it(
    "are read as what they say or refused with a code, and leave nothing",
    { timeout: 300_000 + 1_000 * nMutants },
    async () => {
      const rng = createRng(20_261_122);
      const outcomes = { read: 0, refused: 0, known: 0 };
      for (let i = share; i < nMutants; i += nShares) {
        const subject = subjects[i % subjects.length]!;
        const bytes = damaged(subject, rng.fork(`${i}`));
        const shown = `mutant ${i} of ${subject.file}: ${bytes.toString("latin1").slice(0, 2_000)}`;
        const start = performance.now();
        const found = await readMutant(subject, bytes).catch((error: unknown) => {
          throw new Error(shown, { cause: error });
        });
        expect(performance.now() - start, shown).toBeLessThan(hangMs);
        if (typeof found === "string") expect(refusals, shown).toContain(found);
        ++outcomes[typeof found === "string" ? "refused" : "read"];
        const meaning = subject.meaning?.(bytes);
        if (meaning === undefined) continue;
        ++outcomes.known;
        // Where the text says nothing it must be refused; a refusal of what says something is a loss, but no lie.
        if (meaning === null) expect(typeof found, shown).toBe("string");
        else if (typeof found !== "string") expect(comparable(found, meaning), shown).toEqual(meaning);
      }
      expect(readdirSync(root).filter((name) => !/^(m\.|sound\.)/.test(name))).toEqual([]);
      const nMine = outcomes.read + outcomes.refused;
      expect(outcomes.read).toBeGreaterThan(nMine / 20);
      expect(outcomes.refused).toBeGreaterThan(nMine / 20);
      const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
      expect(peakMiB).toBeLessThan(memoryLimitMiB);
      console.log(`${nMine} of ${nMutants} mutants: ${JSON.stringify(outcomes)}, peak ${peakMiB} MiB`);
    },
  );
});
