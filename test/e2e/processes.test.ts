import fs from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, isBuilt, type Project, type Ran } from "./cli.ts";

describe.skipIf(!isBuilt)("the processes that steps run in", () => {
  let project: Project;
  beforeAll(() => {
    project = createProject();
    project.write(
      "pipelines/pids.ts",
      `
      import { step, workflow } from "millrace";
      const a = step({ name: "a", run: () => process.pid });
      const b = step({ name: "b", inputs: { a: a.output }, run: () => process.pid });
      const c = step({ name: "c", inputs: { b: b.output }, env: ["HOME"], run: () => process.pid });
      const d = step({ name: "d", inputs: { c: c.output }, memory: 512, run: () => process.pid });
      const e = step({ name: "e", inputs: { d: d.output }, runner: "inline", run: () => process.pid });
      const all = step({ name: "all", inputs: { a: a.output, b: b.output, c: c.output, d: d.output, e: e.output }, run: ({ inputs, record }) => {
        record(inputs);
        return 0;
      } });
      export default workflow({ name: "pids", steps: [all] });
    `,
    );
    // Each waits for the other to begin, for a while.
    const branch = (name: string, other: string): string => `
      const ${name} = step({ name: "${name}", run: async ({ record }) => {
        writeFileSync("${name}-begun", "");
        for (let i = 0; i < 100 && !existsSync("${other}-begun"); ++i) await new Promise((done) => setTimeout(done, 20));
        record({ met: existsSync("${other}-begun") ? 1 : 0 });
        return 0;
      } });`;
    project.write(
      "pipelines/branches.ts",
      `
      import { existsSync, writeFileSync } from "node:fs";
      import { step, workflow } from "millrace";
      ${branch("left", "right")}
      ${branch("right", "left")}
      export default workflow({ name: "branches", steps: [left, right] });
    `,
    );
  });
  afterAll(() => project.remove());

  it("stay warm for the next step that may see and need as much, and are not the run's own", async () => {
    const running = project.start("run", "pids", "--json", "--jobs", "1");
    expect(await running.ended, running.said()).toBe(0);
    const { a, b, c, d, e } = (JSON.parse(running.printed()) as Ran).steps.at(-1)!.metrics;
    expect(b).toBe(a);
    expect(new Set([a, c, d, e]).size).toBe(4);
    expect(e).toBe(running.child.pid);
  });

  it("end with a step that failed, whatever it left at work there", async () => {
    project.write(
      "pipelines/messy.ts",
      `
      import { existsSync, writeFileSync } from "node:fs";
      import { step, workflow } from "millrace";
      const messy = step({ name: "messy", retry: { attempts: 2, delay: "1ms" }, run: async ({ record }) => {
        record({ pid: process.pid });
        if (existsSync("tried")) {
          await new Promise((done) => setTimeout(done, 300));
          return 1;
        }
        writeFileSync("tried", "");
        setTimeout(() => { throw new Error("late"); }, 100);
        throw new Error("early");
      } });
      export default workflow({ name: "messy", steps: [messy] });
    `,
    );
    const answer = await project.run("run", "messy", "--json");
    expect([answer.code, answer.stdout]).toEqual([0, expect.any(String)]);
  });

  it.each([
    [2, [1, 1]],
    [1, [0, 1]],
  ])("are at most so many at once as --jobs says: %i", async (jobs, met) => {
    for (const name of ["left-begun", "right-begun"]) fs.rmSync(project.path(name), { force: true });
    const answer = await project.run("run", "branches", "--json", "--no-cache", "--jobs", String(jobs));
    const found = answer.json<Ran>().steps.map(({ metrics }) => metrics["met"]!);
    expect(found.sort((x, y) => x - y)).toEqual(met);
  });

  it("tell what a step prints and how far it is while it runs", async () => {
    project.write(
      "pipelines/live.ts",
      `
      import { existsSync } from "node:fs";
      import { step, workflow } from "millrace";
      const slow = step({ name: "slow", run: async ({ progress }) => {
        console.log("at work");
        for (let i = 0; !existsSync("enough"); ++i) {
          progress.report(Math.min(i, 99), 100, "cups");
          await new Promise((done) => setTimeout(done, 50));
        }
        return 0;
      } });
      export default workflow({ name: "live", steps: [slow] });
    `,
    );
    const running = project.start("run", "live");
    await running.heard(/slow \| at work/);
    await running.heard(/slow +\d+ % +\d+ of 100 cups/);
    project.write("enough", "");
    expect(await running.ended, running.said()).toBe(0);
  });
});
