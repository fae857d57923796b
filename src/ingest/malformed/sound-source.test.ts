import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { silent } from "../../core/progress.ts";
import { createRng } from "../../core/rng.ts";
import type { Contract } from "../../frame/contract.ts";
import type { Frame } from "../../frame/frame.ts";
import { category, contractOf, number, text } from "../../frame/schema.ts";
import { union } from "../combined-source.ts";
import { readDataset } from "../dataset.ts";
import { type IngestReport, ingestSource } from "../ingest.ts";
import { rowOrigins } from "../row-origin.ts";
import { csv, json, jsonl, type Source, tsv } from "../source.ts";
import type { TextCleaning } from "../text-cleaning.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-malformed-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const contract = contractOf({ id: number({ missing: 1 }), word: category({ missing: 1 }) });
const onMalformed = "quarantine";

function file(name: string, content: string | Buffer): string {
  writeFileSync(join(root, name), content);
  return name;
}

interface Read {
  readonly report: IngestReport;
  readonly frame: Frame;
  /** The line of each row. */
  readonly lines: readonly (number | null)[];
}

async function read(
  source: Source,
  more: { contract?: Contract; texts?: readonly TextCleaning[] } = {},
): Promise<Read> {
  const output = join(root, "out.parquet");
  const report = await ingestSource({ source, contract, root, output, progress: silent, ...more });
  const frame = await readDataset(output, more.contract ?? contract);
  const originOf = rowOrigins(report.origins);
  return { report, frame, lines: Array.from({ length: frame.nRows }, (_, row) => originOf(row).line) };
}

/** What is to be cleaned, be there nothing, the reader in one pass leaves to the slow way. */
const slowly = { texts: [{ column: "id", trim: true, case: null, missing: [], units: null, dates: null }] };

const damaged = 'id,word\n1,red\n2\n3,"blue\n4,"green, dark\nand deep"\n5,white\n';

