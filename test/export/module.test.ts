import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/core/json.ts";
import { createRng } from "../../src/core/rng.ts";
import { declarationText } from "../../src/export/module/declaration.ts";
import { partsOf } from "../../src/export/module/parts.ts";
import type { ModelModule } from "../../src/export/module/runtime.ts";
import { moduleText } from "../../src/export/module/text.ts";
import type { Model } from "../../src/model/model.ts";
import { answersOf, predictRows } from "../../src/model/predict.ts";
import { modelKinds, randomModel, randomRow } from "../models/random-models.ts";
import { createProject, dist, expectRefusal, isBuilt, type Project } from "../e2e/cli.ts";
import { housePipeline, houses } from "../e2e/data.ts";

const bundles = ["runtime", "runtime-trees"].map((name) => path.join(dist, "export", "module", `${name}.bundle.js`));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-module-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function textOf(model: Model): string {
  const bundle = bundles[model.predictor.kind === "trees" ? 1 : 0]!;
  return moduleText(fs.readFileSync(bundle, "utf8"), model.name, partsOf(model, 3, "sha256:x"));
}

let written = 0;
async function moduleOf(model: Model): Promise<ModelModule> {
  const file = path.join(folder, `module${++written}.mjs`);
  fs.writeFileSync(file, textOf(model));
  return (await import(pathToFileURL(file).href)) as ModelModule;
}

