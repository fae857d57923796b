import fs from "node:fs";
import zlib from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, expectRefusal, isBuilt, type Answer, type Project } from "./cli.ts";
import { csvOf, housePipeline, houses } from "./data.ts";

describe.skipIf(!isBuilt)("a data file that cannot be used", () => {
  let project: Project;
  const init = (file: string, ...more: string[]): Promise<Answer> =>
    project.run("init", file, "--target", "price", ...more, "--json");
  const ownFiles = (): Map<string, string> =>
    new Map([...project.snapshot()].filter(([name]) => !name.startsWith(".millrace")));
  /** init must refuse the file, and so must a run of a pipeline that reads it; both leave nothing behind. */
  const refuse = async (file: string, code: string, ...said: (string | RegExp)[]): Promise<void> => {
    const before = ownFiles();
    expectRefusal(await init(file), code, 1, ...said);
    const reader = { gz: "csv", csv: "csv", parquet: "parquet", jsonl: "jsonl", tsv: "tsv" }[file.split(".").at(-1)!];
    project.pipeline("probe", housePipeline().replace('m.csv("data/houses.csv")', `m.${reader}("${file}")`));
    expectRefusal(await project.run("run", "probe", "--json"), code, 1, ...said);
    fs.rmSync(project.path("pipelines"), { recursive: true });
    expect(ownFiles()).toEqual(before);
    expect(fs.readdirSync(project.path(".millrace/temporary"))).toEqual([]);
    const kept = fs.readdirSync(project.path(".millrace/artifacts"), { recursive: true, withFileTypes: true });
    expect(kept.filter((entry) => !entry.isDirectory())).toEqual([]);
  };
  beforeAll(() => {
    project = createProject();
    project.write("data/houses.csv", houses(60));
  });
  afterAll(() => project.remove());

  it("is missing: the nearest name is suggested", async () => {
    await refuse("data/house.csv", "SOURCE_NOT_FOUND", "data/house.csv", "houses.csv");
  });

  it("is empty, or has a header line and no row", async () => {
    project.write("empty.csv", "");
    await refuse("empty.csv", "SOURCE_EMPTY", "empty.csv");
    project.write("header.csv", "id,area,place,price\n");
    await refuse("header.csv", "SOURCE_EMPTY", "header.csv");
    project.write("blank.csv", "\n\n\n");
    await refuse("blank.csv", "SOURCE_EMPTY", "blank.csv");
    project.write("empty.jsonl", "");
    await refuse("empty.jsonl", "SOURCE_EMPTY", "empty.jsonl");
  });

  it("is binary, or broken off", async () => {
    project.write(
      "binary.csv",
      Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) % 256),
    );
    await refuse("binary.csv", "SOURCE_UNREADABLE", "binary.csv");
    const packed = zlib.gzipSync(houses(500));
    project.write("broken.csv.gz", packed.subarray(0, packed.length / 2));
    await refuse("broken.csv.gz", "SOURCE_UNREADABLE", "broken.csv.gz");
    project.write("foreign.csv.gz", houses(50));
    await refuse("foreign.csv.gz", "SOURCE_UNREADABLE", "foreign.csv.gz");
    project.write("short.parquet", Buffer.concat([Buffer.from("PAR1"), Buffer.alloc(300, 7)]));
    await refuse("short.parquet", "SOURCE_UNREADABLE", "short.parquet");
    project.write("text.parquet", houses(10));
    await refuse("text.parquet", "SOURCE_UNREADABLE", "text.parquet");
  });

  it("is ragged, or no JSON: the line is named", async () => {
    project.write("ragged.csv", "id,area,place,price\na,1,north,2\nb,1,north\nc,2,south,3,4\n");
    await refuse("ragged.csv", "SOURCE_UNREADABLE", "ragged.csv", /\b3\b/);
    project.write("odd.jsonl", '{"id":"a","area":1,"place":"north","price":2}\nnot json\n');
    await refuse("odd.jsonl", "SOURCE_UNREADABLE", "odd.jsonl", /\b2\b/);
  });

  it("has an ending that says nothing, or is a folder", async () => {
    project.write("houses.xlsx", "PK");
    expectRefusal(await init("houses.xlsx"), "SOURCE_FORMAT_UNKNOWN", 2, "houses.xlsx", ".csv");
    fs.mkdirSync(project.path("folder.csv"), { recursive: true });
    expectRefusal(await init("folder.csv"), "SOURCE_UNREADABLE", 1, "folder.csv", "folder");
    project.pipeline("folder", housePipeline().replace("data/houses.csv", "folder.csv"));
    expectRefusal(await project.run("run", "folder", "--json"), "SOURCE_EMPTY", 1, "folder.csv", "folder without");
  });

  it("has column names that collide or cannot be kept", async () => {
    const named = async (header: string, code: string, ...said: (string | RegExp)[]): Promise<void> => {
      project.write("names.csv", `${header}\n${"a,1,north,2,5\nb,3,south,4,6\n".repeat(20)}`);
      expectRefusal(await init("names.csv"), code, 1, ...said);
      project.pipeline("probe", housePipeline().replace("data/houses.csv", "names.csv"));
      expectRefusal(await project.run("run", "probe", "--json"), code, 1, ...said);
    };
    await named("id,area,place,price,area", "COLUMN_NAME_DUPLICATE", "area");
    await named("id,caf\u00e9,place,price,cafe\u0301", "COLUMN_NAME_DUPLICATE", "caf\u00e9");
    await named("id,area,place,price,", "COLUMN_NAME_INVALID", '""');
    await named(`id,area,place,price,${"x".repeat(65_536)}`, "COLUMN_NAME_INVALID");
    await named('id,area,place,price,"a\u0000b"', "SOURCE_UNREADABLE", "NUL");
    expect(fs.existsSync(project.path("pipelines/names.ts"))).toBe(false);
  });

  it("has columns named like members of objects: they are columns as any other", async () => {
    const header = "__proto__,constructor,toString,price";
    const rows = Array.from(
      { length: 120 },
      (_, i) => `${i % 7},${i % 5},${["a", "b"][i % 2]},${1 + (i % 7) * 3 + (i % 5) * 4}`,
    );
    project.write("hostile.csv", `${header}\n${rows.join("\n")}\n`);
    expect((await init("hostile.csv")).json()).toMatchObject({ name: "hostile" });
    const ran = await project.run("run", "hostile", "--json");
    expect([ran.code, ran.stdout]).toEqual([0, expect.stringContaining('"status": "succeeded"')]);
    const row = '{"__proto__": 3, "constructor": 2, "toString": "a"}';
    const answer = await project.run("predict", "hostile", "--row", row, "--json");
    expect(answer.json<{ prediction: unknown }>().prediction).toEqual(expect.any(Number));
    expectRefusal(
      await project.run("predict", "hostile", "--row", '{"constructor": 2, "toString": "a"}', "--json"),
      "REQUEST_INVALID",
      1,
      "__proto__",
    );
  });
});

