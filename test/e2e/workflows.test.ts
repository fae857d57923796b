import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { housePipeline, houses } from "./data.ts";
import { createProject, expectRefusal, isBuilt, type Answer, type Project, type Ran } from "./cli.ts";

function statuses(answer: Answer): string[] {
  return answer.json<Ran>().steps.map(({ step, status }) => `${step} ${status}`);
}

describe.skipIf(!isBuilt)("a workflow of own steps", () => {
  let project: Project;
  beforeAll(() => {
    project = createProject();
    project.write(
      "lib/text.ts",
      `import { gap } from "./gap.ts";\nexport const words = (text: string): number => text.split(gap).length;\nexport const unrelated = 1;\n`,
    );
    project.write("lib/gap.ts", `export const gap = " ";\nexport const other = 1;\n`);
    project.write(
      "pipelines/words.ts",
      `
      import { map, step, workflow } from "millrace";
      import { words } from "../lib/text.ts";
      const texts = step({ name: "texts", run: () => ["a b", "c d-e"] });
      const counts = map(texts.output, (text) => step({ name: "count", inputs: { text }, run: ({ inputs }) => words(inputs.text) }));
      const total = step({ name: "total", inputs: { counts: counts.output }, run: ({ inputs, record }) => {
        const total = inputs.counts.reduce((a, b) => a + b, 0);
        record({ total });
        return total;
      } });
      export default workflow({ name: "words", steps: [total] });
    `,
    );
  });
  afterAll(() => project.remove());

  it("runs by name, in processes, and is answered from the cache the next time", async () => {
    const first = await project.run("run", "words", "--json");
    expect(first.code, first.stderr).toBe(0);
    expect(statuses(first)).toEqual(["texts ran", "count ran", "total ran"]);
    expect(first.json<Ran>().steps[2]!.metrics).toEqual({ total: 4 });
    expect(statuses(await project.run("run", "words", "--json"))).toEqual([
      "texts cached",
      "count cached",
      "total cached",
    ]);
  });

  it("repeats what a helper two imports away changed, names it, and nothing for an unrelated export", async () => {
    project.write("lib/gap.ts", `export const gap = " "; // as before\nexport const other = 2;\n`);
    expect(statuses(await project.run("run", "words", "--json"))).toEqual([
      "texts cached",
      "count cached",
      "total cached",
    ]);
    project.write("lib/gap.ts", `export const gap = /[ -]/;\nexport const other = 2;\n`);
    const changed = await project.run("run", "words", "--json");
    expect(statuses(changed)).toEqual(["texts cached", "count ran", "total ran"]);
    const why = await project.run("why", changed.json<Ran>().run, "count");
    expect(why.stdout).toMatch(/count +ran +1 part of what it depends on changed\n +code lib\/gap\.ts#gap: sha256:/);
  });

  it("takes --force, --from, --until, --no-cache and --inline, and refuses a step there is not", async () => {
    const ran = async (...options: string[]): Promise<string[]> =>
      statuses(await project.run("run", "words", "--json", ...options));
    expect(await ran("--force", "texts")).toEqual(["texts ran", "count cached", "total cached"]);
    expect(await ran("--from", "count")).toEqual(["texts cached", "count ran", "total ran"]);
    expect(await ran("--until", "texts")).toEqual(["texts cached", "count skipped", "total skipped"]);
    expect(await ran("--no-cache", "--inline", "--jobs", "1")).toEqual(["texts ran", "count ran", "total ran"]);
    expectRefusal(
      await project.run("run", "words", "--json", "--from", "cuont"),
      "STEP_UNKNOWN",
      2,
      'Did you mean "count"?',
    );
  });

  it("is found again by the numbers it recorded", async () => {
    const ids = async (test: string): Promise<number> =>
      (await project.run("runs", "--json", "--metric", test)).json<{ runs: object[] }>().runs.length;
    expect(await ids("total>=4")).toBeGreaterThan(0);
    expect(await ids("total.total < 0")).toBe(0);
    expectRefusal(await project.run("runs", "--metric", "total", "--json"), "USAGE", 2, '"total"');
  });

  it("is checked", async () => {
    expect((await project.run("check", "words")).stdout).toBe("ok     words\n");
  });

  it("is warned of a step that nobody uses, by check and by run, and runs all the same", async () => {
    project.write(
      "pipelines/forgetful.ts",
      `
      import { step, workflow } from "millrace";
      const one = step({ name: "one", run: () => 1 });
      const checked = step({ name: "checked", inputs: { one: one.output }, run: () => 2 });
      export default workflow({ name: "forgetful", steps: [one] });
    `,
    );
    const check = await project.run("check", "forgetful");
    expect(check.code).toBe(0);
    expect(check.stdout).toContain('warning: step "checked" should be read by another step or be wanted itself');
    const run = await project.run("run", "forgetful");
    expect(run.code).toBe(0);
    expect(run.stderr).toContain('warning: the step "checked" should be read by another step');
    fs.rmSync(project.path("pipelines/forgetful.ts"));
  });

  it("runs twice at once without harm", async () => {
    const both = await Promise.all([0, 1].map(() => project.run("run", "words", "--json", "--no-cache")));
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const [one, two] = both.map((answer) => answer.json<Ran>().steps.map(({ outputs }) => outputs));
    expect(one).toEqual(two);
  });

  it("repeats the step whose artifact was deleted", async () => {
    const before = (await project.run("run", "words", "--json")).json<Ran>();
    const digest = before.steps[0]!.outputs["output"]!.slice("sha256:".length);
    fs.rmSync(project.path(`.millrace/artifacts/${digest.slice(0, 2)}/${digest.slice(2)}`));
    expect(statuses(await project.run("run", "words", "--json"))).toEqual([
      "texts ran",
      "count cached",
      "total cached",
    ]);
  });
});

describe.skipIf(!isBuilt)("own steps of a pipeline", () => {
  interface Judged extends Ran {
    readonly promoted: boolean;
    readonly verdict: { readonly passed: boolean; readonly reasons: readonly { readonly text: string }[] };
  }
  let project: Project;
  beforeAll(() => {
    project = createProject();
    project.write("data/houses.csv", houses(300));
  });
  afterAll(() => project.remove());

  it("stand before, after and instead of standard ones; each repeats for its own code alone", async () => {
    const define = (limit: number): void =>
      void project.write(
        "pipelines/houses.ts",
        `import * as m from "millrace";\nexport default m.pipeline(${housePipeline({
          more: `steps: {
            divide: { instead: "split", async run({ rows }) { const places = []; for await (const row of rows) places.push(places.length % 5 === 0 ? "test" : places.length % 5 === 1 ? "validation" : "train"); return places; } },
            look: { before: "train", async run({ rows }) { for await (const row of rows) if (row === null) throw new Error("no row"); } },
            judge: { instead: "gate", run: ({ metrics }) => ({ passed: metrics.r2 > ${limit}, reason: "r2 against ${limit}" }) },
            tell: { after: "promote", env: ["HOME"], run: ({ version }) => { console.log("told of", version, process.env.HOME !== undefined); } },
          },`,
        })});\n`,
      );
    define(0.2);
    const first = (await project.run("run", "houses", "--json")).json<Judged>();
    const order = first.steps.map(({ step }) => step);
    expect(order.slice(order.indexOf("tune"))).toEqual(
      "tune features look train evaluate explain gate register promote tell".split(" "),
    );
    expect(first.steps.find(({ step }) => step === "split")!.metrics).toEqual({ train: 180, validation: 60, test: 60 });
    expect(first).toMatchObject({ promoted: true, verdict: { passed: true } });
    expect(first.verdict.reasons.at(-1)!.text).toBe("own gate: r2 against 0.2");
    define(2);
    const second = await project.run("run", "houses", "--json");
    expect(second.code).toBe(3);
    const ran = second.json<Judged>().steps.filter(({ status }) => status === "ran");
    expect(ran.map(({ step }) => step)).toEqual(["gate", "register", "promote", "tell"]);
  });

  it("are tried again as often as they may, in processes of their own, with what they are tagged with on record", async () => {
    project.write(
      "pipelines/told.ts",
      `import * as m from "millrace";\nimport { existsSync, writeFileSync } from "node:fs";\nexport default m.pipeline(${housePipeline(
        {
          more: `steps: {
          tell: { after: "evaluate", retry: { attempts: 3, delay: "1ms" }, tags: ["hook"], run: () => {
            if (existsSync("told-2")) return;
            writeFileSync(existsSync("told-1") ? "told-2" : "told-1", "");
            throw new Error("nobody there");
          } },
        },`,
        },
      ).replace("houses", "told")});\n`,
    );
    const answer = await project.run("run", "told", "--json");
    expect(answer.code, answer.stdout).toBe(0);
    const shown = await project.run("show", answer.json<Ran>().run, "--json");
    const { steps } = shown.json<{ steps: { step: string; attempt: number; status: string; settings: object }[] }>();
    const tells = steps.filter(({ step }) => step === "tell");
    expect(tells.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, "failed"],
      [2, "failed"],
      [3, "ran"],
    ]);
    expect(tells[0]!.settings).toMatchObject({ tags: ["hook"], retry: { attempts: 3, delayMs: 1, factor: 2 } });
  });
});