describe.skipIf(!isBuilt)("an exported module", () => {
  it.each(modelKinds)("answers with the bits of the model it was made of: %s by %s", async (task, kind) => {
    const rng = createRng(77);
    const model = randomModel(rng, task, kind);
    const exported = await moduleOf(model);
    const rows = Array.from({ length: 400 }, () => randomRow(rng));
    const expected = answersOf(model, predictRows(model, rows).predictions);
    expect(exported.predictMany(rows)).toEqual(expected);
    expect(exported.predict(rows[7])).toEqual(expected[7]);
    expect(exported.model).toMatchObject({ name: "house-prices", version: 3, task, inputs: model.inputs });
  });

  it("writes whole numbers in as few bytes as all of them fit, and what no node has both of once", () => {
    const model = randomModel(createRng(77), "binary", "trees");
    const writtenAs = (treeOffsets: readonly number[]): unknown[] => {
      const predictor = { ...model.predictor, treeOffsets: Uint32Array.from(treeOffsets) } as typeof model.predictor;
      const { arrays } = partsOf({ ...model, predictor }, 3, "sha256:x");
      expect(arrays.map(([paths]) => paths)).toContainEqual(["threshold", "value"]);
      const [, type, narrow, base64] = arrays.find(([[path]]) => path === "treeOffsets")!;
      return [type, narrow, Buffer.from(base64, "base64").length];
    };
    expect(writtenAs([0, 127])).toEqual(["Uint32Array", "Int8Array", 2]);
    expect(writtenAs([0, 128])).toEqual(["Uint32Array", "Int16Array", 4]);
    expect(writtenAs([0, 32_768])).toEqual(["Uint32Array", "Uint32Array", 8]);
  });

  it("finds the issues the server finds, and refuses rows that have some", async () => {
    const model = randomModel(createRng(3), "binary", "trees");
    const strict = { ...model, contract: { columns: model.contract.columns.map((one) => ({ ...one, missing: 0 })) } };
    const { check, predict } = await moduleOf(strict);
    const rows = [{ area: "wide", colour: 3 }, null, { area: 1, stranger: true, when: "yesterday" }];
    const { issues } = predictRows(strict, rows);
    expect(check(rows)).toEqual(issues);
    expect(issues.length).toBeGreaterThan(8);
    expect(() => predict(rows[0])).toThrow(
      expect.objectContaining({ code: "REQUEST_INVALID", status: 422, issues: predictRows(strict, [rows[0]]).issues }),
    );
  });

  it("opens where the platform decodes no base64 but by atob", async () => {
    const model = randomModel(createRng(9), "regression", "trees");
    const { Buffer: buffer } = globalThis;
    const fromBase64 = Object.getOwnPropertyDescriptor(Uint8Array, "fromBase64");
    const rows = Array.from({ length: 20 }, (_, i) => randomRow(createRng(i)));
    const text = `delete globalThis.Buffer; delete Uint8Array.fromBase64;\n${textOf(model)}`;
    const file = path.join(folder, "elsewhere.mjs");
    fs.writeFileSync(file, text);
    try {
      const { predictMany } = (await import(pathToFileURL(file).href)) as ModelModule;
      expect(predictMany(rows)).toEqual(answersOf(model, predictRows(model, rows).predictions));
    } finally {
      globalThis.Buffer = buffer;
      if (fromBase64) Object.defineProperty(Uint8Array, "fromBase64", fromBase64);
    }
  });

  it.each(bundles)("imports nothing and keeps its code under 60 kB: %s", (bundle) => {
    const code = fs.readFileSync(bundle, "utf8");
    expect(Buffer.byteLength(code)).toBeLessThan(60_000);
    expect(code.match(/\bimport[ ({]|\brequire\b|\bprocess\.|\beval\b|new Function|["'`]node:/g)).toBeNull();
  });

  it("holds nothing of the model that a prediction does not ask, and no text that could end a script", () => {
    const model = randomModel(createRng(5), "multiclass", "trees");
    const text = textOf({ ...model, labels: ["</script>", "b\u2028", "c"], provenance: { secret: "keep-this-here" } });
    expect(text).not.toContain("keep-this-here");
    expect(text).not.toContain("</script>");
    // Of other letters an engine would keep all of the text in two bytes each.
    expect(text).toMatch(/^[\0-\x7f]*$/);
    expect(text).not.toContain('\\"price\\"');
  });

  it("is typed by its contract: what the contract refuses does not compile", () => {
    const model = randomModel(createRng(5), "multiclass", "trees");
    const columns = model.contract.columns.map((one) =>
      one.name === "colour" ? { ...one, levels: ["red", 'o"dd'], missing: 0 } : one,
    );
    fs.writeFileSync(path.join(folder, "model.d.mts"), declarationText({ ...model, contract: { columns } }));
    const use = [
      'import { predict, type Row } from "./model.mjs";',
      'const row: Row = { colour: "o\\"dd", when: new Date(0), ["__proto__"]: 1, note: null };',
      "export const share: number = predict(row).probabilities.c;",
      'export const isA: boolean = predict(row).label === "a";',
      'predict({ colour: "green" });',
      "predict({ area: 1 });",
      'predict({ colour: "red", area: "1" });',
      "predict(row).probabilities.d;",
    ];
    fs.writeFileSync(path.join(folder, "use.mts"), use.join("\n"));
    const tsc = path.resolve("node_modules/typescript/bin/tsc");
    const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--types", ""];
    const { stdout } = spawnSync(process.execPath, [tsc, ...options, "use.mts"], { cwd: folder, encoding: "utf8" });
    const lines = [...stdout.matchAll(/^use\.mts\((\d+),/gm)].map((match) => Number(match[1]));
    expect([...new Set(lines)], stdout).toEqual([5, 6, 7, 8]);
  });
});

describe.skipIf(!isBuilt)("millrace export module", () => {
  let project: Project;
  beforeAll(async () => {
    project = createProject();
    project.write("data/houses.csv", houses(150));
    project.pipeline("houses", housePipeline());
    await project.run("run", "houses");
  });
  afterAll(() => project.remove());

  it("writes a file that answers in a process without the package as the command line answers", async () => {
    const done = await project.run("export", "module", "houses@1", "-o", "out.mjs", "--json");
    expect(done.json()).toMatchObject({ model: "houses", version: 1, file: "out.mjs", types: "out.d.mts" });
    const row: JsonObject = { id: "x", area: 51.5, place: "west" };
    const script = `import("./out.mjs").then(({ predict }) => console.log(predict(${JSON.stringify(row)})))`;
    const alone = execFileSync(process.execPath, ["-e", script], { cwd: project.root, encoding: "utf8" });
    const asked = await project.run("predict", "houses", "--row", JSON.stringify(row));
    expect(alone).toBe(asked.stdout);
    // What the first answer runs is compiled as it is read.
    const [, code] = fs.readFileSync(project.path("out.mjs"), "utf8").split("\n", 2);
    expect(code!.match(/\w=\(function\(/g)!.length).toBeGreaterThan(30);
    expect(fs.readdirSync(project.root).filter((name) => name.includes("tmp"))).toEqual([]);
  });

  it("refuses what it cannot write, with a code", async () => {
    const ask = (...args: readonly string[]): ReturnType<Project["run"]> => project.run("export", ...args, "--json");
    expectRefusal(await ask("module", "houses@2", "-o", "x.mjs"), "VERSION_NOT_FOUND", 2);
    expectRefusal(await ask("module", "nothing", "-o", "x.mjs"), "MODEL_NOT_FOUND", 2);
    expectRefusal(await ask("module", "houses", "-o", "x.ts"), "USAGE", 2, "*.mjs");
    expectRefusal(await ask("module", "houses"), "USAGE", 2, "--out");
    expectRefusal(await ask("jar", "houses", "-o", "x"), "USAGE", 2, "jar");
    expectRefusal(await ask("module", "houses", "-o", "no/such/folder/x.mjs"), "STORE_UNWRITABLE", 1);
  });
});
