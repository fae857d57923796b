import { spawn } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, dist, isBuilt, type Project } from "./cli.ts";
import { housePipeline, houses } from "./data.ts";

/** The verbs a release never loses. */
const spine = "init check run runs show predict models promote rollback up serve monitor doctor".split(" ");

describe.skipIf(!isBuilt)("the command line", () => {
  let project: Project;
  beforeAll(() => {
    project = createProject();
    project.write("data/houses.csv", houses(150));
  });
  afterAll(() => project.remove());

  it("lists every verb in its help, and explains each with its own", async () => {
    const help = await project.run("--help");
    expect([help.code, help.stderr]).toEqual([0, ""]);
    const names = [...help.stdout.matchAll(/^ {2}([a-z]+) +\S/gm)].map((match) => match[1]!);
    expect(names).toEqual(expect.arrayContaining(spine));
    expect((await project.run()).stdout).toBe(help.stdout);
    expect((await project.run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+/);
    for (const name of names) {
      const { code, stdout, stderr } = await project.run(name, "--help");
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(new RegExp(`^Usage: millrace ${name} `));
      for (const part of ["--json", "--project <folder>", "Examples:", `millrace ${name}`])
        expect(stdout).toContain(part);
    }
    expect(project.snapshot().size).toBe(1);
  });

  it("answers every verb with exactly one JSON document and its exit code", async () => {
    const ask = async (...args: readonly string[]): Promise<object> => {
      const answer = await project.run(...args, "--json");
      expect(answer.code, answer.stdout + answer.stderr).toBe(0);
      return answer.json<object>();
    };
    expect(await ask("models")).toEqual({ models: [] });
    expect(await ask("runs")).toEqual({ runs: [] });
    expect(await ask("check")).toEqual({ pipelines: [] });
    const written = await ask("init", "data/houses.csv", "--target", "price", "--name", "first");
    expect(written).toMatchObject({
      name: "first",
      path: path.join("pipelines", "first.ts"),
      notes: expect.any(Array),
    });
    expect(await ask("check")).toEqual({ pipelines: [{ pipeline: "first", problems: [] }] });
    project.pipeline("houses", housePipeline());
    const ran = (await ask("run", "houses")) as { run: string };
    expect(ran).toMatchObject({ pipeline: "houses", status: "succeeded", version: 1, promoted: true });
    expect(await ask("run", "pipelines/houses.ts")).toMatchObject({ pipeline: "houses", version: 1 });
    expect(await ask("runs", "--pipeline", "houses")).toMatchObject({
      runs: [{ status: "succeeded" }, { runId: ran.run }],
    });
    expect(await ask("show", ran.run)).toMatchObject({ runId: ran.run, workflow: "houses", status: "succeeded" });
    const row = '{"id":"x","area":50,"place":"west"}';
    expect(await ask("predict", "houses", "--row", row)).toMatchObject({ model: "houses", version: 1 });
    expect(await ask("models", "houses")).toMatchObject({ models: [{ model: "houses", champion: 1 }] });
    expect(await ask("promote", "houses", "1", "--reason", "checked")).toEqual({ model: "houses", version: 1 });
    expect(await ask("monitor", "houses")).toMatchObject({ model: "houses", verdict: "tooFewRows" });
    const { findings } = (await ask("doctor")) as { findings: { subject: string; ok: boolean }[] };
    expect(findings.map(({ subject, ok }) => [subject, ok])).toEqual(
      ["millrace", "node", "platform", "sqlite", "duckdb", "disk", "project"].map((subject) => [subject, true]),
    );
    for (const verb of ["serve", "up"]) {
      const server = project.start(verb, "--port", "0", "--json");
      await server.heard(/\n\}\n/);
      expect(await server.stop()).toBe(0);
      expect(JSON.parse(server.printed())).toMatchObject({ url: expect.stringMatching(/^http:/), models: ["houses"] });
    }
  });

  it("says for people what --json says for programs", async () => {
    const shown = await project.run("run", "houses");
    expect(shown.code).toBe(0);
    for (const part of ["12/12", "cached", "gate passed", "houses version 1 is registered and is the champion"])
      expect(shown.stdout).toContain(part);
    expect((await project.run("models")).stdout).toMatch(/houses\n {2}version 1 .*champion, gate passed/);
    expect((await project.run("runs", "--limit", "1")).stdout.trim().split("\n")).toHaveLength(1);
    expect((await project.run("doctor")).stdout).toMatch(/ok\s+duckdb/);
  });

  it("works on a project elsewhere by an absolute and by a relative path", async () => {
    const other = createProject();
    try {
      const relative = path.relative(other.root, project.root);
      for (const root of [project.root, relative]) {
        const ran = await other.run("run", "houses", "--project", root, "--json");
        expect(ran.json(), ran.stderr).toMatchObject({ status: "succeeded", version: 1 });
      }
      expect(other.snapshot().size).toBe(0);
    } finally {
      other.remove();
    }
  });

  it("is content with a reader that stops reading", async () => {
    project.write("many.csv", houses(60_000).replaceAll(/,[^,\n]*$/gm, ""));
    const main = path.join(dist, "cli", "main.js");
    const child = spawn(process.execPath, [main, "predict", "houses", "many.csv"], { cwd: project.root });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    child.stdout.once("data", () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.on("close", resolve));
    // On a slow machine, how far reading is comes before.
    expect([code, errors.replaceAll(/^ +(read|predict) .*\n/gm, "")]).toEqual([0, ""]);
  });
});
