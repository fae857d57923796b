import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { inspectSource } from "../../ingest/inspect.ts";
import { scaffoldPipeline, type Scaffold } from "./scaffold.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-scaffold-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function scaffold(file: string, content: string, target: string, columns?: readonly string[]): Promise<Scaffold> {
  const path = join(root, file);
  writeFileSync(path, content);
  return scaffoldPipeline(await inspectSource(path, { columns }), {
    target,
    name: "a-name",
    path: `data/${file}`,
  });
}

const code = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "none",
    (error: unknown) => (error as { code: unknown }).code,
  );

function rows(count: number, row: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => `${row(i)}\n`).join("");
}

describe("scaffoldPipeline", () => {
  it("writes hostile names and labels as text, never as code", async () => {
    const hostile = ["__proto__", 'a"b', "new\nline", "*/ alert(1) //", "c d", "\u2028"];
    const header = [...hostile, "sex\n*/", "y"].map((name) => `"${name.replaceAll('"', '""')}"`).join(",");
    const { source } = await scaffold(
      "hostile.csv",
      `${header}\n${rows(60, (i) => [...hostile.map((_, k) => (i * 7 + k) % 5), "f", i % 3 ? "no" : '"\'];x"'].join(","))}`,
      "y",
    );
    expect(source).toContain('["__proto__"]: number({ min: 0 })');
    expect(source).toContain('"a\\"b": number');
    expect(source).toContain('"*/ alert(1) //": number');
    expect(source).toContain('"\\u2028": number');
    expect(source).toContain('y: category(["no", "\'];x"])');
    for (const line of source.split("\n"))
      if (line.includes("decide: sex")) expect(line.trimStart().startsWith("//")).toBe(true);
  });

  it("sets an identifier aside, names a leak, a total and an empty column, and orders labels", async () => {
    const text = rows(300, (i) => {
      const [a, b, tip] = [(i * 37) % 101, (i * 53) % 89, ((i * 71) % 97) / 10];
      const label = (i * 31) % 7 < 3 ? "Yes" : "No";
      return `k${i},${a},${b},${tip},${a + b + tip},${label},${label === "Yes" ? 1 : 0},`;
    });
    const header = "order_id,a,b,tip,total,churned,flag,void\n";
    const binary = await scaffold("b.csv", header + text, "churned");
    expect(binary.source).toContain('  id: "order_id",');
    expect(binary.source).toContain('churned: category(["No", "Yes"])');
    expect(binary.source).toMatch(/decide: alone it predicts churned with AUC 1\.000.*\n {4}flag: "drop"/);
    expect(binary.source).toContain("flag: number({ min: 0, missing: 1 })");
    expect(binary.source).toMatch(/every value is missing\n {4}void: "drop"/);
    const regression = await scaffold("b.csv", header + text, "tip");
    expect(regression.source).toMatch(/a sum that contains tip.*\n {4}total: "drop"/);
    expect(regression.source).toContain('gate: [atLeast("r2", 0.1), beatsChampion("rmse")]');
  });

  it("derives features from the one time that precedes the others", async () => {
    const text = rows(
      100,
      (i) => `2020-01-${String(1 + (i % 28)).padStart(2, "0")}T0${i % 10}:00:00,2020-02-01,${i % 13}`,
    );
    const { source } = await scaffold("t.csv", `start,end time,y\n${text}`, "y");
    expect(source).toContain('  time: "start",');
    expect(source).toContain("start_hour: c.start.hour()");
  });

  it("reads other delimiters, marks for missing and files without a header", async () => {
    const semicolon = await scaffold(
      "s.csv",
      `a;b;y\n${rows(60, (i) => `${i % 9 ? i : "?"};${i % 3 ? "1,5" : "x"};${i % 2}`)}`,
      "y",
    );
    expect(semicolon.source).toContain('csv("data/s.csv", { delimiter: ";", missing: ["?"] })');
    expect(semicolon.source).toContain("a: number({ min: 0, missing: 0.2 })");
    expect(semicolon.source).toContain("y: boolean()");
    const named = await scaffold(
      "n.tsv",
      rows(60, (i) => `${i}\t${i % 3 ? "a" : "b"}`),
      "y",
      ["x", "y"],
    );
    expect(named.source).toContain('tsv("data/n.tsv", { columns: ["x", "y"] })');
  });

  it("reads Parquet's neighbour, JSON lines, and chooses linear for text alone", async () => {
    const words = ["alpha beta gamma delta", "one two three four five", "the quick brown fox runs"];
    const { source } = await scaffold(
      "j.jsonl",
      rows(60, (i) => JSON.stringify({ note: `${words[i % 3]} ${i}`, spam: i % 3 === 0 })),
      "spam",
    );
    expect(source).toContain("note: text()");
    expect(source).toContain("spam: boolean()");
    expect(source).toContain("model: linear()");
  });

  it("wants accuracy above the commonest label of several", async () => {
    const { source } = await scaffold("m.csv", `x,y\n${rows(100, (i) => `${i},${"abbc"[i % 4]}`)}`, "y");
    expect(source).toContain('y: category(["a", "b", "c"])');
    expect(source).toContain('gate: [atLeast("accuracy", 0.5), beatsChampion("logLoss")]');
  });

  it("refuses targets nothing can be learned from", async () => {
    const text = rows(150, (i) => `1,,2020-01-01,${"some words that differ ".repeat(2)}${i}`);
    const file = `one,none,time,words\n${text}`;
    expect(await code(scaffold("x.csv", file, "one"))).toBe("TARGET_UNUSABLE");
    expect(await code(scaffold("x.csv", file, "none"))).toBe("TARGET_UNUSABLE");
    expect(await code(scaffold("x.csv", file, "time"))).toBe("TARGET_UNUSABLE");
    expect(await code(scaffold("x.csv", file, "words"))).toBe("TARGET_UNUSABLE");
    expect(await code(scaffold("x.csv", file, "word"))).toBe("COLUMN_MISSING");
    expect(await code(scaffold("y.csv", "1,2\n3,4\n", "1"))).toBe("COLUMN_NAME_INVALID");
    expect(await code(scaffold("z.xyz", "a\n1\n", "a"))).toBe("SOURCE_FORMAT_UNKNOWN");
  });
});

