import fs from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, expectRefusal, isBuilt, type Project } from "./cli.ts";
import { csvOf } from "./data.ts";

interface Classified {
  readonly label: string;
  readonly probabilities: Readonly<Record<string, number>>;
}

interface Explained {
  readonly label: string;
  readonly base: number;
  readonly score: number;
  readonly contributions: Readonly<Record<string, number>>;
}

/** Labels that are hard on whoever writes them: a formula, a quote with a comma, a line break, a member of objects. */
const labels = ["=1+1", 'a "b", c', "two\nlines", "__proto__"];

describe.skipIf(!isBuilt)("predictions from the command line", () => {
  let project: Project;
  const inputs = (n: number, seed: number): string =>
    csvOf(n, (_, next) => ({ amount: 4 * next(), place: ["süd", 'n"o', "w,e"][Math.floor(3 * next())] }), seed);

  beforeAll(async () => {
    project = createProject();
    const text = csvOf(400, (_, next) => {
      const amount = 4 * next();
      const place = ["süd", 'n"o', "w,e"][Math.floor(3 * next())]!;
      return { amount, place, kind: labels[Math.floor(amount)] };
    });
    project.write("data.csv", text);
    project.pipeline(
      "kinds",
      `{ name: "kinds", data: m.csv("data.csv"), target: "kind", model: m.linear(),
         schema: { amount: m.number({ min: 0, max: 5 }), place: m.category(), kind: m.category() } }`,
    );
    const answer = await project.run("run", "kinds", "--json");
    expect(answer.code, answer.stdout + answer.stderr).toBe(0);
    project.write("new.csv", inputs(50, 3));
  });
  afterAll(() => project.remove());

  it("answers one row, and refuses one that is no JSON, no object or breaks the contract", async () => {
    const row = (text: string) => project.run("predict", "kinds", "--row", text, "--json");
    const { prediction } = (await row('{"amount": 2.5, "place": "süd"}')).json<{ prediction: Classified }>();
    expect(labels).toContain(prediction.label);
    expect(Object.keys(prediction.probabilities).sort()).toEqual([...labels].sort());
    const plain = await project.run("predict", "kinds", "--row", '{"amount": 2.5, "place": "süd"}');
    expect(JSON.parse(plain.stdout)).toEqual(prediction);
    expectRefusal(await row("{amount: 1}"), "USAGE", 2, "--row", "{amount: 1}", "millrace predict --help");
    expectRefusal(await row("[1]"), "REQUEST_INVALID", 1);
    expectRefusal(await row("null"), "REQUEST_INVALID", 1);
    expectRefusal(await row('{"amount": "much", "place": "süd"}'), "REQUEST_INVALID", 1, '"amount"', "much");
    expectRefusal(await row('{"amount": 9, "place": "süd"}'), "REQUEST_INVALID", 1, '"amount"', "9");
    expectRefusal(await row('{"amount": 1}'), "REQUEST_INVALID", 1, '"place"');
    expectRefusal(await row('{"amount": 1, "place": "süd", "plaice": 1}'), "REQUEST_INVALID", 1, '"plaice"');
    expectRefusal(await project.run("predict", "kinds", "--json"), "USAGE", 2, "--row");
  });

  it("explains a row and a file where asked: the same predictions, and contributions that add up", async () => {
    const row = await project.run(
      "predict",
      "kinds",
      "--row",
      '{"amount": 2.5, "place": "süd"}',
      "--explain",
      "--json",
    );
    const { prediction, explanation } = row.json<{ prediction: Classified; explanation: Explained }>();
    expect(explanation.label).toBe(prediction.label);
    const sum = Object.values(explanation.contributions).reduce((a, b) => a + b, explanation.base);
    expect(Math.abs(sum - explanation.score)).toBeLessThan(1e-9);
    const shown = await project.run("predict", "kinds", "--row", '{"amount": 2.5, "place": "süd"}', "--explain");
    expect(shown.stdout).toMatch(/^amount +-?[\d.]+/m);
    const lines = (await project.run("predict", "kinds", "new.csv", "--explain")).stdout.trim().split("\n");
    const plain = (await project.run("predict", "kinds", "new.csv")).stdout.trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { prediction: unknown }).prediction)).toEqual(
      plain.map((line) => JSON.parse(line) as unknown),
    );
  });

  it("answers a file as lines, as CSV and as JSON lines, all the same and equal to row by row", async () => {
    const lines = (await project.run("predict", "kinds", "new.csv")).stdout.trim().split("\n");
    const answers = lines.map((line) => JSON.parse(line) as Classified);
    expect(answers).toHaveLength(50);
    const whole = await project.run("predict", "kinds", "new.csv", "--json");
    expect(whole.json<{ predictions: Classified[] }>().predictions).toEqual(answers);
    const wrote = await project.run("predict", "kinds", "new.csv", "-o", "out.jsonl", "--json");
    expect(wrote.json()).toMatchObject({ model: "kinds", version: 1, nRows: 50, out: "out.jsonl" });
    expect(fs.readFileSync(project.path("out.jsonl"), "utf8").trim().split("\n")).toEqual(lines);
    await project.run("predict", "kinds", "new.csv", "-o", "out.csv");
    const csv = fs.readFileSync(project.path("out.csv"), "utf8");
    const table = parseCsv(csv);
    expect(table).toHaveLength(51);
    expect(csv).not.toMatch(/(^|,|\n)=/);
    expect(table[0]).toContain('probability a "b", c');
    const asWritten = (label: string): string => (label.startsWith("=") ? `'${label}` : label);
    answers.forEach((answer, i) => {
      expect(table[i + 1]![0]).toBe(asWritten(answer.label));
      const shown = table[i + 1]!.slice(1).map(Number);
      expect(Float64Array.from(shown).sort()).toEqual(Float64Array.from(Object.values(answer.probabilities)).sort());
    });
    const [amount, place] = parseCsv(inputs(50, 3))[7]!;
    const one = await project.run("predict", "kinds", "--row", JSON.stringify({ amount: Number(amount), place }));
    expect(one.stdout.trim()).toBe(lines[6]);
  });

  it("takes JSON lines, and columns in any order beside others", async () => {
    const rows = parseCsv(inputs(50, 3)).slice(1);
    project.write("new.jsonl", rows.map(([a, place]) => `${JSON.stringify({ place, amount: Number(a) })}\n`).join(""));
    const expected = (await project.run("predict", "kinds", "new.csv")).stdout;
    expect((await project.run("predict", "kinds", "new.jsonl")).stdout).toBe(expected);
    const text = inputs(50, 3).split("\n");
    project.write(
      "more.csv",
      text.map((line, i) => (line === "" ? "" : i === 0 ? `extra,${line}` : `x${i},${line}`)).join("\n"),
    );
    expect((await project.run("predict", "kinds", "more.csv")).stdout).toBe(expected);
  });

  it("predicts nothing and writes nothing where one row breaks the contract or the place cannot be written", async () => {
    project.write("bad.csv", "amount,place\n1,süd\n7,süd\n");
    project.write("short.csv", "amount\n1\n");
    const before = project.snapshot();
    const refuse = async (code: string, args: readonly string[], ...said: string[]): Promise<void> => {
      expectRefusal(await project.run("predict", "kinds", ...args, "--json"), code, 1, ...said);
      expect(project.snapshot()).toEqual(before);
    };
    await refuse("CONTRACT_VIOLATED", ["bad.csv", "-o", "never.csv"], '"amount"', "row 2", "7");
    await refuse("COLUMN_MISSING", ["short.csv", "-o", "never.csv"], '"place"');
    await refuse("SOURCE_NOT_FOUND", ["ne.csv", "-o", "never.csv"], "new.csv");
    await refuse("STORE_UNWRITABLE", ["new.csv", "-o", "new.csv/never.csv"], "never.csv");
    await refuse("STORE_UNWRITABLE", ["new.csv", "-o", "nowhere/never.csv"], "never.csv");
    expectRefusal(
      await project.run("predict", "kinds", "new.csv", "--model-version", "9", "--json"),
      "VERSION_NOT_FOUND",
      2,
      "9",
    );
  });

  it("refuses a model file that is damaged, cut off, replaced or gone", async () => {
    const { models } = (await project.run("models", "--json")).json<{
      models: { versions: { digest: string }[] }[];
    }>();
    const hex = models[0]!.versions[0]!.digest.slice(7);
    const file = project.path(`.millrace/artifacts/${hex.slice(0, 2)}/${hex.slice(2)}`);
    const whole = fs.readFileSync(file);
    const refuse = async (bytes: Uint8Array, code = "ARTIFACT_DAMAGED"): Promise<void> => {
      fs.writeFileSync(file, bytes);
      expectRefusal(await project.run("predict", "kinds", "new.csv", "--json"), code, 1);
    };
    const flipped = Buffer.from(whole);
    flipped[flipped.length >> 1]! ^= 1;
    await refuse(flipped);
    await refuse(whole.subarray(0, whole.length - 9));
    await refuse(Buffer.from("PK\u0003\u0004 something else"));
    expectRefusal(await project.run("promote", "kinds", "1", "--json"), "ARTIFACT_DAMAGED", 1);
    fs.rmSync(file);
    expectRefusal(await project.run("predict", "kinds", "new.csv", "--json"), "ARTIFACT_MISSING", 1);
    const mended = await project.run("run", "kinds", "--json");
    expect(mended.code).toBe(0);
    expect((await project.run("predict", "kinds", "new.csv")).code).toBe(0);
    expect(Buffer.compare(fs.readFileSync(file), whole)).toBe(0);
  });
});

/** RFC 4180, as other programs read it. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [whole, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    if (whole === "" && end === "") break;
    rows.at(-1)!.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
    if (end === "\n") rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}
