import { rm, stat } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProject, isBuilt, type Project } from "../e2e/cli.ts";
import { housePipeline, houses } from "../e2e/data.ts";
import { objectStoreOfSuite } from "./start/suite-object-store.ts";

const server = await objectStoreOfSuite();

let counter = 0;
let project: Project;
beforeEach(() => {
  project = createProject();
  process.env["MILLRACE_ARTIFACTS"] = `s3://mill/project ${++counter}/artifacts`;
});
afterEach(() => {
  delete process.env["MILLRACE_ARTIFACTS"];
  project.remove();
});

describe.skipIf(!server || !isBuilt)("a project with its artifacts in a bucket", () => {
  it("brings what lists name to steps in processes of their own, which see no keys", async () => {
    const write = (last: string): string =>
      project.write(
        "pipelines/words.ts",
        `
        import { map, step, workflow } from "millrace";
        const texts = step({ name: "texts", run: () => ["a b", "c d e"] });
        const words = map(texts.output, (text) => step({ name: "words", inputs: { text }, run: ({ inputs }) => inputs.text.split(" ") }));
        const counts = map(words.output, (list) => step({ name: "counts", inputs: { list }, run: ({ inputs }) => inputs.list.length }));
        const keys = () => Object.keys(process.env).filter((name) => /AWS|MILLRACE/.test(name)).length;
        const total = step({ name: "total", inputs: { words: words.output, counts: counts.output }, run: ({ inputs, record }) => {
          record({ words: inputs.words.flat().length, counts: inputs.counts.reduce((a, b) => a + b, 0), keys: keys() });
          return ${last};
        } });
        export default workflow({ name: "words", steps: [total] });
      `,
      );
    for (const last of ["1", "2"]) {
      write(last);
      const ran = await project.run("run", "words", "--json");
      expect(ran.code, ran.stderr).toBe(0);
      const steps = ran.json<{ steps: readonly { step: string; status: string; metrics: object }[] }>().steps;
      expect(steps.at(-1)).toMatchObject({
        step: "total",
        status: "ran",
        metrics: { words: 5, counts: 5, keys: 0 },
      });
      await rm(project.path(".millrace/artifacts"), { recursive: true });
    }
  });

  it("runs, loses its copies, predicts, is verified, and is answered from the cache", async () => {
    project.write("data/houses.csv", houses(150));
    project.pipeline("houses", housePipeline());
    const ran = await project.run("run", "houses", "--json");
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    await rm(project.path(".millrace/artifacts"), { recursive: true });
    const predicted = await project.run("predict", "houses", "data/houses.csv", "-o", "scores.csv");
    expect(predicted.code, predicted.stderr).toBe(0);
    expect((await stat(project.path("scores.csv"))).size).toBeGreaterThan(1000);
    expect((await project.run("verify")).stdout).toContain("sound");
    await rm(project.path(".millrace/artifacts"), { recursive: true });
    const again = await project.run("run", "houses", "--json");
    const steps = again.json<{ steps: readonly { status: string }[] }>().steps.map(({ status }) => status);
    expect(new Set(steps.slice(1))).toEqual(new Set(["cached"]));
    expect((await project.run("gc")).code).toBe(0);
    expect((await project.run("reproduce", ran.json<{ run: string }>().run, "--json")).json()).toMatchObject({
      equal: true,
    });
  });
});
