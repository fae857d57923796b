import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, expectRefusal, isBuilt, type Project } from "./cli.ts";
import { csvOf } from "./data.ts";

interface Ran {
  readonly pipeline: string;
  readonly report: { readonly metrics: Record<string, number>; readonly baseline: Record<string, number> };
  readonly steps: readonly { readonly step: string; readonly metrics: Record<string, number> }[];
  readonly importance: readonly { readonly feature: string; readonly importance: number }[];
  readonly audit: { readonly findings: readonly { readonly rule: string; readonly column: string | null }[] };
}

/** Columns of all five kinds with missing cells, an id, groups, weights, times, and targets of every task. */
const visits = csvOf(500, (i, next) => {
  const spend = 100 * next();
  const plan = ["basic", "plus", "pro"][Math.floor(3 * next())]!;
  const isNew = next() < 0.4;
  const mood = next() < 0.5 ? "angry" : "happy";
  const at = new Date(Date.UTC(2024, 0, 1, 0, 17 * i)).toISOString();
  const score = spend / 50 + (plan === "pro" ? 1 : 0) + (isNew ? 0.5 : 0) + (mood === "angry" ? -1 : 0) + 0.3 * next();
  return {
    visit: `v${i}`,
    customer: `c${Math.floor(i / 3)}`,
    at,
    weight: 1 + (i % 3),
    spend: next() < 0.1 ? null : spend,
    plan: next() < 0.05 ? null : plan,
    isNew,
    note: `${mood} customer, said "${next() < 0.5 ? "yes, please" : "no"}"`,
    score,
    stays: score > 1.2,
    relevance: Math.max(0, Math.min(4, Math.floor(score + 0.5))),
    segment: score > 2 ? "high" : score > 1 ? "middle" : "low",
  };
});

const kinds = {
  visit: "m.text()",
  customer: "m.category()",
  at: "m.timestamp()",
  weight: "m.number({ min: 0 })",
  spend: "m.number({ missing: 0.3 })",
  plan: 'm.category(["basic", "plus", "pro"], { missing: 0.3 })',
  isNew: "m.boolean()",
  note: "m.text()",
  score: "m.number()",
  stays: "m.boolean()",
  relevance: "m.number({ min: 0, max: 31 })",
  segment: 'm.category(["low", "middle", "high"])',
};
const schema = (...names: readonly (keyof typeof kinds)[]): string =>
  `data: m.csv("visits.csv"), schema: { ${names.map((name) => `${name}: ${kinds[name]}`).join(", ")} },`;
const features = ["spend", "plan", "isNew", "note"] as const;