describe("malformed records of a source that sets them aside", () => {
  it("are told with file, line and reason, and every other row is read with its line", async () => {
    for (const way of [{}, slowly]) {
      const { report, frame, lines } = await read(csv(file("a.csv", damaged), { onMalformed }), way);
      expect(frame.columns[0]).toMatchObject({ values: Float64Array.of(1, 4, 5) });
      expect(lines).toEqual([2, 5, 7]);
      expect(report.nRefused).toBe(2);
      expect(report.refused).toEqual([
        { file: "a.csv", line: 3, reason: "has 1 cell, the first line has 2", text: "2" },
        { file: "a.csv", line: 4, reason: "has text after a closing quote", text: '3,"blue' },
      ]);
    }
  });

  it("refuse the file with their line by default, and where the header is malformed", async () => {
    await expect(read(csv(file("a.csv", damaged)))).rejects.toThrow(/line 3 has 1 cell/);
    await expect(read(csv(file("h.csv", 'id,"wo"rd\n1,2\n'), { onMalformed }))).rejects.toThrow(
      /line 1 has text after/,
    );
    expect(() => csv("a.csv", { onMalformed: "warn" as "fail" })).toThrow(/must be one of fail, quarantine/);
  });

  it("are refused with the option that sets them aside, where the source may have it", async () => {
    const remedyOf = async (source: Source): Promise<string> =>
      read(source).then(
        () => "",
        (error: unknown) => (error as { readonly remedy: string }).remedy,
      );
    const lines = file("odd.jsonl", '{"id":1,"word":"a"}\n{"id":\n');
    expect(await remedyOf(csv(file("a.csv", damaged)))).toContain('csv("...", { onMalformed: "quarantine" })');
    expect(await remedyOf(jsonl(lines))).toContain('jsonl("...", { onMalformed: "quarantine" })');
    const list = file("odd.json", '[{"id":1,"word":"a"},{"id":]');
    const hopeless = csv(file("b.csv", 'id,"wo"rd\n1,a\n'), { onMalformed });
    for (const source of [json(list), hopeless])
      expect(await remedyOf(source)).toContain("Check that the file is whole");
  });

  it("refuse a file of which no record is sound", async () => {
    const source = csv(file("none.csv", "id,word\n1\n2\n"), { onMalformed });
    await expect(read(source)).rejects.toThrow(/none of its records is sound; line 2 has 1 cell/);
    expect(readdirSync(root).filter((name) => name.startsWith("sound-"))).toEqual([]);
  });

  it("are set aside in packed files, tab-separated ones, files without a header, and JSON lines", async () => {
    const sources = [
      csv(file("p.csv.gz", gzipSync("id,word\n1,a\n2\n3,c\n")), { onMalformed }),
      tsv(file("t.tsv", "id\tword\n1\ta\n2\n3\tc\n"), { onMalformed }),
      csv(file("n.csv", "1,a\n2\n3,c\n"), { onMalformed, columns: ["id", "word"] }),
      jsonl(file("l.jsonl", '{"id":1,"word":"a"}\n\n{"id":2,\n{"id":3,"word":"c"}\n'), { onMalformed }),
    ];
    const found = [];
    for (const source of sources) {
      const { report, frame, lines } = await read(source);
      expect(frame.columns[0]).toMatchObject({ values: Float64Array.of(1, 3) });
      found.push([lines, report.refused?.map(({ line, text: shown }) => [line, shown])]);
    }
    expect(found).toEqual([
      [[2, 4], [[3, "2"]]],
      [[2, 4], [[3, "2"]]],
      [[1, 3], [[2, "2"]]],
      [[1, 4], [[3, '{"id":2,']]],
    ]);
  });

  it("are set aside in the parts of a union that say so, and in files that are kept converted", async () => {
    const good = csv(file("good.csv", "id,word\n7,x\n"));
    const bad = csv(file("a.csv", damaged), { onMalformed });
    expect((await read(union(good, bad))).report).toMatchObject({ nRows: 4, nRefused: 2 });
    await expect(read(union(bad, csv(file("b.csv", damaged))))).rejects.toThrow(/"b.csv".*line 3/);

    mkdirSync(join(root, "days"), { recursive: true });
    file("days/1.csv", "id,word\n1,a\n2\n");
    file("days/2.csv", damaged);
    const whole = await read(csv("days/*.csv", { onMalformed }));
    const parts = await read(csv("days/*.csv", { onMalformed, incremental: true }));
    expect(parts.report.refused).toEqual(whole.report.refused);
    expect([parts.lines, parts.frame]).toEqual([whole.lines, whole.frame]);
  });

  it("are left out behind megabytes of sound ones, and every row has its line", async () => {
    const rows = Array.from({ length: 60_000 }, (_, i) => `{"id":${i},"word":"w${i % 9} ${"x".repeat(30)}"}\r\n`);
    const content = `${rows.slice(0, 50_000).join("")}\n\n${rows.slice(50_000).join("")}{"id":1,\n{"id":7}`;
    const cells = Array.from({ length: 60_000 }, (_, i) => `${i},w${i % 9} ${"x".repeat(30)}\n`).join("");
    const sources = [
      jsonl(file("long.jsonl", content), { onMalformed }),
      jsonl(file("long.jsonl.gz", gzipSync(content)), { onMalformed }),
      csv(file("long.csv", `\uFEFFid,word\n${cells}2\n7,\n`), { onMalformed }),
    ];
    const found = [];
    for (const source of sources) {
      const { report, frame, lines } = await read(source);
      const ids = frame.columns[0] as { readonly values: Float64Array };
      expect(ids.values.findIndex((id, i) => id !== i)).toBe(60_000);
      found.push([frame.nRows, report.refused?.map(({ line }) => line), lines[0], lines[50_000], lines.at(-1)]);
    }
    expect(found).toEqual([
      [60_001, [60_003], 1, 50_003, 60_004],
      [60_001, [60_003], 1, 50_003, 60_004],
      [60_001, [60_002], 2, 50_002, 60_003],
    ]);
  });

  it("keep no text where a column is hidden or left out", async () => {
    const source = csv(file("a.csv", damaged), { onMalformed });
    const hidden = contractOf({ id: number({ missing: 1 }), word: text({ missing: 1, privacy: { mask: 1 } }) });
    mkdirSync(join(root, "members"), { recursive: true });
    file("members/1.jsonl", '{"id":1,"word":"a"}\n');
    file("members/2.jsonl", '{"id":1}\n{"id":2,"word":"of a person"\n');
    const members = await read(jsonl("members/*.jsonl", { onMalformed }), { contract: hidden });
    expect(members.report.refused).toMatchObject([{ file: "members/2.jsonl", line: 2, text: null }]);
    const onlyThere = file("only.jsonl", '{"id":1,"word":"a"}\n{"id":2,"mail" :"of a person"\n');
    expect((await read(jsonl(onlyThere, { onMalformed }))).report.refused).toMatchObject([{ line: 2, text: null }]);
    for (const some of [hidden, contractOf({ id: number({ missing: 1 }) })]) {
      const { report } = await read(source, { contract: some });
      expect(report.refused?.map(({ line, text: shown }) => [line, shown])).toEqual([
        [3, null],
        [4, null],
      ]);
    }
  });
});