describe.skipIf(!isBuilt)("a target that cannot be learned", () => {
  let project: Project;
  beforeAll(() => void (project = createProject()));
  afterAll(() => project.remove());
  const both = async (text: string, column: string, schema: string, code: string, ...said: (string | RegExp)[]) => {
    project.write("t.csv", text);
    const init = await project.run("init", "t.csv", "--target", column, "--json");
    expectRefusal(init, code, 1, ...said);
    const body = `{ name: "t", data: m.csv("t.csv"), schema: { x: m.number(), y: ${schema} }, target: "${column}", model: m.boosting() }`;
    project.pipeline("probe", body);
    expectRefusal(await project.run("run", "probe", "--json"), code, 1, ...said);
    expect(fs.existsSync(project.path("pipelines/t.ts"))).toBe(false);
  };
  const rows = (y: (i: number) => unknown): string => csvOf(60, (i, next) => ({ x: next(), y: y(i) }));

  it("does not exist: the nearest name is suggested", async () => {
    await both(
      rows((i) => i),
      "yy",
      "m.number()",
      "COLUMN_MISSING",
      '"yy"',
      'Did you mean "y"',
    );
  });
  it("is not named: the columns are told", async () => {
    project.write("t.csv", "area,price\n1,2\n3,4\n");
    expectRefusal(await project.run("init", "t.csv", "--json"), "USAGE", 2, "--target", '"area", "price"');
  });
  it("is constant, all missing, or of a single class", async () => {
    await both(
      rows(() => 4),
      "y",
      "m.number()",
      "TARGET_UNUSABLE",
      '"y"',
      /\b4\b/,
    );
    await both(
      rows(() => null),
      "y",
      "m.number({ missing: 1 })",
      "TARGET_UNUSABLE",
      '"y"',
      "missing",
    );
    await both(
      rows(() => "yes"),
      "y",
      'm.category(["yes", "no"])',
      "TARGET_UNUSABLE",
      '"y"',
      /\byes\b/,
    );
    await both(
      rows(() => true),
      "y",
      "m.boolean()",
      "TARGET_UNUSABLE",
      '"y"',
      /\btrue\b/,
    );
  });
  it("has one class in training although the file has two: said before anything is learned", async () => {
    project.write(
      "t.csv",
      csvOf(60, (i, next) => ({ x: next(), at: `2024-01-01T00:${String(i).padStart(2, "0")}:00Z`, y: i >= 55 })),
    );
    project.pipeline(
      "late",
      `{ name: "late", data: m.csv("t.csv"), schema: { x: m.number(), at: m.timestamp(), y: m.boolean() }, time: "at", target: "y", model: m.boosting() }`,
    );
    expectRefusal(await project.run("run", "late", "--json"), "TARGET_UNUSABLE", 1, '"y"', "train");
  });
  it("has too few rows to divide", async () => {
    project.write(
      "t.csv",
      csvOf(2, (i, next) => ({ x: next(), y: i })),
    );
    project.pipeline(
      "few",
      '{ name: "few", data: m.csv("t.csv"), schema: { x: m.number(), y: m.number() }, target: "y", model: m.linear() }',
    );
    expectRefusal(await project.run("run", "few", "--json"), "SPLIT_EMPTY", 1);
  });
});