describe.skipIf(!isBuilt)("docs/workflows.md", () => {
  it("shows a workflow that runs", async () => {
    const page = fs.readFileSync(path.join(import.meta.dirname, "..", "..", "docs", "workflows.md"), "utf8");
    const [, file, source] = /```ts file=(\S+)\n([\s\S]*?)```/.exec(page)!;
    const project = createProject();
    try {
      project.write(file!, source!);
      const answer = await project.run("run", "word-counts", "--json");
      expect(answer.code, answer.stdout).toBe(0);
      expect(answer.json<Ran>().steps.map(({ step, status, reason }) => [step, status, reason])).toEqual([
        ["texts", "ran", null],
        ["count", "ran", null],
        ["total", "ran", null],
        ["praise", "skipped", "too few words to praise"],
      ]);
      expect(answer.json<Ran>().steps[2]!.metrics).toEqual({ words: 10 });
      const [, commands] = /```sh\n([\s\S]*?)```/.exec(page)!;
      const { run } = answer.json<Ran>();
      for (const line of commands!.trim().split("\n")) {
        const [, ...words] = line.replace(/ *#.*/, "").replace("RUN", run).split(" ");
        expect((await project.run(...words)).code, line).toBe(0);
      }
      expect((await project.run("reproduce", run)).stdout).toContain("equal: all 3 artifacts");
    } finally {
      project.remove();
    }
  });
});