const data = join(process.env["MILLRACE_SHARED"] ?? resolve(import.meta.dirname, "../../../../shared"), "data");

describe.skipIf(!existsSync(data))("the shared data sets (skipped where ../shared/data is absent)", () => {
  const sets: readonly (readonly [file: string, target: string, trap: string, columns?: readonly string[]])[] = [
    ["adult.csv", "income", "race, sex"],
    ["california-housing.csv", "median_house_value", "missing: 0.05"],
    ["telco-churn.csv", "Churn", 'id: "customerID"'],
    ["titanic.csv", "survived", 'alive: "drop"'],
    ["taxis.csv", "tip", 'total: "drop"'],
    ["compas-two-years.csv", "two_year_recid", 'is_recid: "drop"'],
    ["sms-spam.tsv", "label", "quotes: false", ["label", "text"]],
  ];

  it("become files that a formatter leaves alone, each with its trap found", async () => {
    const paths: string[] = [];
    for (const [file, target, trap, columns] of sets) {
      const inspection = await inspectSource(join(data, file), { columns });
      const { source } = scaffoldPipeline(inspection, { target, name: "x", path: file });
      expect(source).toContain(trap);
      const path = join(root, `${file}.ts`);
      writeFileSync(path, source);
      paths.push(path);
    }
    const project = resolve(import.meta.dirname, "../../..");
    const formatter = join(project, "node_modules", ".bin", "oxfmt");
    const output = execFileSync(formatter, ["-c", join(project, ".oxfmtrc.json"), "--check", ...paths], {
      encoding: "utf8",
    });
    expect(output).toContain("All matched files use the correct format");
  });
});
