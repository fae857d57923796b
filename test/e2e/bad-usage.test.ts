import net from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, expectRefusal, isBuilt, refusedWithoutTrace, type Answer, type Project } from "./cli.ts";
import { housePipeline, houses } from "./data.ts";

describe.skipIf(!isBuilt)("a pipeline file that cannot be used", () => {
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

describe.skipIf(!isBuilt)("names nobody knows and places nobody can write", () => {
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
    expectRefusal(await project.run("runs", "--limit", "many", "--json"), "USAGE", 2, "many", "millrace runs --help");
    expectRefusal(await project.run("run", "pipelines/house.js", "--json"), "PIPELINE_NOT_FOUND", 2, '"houses"');
    expectRefusal(
      await project.run("keys", "add", "shop", "--role", "king", "--json"),
      "USAGE",
      2,
      '"king"',
      "observe",
    );
    const where = ["predictions", "houses", "--where", "aera>3 and prediction>1", "--json"];
    expectRefusal(await project.run(...where), "COLUMN_MISSING", 1, '"aera"', '"area"');
    const unwritten = await project.run("predict", "houses", "data/houses.csv", "-o", "scores.xlsx", "--json");
    expectRefusal(unwritten, "USAGE", 2, '"scores.xlsx"', ".parquet");
    expectRefusal(
      await project.run("predict", "houses", "--row", "{}", "--json"),
      "REQUEST_INVALID",
      1,
      "area",
      "place",
    );
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