describe.skipIf(!isBuilt)("every task, estimator and role", () => {
  let project: Project;
  beforeAll(() => {
    project = createProject();
    project.write("visits.csv", visits);
  });
  afterAll(() => project.remove());

  const run = async (name: string, body: string): Promise<Ran> => {
    project.pipeline(name, `{ name: "${name}", ${body} }`);
    const answer = await project.run("run", name, "--json");
    expect(answer.code, answer.stdout.slice(0, 3000) + answer.stderr).toBe(0);
    return answer.json<Ran>();
  };
  const metrics = (ran: Ran, step: string): Record<string, number> => ran.steps.find((s) => s.step === step)!.metrics;

  it("regression by boosting on all five kinds, split by time, weighted", async () => {
    const ran = await run(
      "regression",
      `${schema("at", "weight", ...features, "score")} target: "score", time: "at", weight: "weight",
       features: (c) => ({ hour: c.at.hour(), spendAgain: c.spend.add(1).log() }),
       model: m.boosting({ trees: 60, minRows: 5 }), gate: [m.atLeast("r2", 0.6)]`,
    );
    expect(ran.report.metrics["rmse"]).toBeLessThan(ran.report.baseline["rmse"]!);
    const read = ran.importance.map((entry) => entry.feature);
    expect(read).not.toContain("weight");
    expect(read).not.toContain("at");
    const row = JSON.stringify({ at: "2024-05-05T10:00:00Z", spend: null, plan: "pro", isNew: true, note: "happy" });
    const answer = await project.run("predict", "regression", "--row", row, "--json");
    expect(answer.json<{ prediction: unknown }>().prediction).toEqual(expect.any(Number));
  });

  it("binary by linear with an id, split by its hash, preparation by column, a sensitive column, slices", async () => {
    const ran = await run(
      "binary",
      `${schema("visit", ...features, "stays")} target: "stays", id: "visit", sensitive: ["plan"], split: { by: "hash" },
       prepare: { spend: [m.impute("mean"), m.standardize()], note: m.tfidf({ maxWords: 20 }), isNew: "drop" },
       model: m.linear({ l2: 1 }), gate: [m.atLeast("auc", 0.7), m.atLeast("accuracy", 0.2, { slice: "plan" }), m.atMost("ece", 0.5)]`,
    );
    expect(ran.importance.map((entry) => entry.feature).sort()).toEqual(["note", "spend"]);
    const { prediction } = (
      await project.run(
        "predict",
        "binary",
        "--row",
        '{"visit":"x","spend":90,"plan":null,"isNew":true,"note":"happy"}',
        "--json",
      )
    ).json<{ prediction: { label: boolean; probabilities: Record<string, number> } }>();
    expect(prediction.label).toBe(true);
    expect(prediction.probabilities["true"]! + prediction.probabilities["false"]!).toBeCloseTo(1, 12);
  });

  it("multiclass by boosting and by linear, whole groups on one side", async () => {
    const body = `${schema("customer", ...features, "segment")} target: "segment", group: "customer", gate: [m.atLeast("macroF1", 0.4)],`;
    const trees = await run("multiclass", `${body} model: m.boosting({ trees: 40, minRows: 5 })`);
    expect(trees.report.metrics["accuracy"]).toBeGreaterThan(trees.report.baseline["accuracy"]!);
    expect(trees.audit.findings.filter((finding) => finding.column === "customer")).toEqual([]);
    const { train, validation, test } = metrics(trees, "split") as { train: number; validation: number; test: number };
    expect(train + validation + test).toBe(500);
    const lines = await run("multiclass-linear", `${body} model: m.linear()`);
    expect(lines.report.metrics["logLoss"]).toBeLessThan(lines.report.baseline["logLoss"]!);
  });

  it("ranking of the rows of a group by lambdarank, tuned, judged beside its champion", async () => {
    const body = `${schema("customer", "spend", "plan", "isNew", "relevance")} target: "relevance",`;
    const model = 'm.tune(m.boosting({ loss: "lambdarank", trees: 30, minRows: 5 }), { trials: 2, folds: 2 })';
    const ran = await run("ranking", `${body} group: "customer", model: ${model}, gate: [m.atLeast("ndcg", 0.85)]`);
    for (const metric of ["ndcg", "map", "mrr"])
      expect(ran.report.metrics[metric]).toBeGreaterThan(ran.report.baseline[metric]!);
    expect(ran.importance.map((entry) => entry.feature)).not.toContain("customer");
    const scoreOf = async (spend: number): Promise<number> => {
      const row = JSON.stringify({ customer: "new", spend, plan: "pro", isNew: true });
      const answer = await project.run("predict", "ranking", "--row", row, "--json");
      return answer.json<{ prediction: number }>().prediction;
    };
    expect(await scoreOf(90)).toBeGreaterThan(await scoreOf(10));
    const again = await run(
      "ranking",
      `${body} group: "customer", model: ${model}, gate: [m.atLeast("ndcg", 0.85), m.beatsChampion("ndcg")]`,
    );
    expect(again.report.metrics["ndcg"]).toBeGreaterThan(0.85);
    project.pipeline("ungrouped", `{ name: "ungrouped", ${body} model: ${model} }`);
    expectRefusal(await project.run("run", "ungrouped", "--json"), "DEFINITION_INVALID", 2, "group");
    project.pipeline(
      "parted",
      `{ name: "parted", ${body} group: "customer", split: { by: "random" }, model: ${model} }`,
    );
    expectRefusal(await project.run("run", "parted", "--json"), "DEFINITION_INVALID", 2, "split.by");
  });

  it("refuses to rank by what is no relevance, and a split by time that parts groups", async () => {
    const model = 'group: "customer", model: m.boosting({ loss: "lambdarank", trees: 5 })';
    const columns = ["customer", "at", "spend", "plan"] as const;
    project.pipeline("irrelevant", `{ name: "irrelevant", ${schema(...columns, "score")} target: "score", ${model} }`);
    expectRefusal(await project.run("run", "irrelevant", "--json"), "TARGET_UNUSABLE", 1, "0 to 31");
    const timed = `${schema(...columns, "relevance")} target: "relevance", time: "at", ${model}`;
    project.pipeline("timed", `{ name: "timed", ${timed} }`);
    expectRefusal(
      await project.run("run", "timed", "--json"),
      "DEFINITION_INVALID",
      2,
      /\d of \d+ groups divided by time/,
    );
  });

  it("clustering by kmeans, without a target", async () => {
    const ran = await run(
      "clusters",
      `${schema("spend", "plan", "isNew")} model: m.kmeans({ clusters: 3 }), gate: [m.atLeast("silhouette", 0.1)]`,
    );
    expect(ran.report.metrics["silhouette"]).toBeGreaterThan(0.1);
    // The adjusted Rand index of two fits: 1 where another seed finds the same clusters.
    expect(ran.report.metrics["stability"]).toBeGreaterThan(0);
    expect(ran.report.metrics["stability"]).toBeLessThanOrEqual(1);
    const answer = await project.run(
      "predict",
      "clusters",
      "--row",
      '{"spend":3,"plan":"pro","isNew":false}',
      "--json",
    );
    expect([0, 1, 2]).toContain(answer.json<{ prediction: unknown }>().prediction);
  });

  it("anomaly scores by isolationForest, without a target", async () => {
    const ran = await run(
      "outliers",
      `${schema("spend", "plan", "isNew")} model: m.isolationForest({ trees: 50 }), gate: [m.atLeast("stability", 0.5)]`,
    );
    // The rank correlation with the scores of a fit from another seed.
    expect(ran.report.metrics["stability"]).toBeGreaterThan(0.5);
    const scoreOf = async (row: string): Promise<number> => {
      const answer = await project.run("predict", "outliers", "--row", row, "--json");
      return answer.json<{ prediction: number }>().prediction;
    };
    const [usual, unusual] = [
      await scoreOf('{"spend":3,"plan":"pro","isNew":false}'),
      await scoreOf('{"spend":3000,"plan":"pro","isNew":false}'),
    ];
    expect(unusual).toBeGreaterThan(usual);
    expect(unusual).toBeLessThan(1);
  });

  it("tunes by grid and by chance, and lets auto choose within its budget", async () => {
    const body = `${schema(...features, "stays")} target: "stays",`;
    const grid = await run(
      "grid",
      `${body} model: m.tune(m.linear(), { strategy: "grid", folds: 2, space: { l2: [0.1, 10] } })`,
    );
    expect(metrics(grid, "tune")["trials"]).toBeGreaterThanOrEqual(2);
    const chance = await run(
      "chance",
      `${body} model: m.tune(m.boosting({ trees: 15 }), { trials: 3, folds: 2, space: { leaves: [3, 15], learningRate: m.between(0.01, 0.3, "log") } })`,
    );
    expect(metrics(chance, "tune")["trials"]).toBe(3);
    const several = await run(
      "several",
      `${body} model: m.blend([m.tune(m.linear(), { trials: 2, folds: 2 }), m.boosting({ trees: 15 })])`,
    );
    expect(metrics(several, "tune")["trials"]).toBe(2);
    const auto = await run("auto", `${body} model: m.auto({ budget: "5s" })`);
    expect(metrics(auto, "tune")["trials"]).toBeGreaterThan(0);
  });
});