describe.skipIf(!isBuilt)("a dataset that breaks its contract", () => {
  let project: Project;
  beforeAll(() => {
    project = createProject();
    const broken = houses(200).split("\n");
    broken[10] = broken[10]!.replace(/,[\d.]+,/, ",-5,");
    broken[20] = broken[20]!.replace(/,[\d.]+,/, ",far,");
    project.write("data/houses.csv", broken.join("\n"));
  });
  afterAll(() => project.remove());
  const policy = (area: string): void =>
    project.pipeline("houses", housePipeline({ gate: "[]" }).replace("area: m.number({ min: 0 })", `area: ${area}`));

  it("fails the run by default, naming column, row, rule and value", async () => {
    policy("m.number({ min: 0 })");
    const refused = await refusedWithoutTraceOfArtifacts(project);
    expectRefusal(refused, "CONTRACT_VIOLATED", 1, "2 times", '"area"', "row 20", "far", "quarantine");
  });
  it("sets rows aside with quarantine, and only counts them with warn", async () => {
    policy('m.number({ min: 0, onViolation: "quarantine" })');
    const aside = (await project.run("run", "houses", "--json")).json<{ steps: { step: string; metrics: object }[] }>();
    expect(aside.steps.find((s) => s.step === "validate")!.metrics).toMatchObject({ rows: 200, quarantined: 2 });
    policy('m.number({ min: 0, onViolation: "warn" })');
    const warned = await project.run("run", "houses", "--json");
    expect(warned.code, warned.stdout).toBe(0);
    const counted = warned.json<{ steps: { step: string; metrics: object }[] }>();
    expect(counted.steps.find((s) => s.step === "validate")!.metrics).toMatchObject({ quarantined: 0 });
    const { stdout: card } = await project.run("card", "houses");
    expect(card).toContain("| area | number | often or always | answered with a warning unless at least 0 |");
    expect(card).toContain("but for the rules of area, which only warn");
  });
  it("weighs rows with what is no weight", async () => {
    const weighed = async (weight: (i: number) => unknown, ...said: string[]): Promise<void> => {
      project.write(
        "w.csv",
        csvOf(60, (i, next) => ({ x: next(), w: weight(i), y: next() })),
      );
      const schema = "{ x: m.number(), w: m.number({ missing: 0.5 }), y: m.number() }";
      const body = `{ name: "w", data: m.csv("w.csv"), schema: ${schema}, target: "y", weight: "w", model: m.boosting() }`;
      project.pipeline("w", body);
      expectRefusal(await project.run("run", "w", "--json"), "CONTRACT_VIOLATED", 1, "weight", '"w"', ...said);
    };
    await weighed((i) => (i === 7 ? -2 : 1), "row 8", "-2");
    await weighed((i) => (i === 7 ? null : 1), "row 8", "nothing");
    await weighed(() => 0, "above 0");
  });
  it("lacks a declared column: the nearest name is suggested", async () => {
    project.pipeline("houses", housePipeline().replace("area:", "aera:"));
    expectRefusal(await project.run("run", "houses", "--json"), "COLUMN_MISSING", 1, '"aera"', '"area"');
  });
});

/** A failed run keeps what its finished steps made; what broke off must leave no file. */
async function refusedWithoutTraceOfArtifacts(project: Project): Promise<Answer> {
  const answer = await project.run("run", "houses", "--json");
  expect(fs.readdirSync(project.path(".millrace/temporary"))).toEqual([]);
  return answer;
}
