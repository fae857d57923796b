import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, isBuilt, type Project } from "../e2e/cli.ts";
import { csvOf } from "../e2e/data.ts";

/** More rows than one row group of a snapshot holds, and than are prepared at a time. */
const nRows = 130_000;
const variable = "MILLRACE_DATASET_MB";

/** Every kind of column, derived features of several, texts, levels that only late rows have. */
function data(): string {
  return csvOf(nRows, (i, next) => {
    const [a, b, c] = [next() * 10, next() < 0.1 ? null : next(), Math.floor(300 * next() ** 2)];
    const words = ["good", "bad", "late", "never", "again"].filter(() => next() < 0.4);
    const level = i > 125_000 ? "new" : `k${c}`;
    const score = Math.sin(a) + (b ?? 2) + (c < 30 ? 1 : 0) + (words.includes("good") ? 1 : 0) + next();
    const at = new Date(1.6e12 + 6e4 * i).toISOString();
    return { a, b, level, words: words.join(" ") || null, even: c % 2 === 0, at, y: score, much: score > 2.3 };
  });
}

const schema = `a: m.number(), b: m.number({ missing: 0.2 }), level: m.category(), words: m.text({ missing: 1 }),
  even: m.boolean(), at: m.timestamp()`;
const shared = `data: m.csv("data.csv"),
  features: (c) => ({ ratio: c.a.div(c.b), hour: c.at.hour(), isNew: c.level.in(["new"]) }), clean: { duplicates: "exact" }`;

describe.skipIf(!isBuilt)("the same bits with a dataset in memory and without", { timeout: 400_000 }, () => {
  let project: Project;
  const before = process.env[variable];

  beforeAll(() => {
    project = createProject();
    project.write("data.csv", data());
    project.pipeline(
      "boosted",
      `{ name: "boosted", ${shared}, schema: { ${schema}, much: m.boolean() }, target: "much", time: "at",
         split: { by: "time", test: 0.2, validation: 0.1 }, model: m.boosting({ trees: 5 }), gate: [m.atLeast("auc", 0.5)] }`,
    );
    project.pipeline(
      "wood",
      `{ name: "wood", ${shared}, schema: { ${schema}, y: m.number() }, target: "y",
         model: m.tune(m.forest({ trees: 2, depth: 6 }), { trials: 1, folds: 2 }) }`,
    );
    project.pipeline(
      "line",
      `{ name: "line", ${shared}, schema: { ${schema}, y: m.number() }, target: "y", prepare: { words: "drop" },
         model: m.linear() }`,
    );
  });
  afterAll(() => {
    if (before === undefined) delete process.env[variable];
    else process.env[variable] = before;
    project.remove();
  });

  it.each(["boosted", "wood", "line"])("writes equal artifacts in every step of %s", async (name) => {
    const outputs: string[] = [];
    for (const megabytes of ["0.5", "4096"]) {
      process.env[variable] = megabytes;
      const answer = await project.run("run", name, "--no-cache", "--json");
      expect(answer.code, answer.stdout).toBe(0);
      const { steps } = answer.json<{ steps: { step: string; outputs: Record<string, string> }[] }>();
      outputs.push(
        JSON.stringify(
          steps.map((one) => [one.step, one.outputs]),
          null,
          1,
        ),
      );
    }
    expect(outputs[0]).toBe(outputs[1]);
  });
});