describe.skipIf(!isBuilt)("steps of the user's own", () => {
  let project: Project;
  const body = (steps: string, gate = '[m.atLeast("r2", 0.1)]'): string =>
    `{ name: "own", ${schema("spend", "plan", "score")} target: "score", model: m.linear(), gate: ${gate}, steps: { ${steps} } }`;
  beforeAll(() => {
    project = createProject();
    project.write("visits.csv", visits);
  });
  afterAll(() => project.remove());

  it("are given what the step they follow made, once, and are answered from the cache after", async () => {
    const say = (what: string): string => `console.log("heard", JSON.stringify(${what}));`;
    const count = "let n = 0; for await (const row of rows) n += row.score > -99 ? 1 : 0;";
    project.pipeline(
      "own",
      body(`
        count: { after: "ingest", async run({ rows }) { ${count} ${say("{ n }")} } },
        look: { after: "validate", async run({ rows, issues }) { ${count} ${say("{ n, issues: issues.length }")} } },
        ask: { after: "train", run({ predict }) { ${say('{ value: typeof predict({ spend: 5, plan: "pro" }) }')} } },
        compare: { after: "evaluate", run({ metrics }) { ${say("{ r2: metrics.r2 > 0 }")} } },
        judge: { after: "gate", timeout: "30s", run({ passed, metrics }) { ${say("{ passed, rmse: metrics.rmse > 0 }")} } },
        tell: { after: "promote", run({ version }) { ${say("{ version }")} } },
      `),
    );
    const answer = await project.run("run", "own", "--json");
    expect(answer.code, answer.stdout + answer.stderr).toBe(0);
    const heard = [...answer.stderr.matchAll(/heard (.*)/g)].map((match) => JSON.parse(match[1]!) as unknown);
    expect(heard).toEqual([
      { n: 500 },
      { n: 500, issues: 0 },
      { value: "number" },
      { r2: true },
      { passed: true, rmse: true },
      { version: 1 },
    ]);
    expect(answer.json<Ran>().steps.map((s) => s.step)).toContain("judge");
    const again = await project.run("run", "own");
    expect([again.code, again.stdout.includes("heard")]).toEqual([0, false]);
  });

  it("are not told of a promotion that did not happen", async () => {
    const tell = 'tell: { after: "promote", run({ version }) { console.log("told", version); } }';
    project.pipeline("own", body(tell, '[m.atLeast("r2", 0.9999)]'));
    const answer = await project.run("run", "own");
    expect([answer.code, answer.stdout.includes("told")]).toEqual([3, false]);
  });

  it("end the run when they throw or take too long, which does not wait for what they left running", async () => {
    project.pipeline("own", body('fail: { after: "train", run() { throw new Error("no coffee"); } }'));
    expectRefusal(await project.run("run", "own", "--json"), "STEP_FAILED", 1, '"fail"', "no coffee");
    const slow = "await new Promise((resolve) => setTimeout(resolve, 600_000));";
    project.pipeline("own", body(`slow: { after: "ingest", timeout: "200ms", async run() { ${slow} } }`));
    const late = await project.run("run", "own", "--json");
    expectRefusal(late, /STEP_FAILED|STEP_TIMED_OUT/.exec(late.stdout)![0], 1, '"slow"', "200");
    expect((await project.run("models", "own")).stdout).toContain("version 1");
    const { runs } = (await project.run("runs", "--limit", "1", "--json")).json<{ runs: { status: string }[] }>();
    expect(runs).toMatchObject([{ status: "failed" }]);
  });
});