describe("bounds of what is set aside", () => {
  it("are those of the source, not of each file", async () => {
    mkdirSync(join(root, "many"), { recursive: true });
    file("many/1.csv", `id,word\n1,a\n${"2\n".repeat(60_000)}`);
    file("many/2.csv", `id,word\n1,a\n${"2\n".repeat(40_001)}`);
    for (const incremental of [false, true]) {
      const source = csv("many/*.csv", { onMalformed, incremental });
      await expect(read(source)).rejects.toThrow(/2\.csv.*line 40003 is one of more than 100000 that are malformed/);
    }
    file("many/2.csv", `id,word\n1,a\n${"2\n".repeat(40_000)}`);
    expect((await read(csv("many/*.csv", { onMalformed }))).report.nRefused).toBe(100_000);
  });

  it("hold the texts of all files together, of either format, and cut no character in two", async () => {
    mkdirSync(join(root, "texts"), { recursive: true });
    const umlauts = "\u00e4".repeat(1_000);
    for (const name of ["1", "2"]) {
      file(`texts/${name}.jsonl`, `{"id":1,"word":"a"}\n${`{"id":"${umlauts}\n`.repeat(9_000)}`);
      file(`texts/${name}.csv`, `id,word\n1,a\n${`${umlauts}\n`.repeat(9_000)}`);
    }
    const sources = [jsonl("texts/*.jsonl", { onMalformed }), csv("texts/*.csv", { onMalformed, incremental: true })];
    for (const source of sources) {
      const { refused = [] } = (await read(source)).report;
      expect(refused[0]!.text).toMatch(/^(\{"id":"\u00e4{496}|\u00e4{500})$/);
      const nChars = refused.reduce((sum, { text: shown }) => sum + shown!.length, 0);
      expect([refused.length, nChars > 8_000_000, nChars < 8_001_000]).toEqual([18_000, true, true]);
    }
  });

  it("say of no row where it stands in a file whose lines fall out of step too often", async () => {
    const content = `{"id":1,"word":"a"}\n{"id":\n${'{"id":1,"word":"a"}\n\n'.repeat(100_001)}`;
    const { report, lines } = await read(jsonl(file("gaps.jsonl", content), { onMalformed }));
    expect([report.nRefused, lines.length, lines.every((line) => line === null)]).toEqual([1, 100_002, true]);
  });
});

const nMutants = Number(process.env["MILLRACE_MUTANTS"] ?? 24);

describe(`${nMutants} damaged files whose malformed records are set aside`, () => {
  it(
    "are read alike in one pass and in the slow way, and every line of them is accounted for",
    { timeout: 300_000 + 1_000 * nMutants },
    async () => {
      const rng = createRng(20_261_123);
      const level = { missing: 1 };
      const texts = { contract: contractOf({ id: category(level), word: category(level) }) };
      let nSetAside = 0;
      for (let i = 0; i < nMutants; ++i) {
        const rows = Array.from(
          { length: 40 },
          (_, row) => `${row},${rng.integer(4) === 0 ? `"w, ${row}"` : `w${row}`}`,
        );
        for (let hits = 1 + rng.integer(4); hits > 0; --hits) {
          const [row, at] = [rng.integer(rows.length), rng.integer(4)];
          const piece = ['"', ",", "\0", "\uFFFD", '"x', "\\", '",'][rng.integer(7)]!;
          rows[row] = `${rows[row]!.slice(0, at)}${piece}${rows[row]!.slice(at)}`;
        }
        const source = csv(file("m.csv", `id,word\n${rows.join("\n")}\n`), { onMalformed });
        const [quick, slow] = [await read(source, texts), await read(source, { ...slowly, ...texts })];
        expect([slow.report.refused, slow.lines, slow.frame]).toEqual([quick.report.refused, quick.lines, quick.frame]);
        const told = new Set([...quick.lines, ...(quick.report.refused ?? []).map(({ line }) => line)]);
        nSetAside += quick.report.nRefused ?? 0;
        // A row may hold lines of its own, where a quote was lost and another closes it as one may.
        const inRows = rows.filter((_, row) => !told.has(row + 2)).length;
        const within = quick.frame.columns.map((held) => (held.kind === "category" ? held.levels.join("") : ""));
        expect(inRows, `mutant ${i}`).toBe(within.join("").split("\n").length - 1);
      }
      expect(nSetAside).toBeGreaterThan(nMutants / 2);
    },
  );
});
