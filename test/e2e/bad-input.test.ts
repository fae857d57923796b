import fs from "node:fs";
import net from "node:net";
import zlib from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, expectRefusal, isBuilt, type Answer, type Project } from "./cli.ts";
import { csvOf, housePipeline, houses } from "./data.ts";

/** Nothing but the database, which notes a failed run, may differ after a refusal. */
async function refusedWithoutTrace(project: Project, args: readonly string[]): Promise<Answer> {
  await project.run("models");
  const before = project.snapshot();
  const answer = await project.run(...args, "--json");
  expect(project.snapshot()).toEqual(before);
  return answer;
}

describe.skipIf(!isBuilt)("a data file that cannot be used", { timeout: 120_000 }, () => {
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

describe.skipIf(!isBuilt)("a target that cannot be learned", { timeout: 120_000 }, () => {
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

describe.skipIf(!isBuilt)("a dataset that breaks its contract", { timeout: 120_000 }, () => {
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

describe.skipIf(!isBuilt)("a pipeline file that cannot be used", { timeout: 120_000 }, () => {
  let project: Project;
  beforeAll(() => {
    project = createProject();
    project.write("data/houses.csv", houses(60));
  });
  afterAll(() => project.remove());
  const file = async (source: string): Promise<Answer> => {
    project.write("pipelines/bad.ts", source);
    return refusedWithoutTrace(project, ["run", "bad"]);
  };

  it("does not compile, throws, or imports what is not there", async () => {
    expectRefusal(
      await file("export default pipeline({\n  name: 'x',,\n"),
      "PIPELINE_FILE_BROKEN",
      1,
      "bad.ts",
      /:2\b|\(2/,
    );
    expectRefusal(await file('throw new Error("no licence for it");'), "PIPELINE_FILE_BROKEN", 1, "no licence for it");
    expectRefusal(await file("throw null;"), "PIPELINE_FILE_BROKEN", 1, "null");
    expectRefusal(
      await file('import { x } from "./nowhere.ts";\nexport default x;'),
      "PIPELINE_FILE_BROKEN",
      1,
      "nowhere",
    );
    expectRefusal(
      await file('import { boosted } from "millrace";\nexport default boosted();'),
      "PIPELINE_FILE_BROKEN",
      1,
      "bad.ts",
    );
  });
  it("exports nothing, or something else", async () => {
    expectRefusal(await file("const x = 1;"), "PIPELINE_FILE_EXPORTS_NOTHING", 1, "bad.ts", "nothing");
    expectRefusal(await file("export const p = 1;"), "PIPELINE_FILE_EXPORTS_NOTHING", 1, "exports p");
    expectRefusal(await file("export default 42;"), "PIPELINE_FILE_EXPORTS_NOTHING", 1, "number");
    expectRefusal(await file('export default { name: "x" };'), "PIPELINE_FILE_EXPORTS_NOTHING", 1, "object");
    const lookalike = 'export default { name: "x", schema: {}, spec: { name: "x" } };';
    expectRefusal(await file(lookalike), "PIPELINE_FILE_EXPORTS_NOTHING", 1);
  });
  it("defines what cannot be meant", async () => {
    const defined = (body: string): Promise<Answer> => {
      project.pipeline("bad", body);
      return refusedWithoutTrace(project, ["run", "bad"]);
    };
    expectRefusal(
      await defined(housePipeline().replace('"price"', '"prize"')),
      "COLUMN_MISSING",
      1,
      "prize",
      '"price"',
    );
    expectRefusal(await defined(housePipeline({ model: "m.kmeans()" })), "DEFINITION_INVALID", 2, "kmeans");
    expectRefusal(await defined(housePipeline({ more: "spilt: {}," })), "DEFINITION_INVALID", 2, "spilt", "split");
    const bare = housePipeline({ more: 'prepare: { area: "drop", place: "drop" },' });
    expectRefusal(await defined(bare), "DEFINITION_INVALID", 2, "feature");
    const leaves = housePipeline({ model: "m.boosting({ leaves: -3 })" });
    expectRefusal(await defined(leaves), "HYPERPARAMETER_INVALID", 2, "leaves", "-3");
  });
  it("is told by check with the same codes, exit 1, and nothing runs", async () => {
    project.write("pipelines/bad.ts", "const x = 1;");
    project.pipeline("good", housePipeline());
    project.pipeline("lost", housePipeline().replace("data/houses.csv", "data/hoses.csv"));
    const answer = await project.run("check", "--json");
    const { pipelines } = answer.json<{ pipelines: { pipeline: string; problems: { code: string }[] }[] }>();
    expect(pipelines.map((p) => [p.pipeline, p.problems.map((x) => x.code)])).toEqual([
      ["bad", ["PIPELINE_FILE_EXPORTS_NOTHING"]],
      ["good", []],
      ["lost", ["SOURCE_NOT_FOUND"]],
    ]);
    expect(answer.code).toBe(1);
    expect((await project.run("check", "good")).code).toBe(0);
  });
});

describe.skipIf(!isBuilt)("names nobody knows and places nobody can write", { timeout: 120_000 }, () => {
  let project: Project;
  beforeAll(() => {
    project = createProject();
    project.write("data/houses.csv", houses(100));
    project.pipeline("houses", housePipeline());
  });
  afterAll(() => project.remove());

  it("suggests the nearest verb, option, pipeline and model", async () => {
    expectRefusal(await project.run("ruin", "--json"), "USAGE", 2, '"ruin"', "millrace run");
    expectRefusal(await project.run("run", "houses", "--no-cash", "--json"), "USAGE", 2, "--no-cash", "--no-cache");
    expectRefusal(await project.run("run", "house", "--json"), "PIPELINE_NOT_FOUND", 2, '"house"', '"houses"');
    expect((await project.run("run", "houses")).code).toBe(0);
    expectRefusal(await project.run("predict", "hoses", "--row", "{}", "--json"), "MODEL_NOT_FOUND", 2, '"houses"');
    expectRefusal(await project.run("models", "house", "--json"), "MODEL_NOT_FOUND", 2, '"houses"');
    expectRefusal(await project.run("monitor", "house", "--json"), "MODEL_NOT_FOUND", 2, '"houses"');
    expectRefusal(await project.run("rollback", "house", "--json"), "MODEL_NOT_FOUND", 2, '"houses"');
    expectRefusal(await project.run("promote", "houses", "9", "--json"), "VERSION_NOT_FOUND", 2, "9", "1");
    expectRefusal(await project.run("promote", "houses", "one", "--json"), "USAGE", 2, "one");
    const { runs } = (await project.run("runs", "--json")).json<{ runs: { runId: string }[] }>();
    const mistyped = `${runs[0]!.runId.slice(0, -1)}${runs[0]!.runId.endsWith("0") ? "1" : "0"}`;
    expectRefusal(await project.run("show", mistyped, "--json"), "RUN_NOT_FOUND", 2, mistyped, runs[0]!.runId);
    expectRefusal(await project.run("init", "data/houses.csv", "--json"), "USAGE", 2, "--target");
    expectRefusal(await project.run("runs", "--limit", "many", "--json"), "USAGE", 2, "many");
    expectRefusal(await project.run("monitor", "houses", "--window", "soon", "--json"), "USAGE", 2, "soon");
  });

  it("says the same without --json on standard error, and nothing on standard output", async () => {
    const answer = await project.run("run", "house");
    expect([answer.code, answer.stdout]).toEqual([2, ""]);
    expect(answer.stderr).toMatch(/^PIPELINE_NOT_FOUND: .*"house".*\nDid you mean "houses"\?\n$/);
  });

  it("refuses a project folder that is not there, or where no store can be", async () => {
    expectRefusal(await project.run("models", "--project", project.path("nowhere"), "--json"), "USAGE", 2, "nowhere");
    expectRefusal(
      await project.run("models", "--project", project.path("data/houses.csv"), "--json"),
      "USAGE",
      2,
      "houses.csv",
    );
    const walled = createProject();
    try {
      walled.write(".millrace", "a file in the way");
      walled.write("pipelines", "another one");
      walled.write("houses.csv", houses(30));
      expectRefusal(await walled.run("models", "--json"), "STORE_UNWRITABLE", 1, ".millrace");
      const init = await walled.run("init", "houses.csv", "--target", "price", "--json");
      expectRefusal(init, "STORE_UNWRITABLE", 1, "pipelines");
    } finally {
      walled.remove();
    }
    if (process.platform === "linux")
      expectRefusal(await project.run("models", "--project", "/proc", "--json"), "STORE_UNWRITABLE", 1, "/proc");
  });

  it("leaves an existing pipeline alone", async () => {
    const before = project.snapshot();
    const again = await project.run("init", "data/houses.csv", "--target", "price", "--json");
    expectRefusal(again, "USAGE", 2, "houses.ts", "--force");
    expect(project.snapshot()).toEqual(before);
    expectRefusal(
      await project.run("init", "data/houses.csv", "--target", "price", "--name", "../evil", "--json"),
      "DEFINITION_INVALID",
      2,
      "../evil",
    );
    expect(project.snapshot()).toEqual(before);
  });

  it("refuses a port that is taken and an address that is not loopback", async () => {
    const taken = net.createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as net.AddressInfo;
    try {
      expectRefusal(await project.run("up", "--port", String(port), "--json"), "PORT_TAKEN", 1, String(port));
    } finally {
      taken.close();
    }
    expectRefusal(
      await project.run("up", "--host", "0.0.0.0", "--port", "0", "--json"),
      "ADDRESS_REFUSED",
      2,
      "0.0.0.0",
    );
    expectRefusal(await project.run("serve", "--port", "70000", "--json"), "USAGE", 2, "70000");
  });
});
