import fs from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, expectRefusal, isBuilt, until, type Project } from "./cli.ts";

interface Ran {
  readonly run: string;
  readonly steps: readonly { readonly step: string; readonly status: string }[];
}

describe.skipIf(!isBuilt)("a workflow file whose run is killed", () => {
  let project: Project;
  beforeAll(() => {
    project = createProject();
    project.write(
      "flows/letters.ts",
      `
      import { appendFileSync, existsSync, writeFileSync } from "node:fs";
      import { map, step, workflow } from "millrace";
      const letters = step({ name: "letters", run: ({ rng }) => { appendFileSync("ran", "letters "); return ["a", "b"].map((x) => x + rng.integer(1000)); } });
      const held = step({ name: "held", inputs: { letters: letters.output }, run: async ({ inputs }) => {
        appendFileSync("ran", "held ");
        writeFileSync("here", "");
        while (existsSync("hold")) await new Promise((done) => setTimeout(done, 20));
        return inputs.letters;
      } });
      const each = map(held.output, (x) => step({ name: "each", inputs: { x }, run: ({ inputs, rng }) => inputs.x + rng.integer(1000) }));
      const whole = step({ name: "whole", inputs: { each: each.output }, run: ({ inputs }) => inputs.each.join(" ") });
      export default workflow({ name: "letters", steps: [whole] });
    `,
    );
  });
  afterAll(() => project.remove());

  it("goes on under its own id without repeating what was committed, and what it made can be made again", async () => {
    project.write("hold", "");
    const running = project.start("run", "./flows/letters.ts");
    await until(() => fs.existsSync(project.path("here")), "the held step");
    running.child.kill("SIGKILL");
    await running.ended;
    fs.rmSync(project.path("hold"));
    const resumed = await project.run("resume", "--json");
    expect(resumed.code, resumed.stdout).toBe(0);
    const [run] = resumed.json<{ resumed: Ran[] }>().resumed;
    expect(running.said()).toContain(`run ${run!.run} of letters`);
    expect(run!.steps.map(({ step, status }) => `${step} ${status}`)).toEqual([
      "letters cached",
      "held ran",
      "each ran",
      "whole ran",
    ]);
    expect(fs.readFileSync(project.path("ran"), "utf8")).toBe("letters held held ");
    const again = await project.run("reproduce", run!.run, "--json");
    expect(again.code, again.stdout).toBe(0);
    expect(again.json<{ equal: boolean; compared: object[] }>()).toMatchObject({ equal: true, origins: [] });
    const shown = (await project.run("show", run!.run, "--json")).json<{ provenance: object; attempt: number }>();
    expect(shown).toMatchObject({ attempt: 2, provenance: { file: "flows/letters.ts", node: process.version } });
  });

  it("is told which step depends on the clock, and refused once its code changed", async () => {
    const source = (body: string): string => `
      import { step, workflow } from "millrace";
      const one = step({ name: "one", run: () => 1 });
      const when = step({ name: "when", inputs: { one: one.output }, run: ({ inputs }) => inputs.one + ${body} });
      export default workflow({ name: "clocked", steps: [when] });
    `;
    project.write("pipelines/clocked.ts", source("Date.now()"));
    const { run } = (await project.run("run", "clocked", "--json")).json<Ran>();
    const again = await project.run("reproduce", run);
    expect(again.code).toBe(1);
    expect(again.stdout).toContain('step "when" makes something else of the same inputs');
    project.write("pipelines/clocked.ts", source("2"));
    expectRefusal(await project.run("reproduce", run, "--json"), "RUN_NOT_REPRODUCIBLE", 1, 'step "when"');
  });
});
