import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../core/clock.ts";
import { createRng } from "../core/rng.ts";
import type { StepResult } from "../engine/step.ts";
import {
  boosting,
  category,
  csv,
  forest,
  linear,
  number,
  pipeline,
  standardize,
  text,
  timestamp,
  warmStart,
} from "../index.ts";
import type { Model } from "../model/model.ts";
import type { TreesPredictor } from "../model/predictor.ts";
import type { PipelineSpec } from "../pipeline/spec.ts";
import { loadVersion } from "./champion.ts";
import { openProject, type Project } from "./project.ts";
import { reproduceRun } from "./reproduce.ts";
import { runPipeline } from "./run-pipeline.ts";

let root: string;
let project: Project;
beforeEach(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), "millrace-warm-"));
  project = await openProject(root, { clock });
  await writeHomes(400);
});
afterEach(async () => {
  await project.close();
  await fs.rm(root, { recursive: true, force: true });
});

/** The first rows are the same however many there are. */
async function writeHomes(nRows: number): Promise<void> {
  const rng = createRng(3);
  const rows = Array.from({ length: nRows }, (_, row) => {
    const [area, city] = [20 + rng.integer(200), ["oslo", "bergen", "tromso"][rng.integer(3)]!];
    return `h${row},${area},${city},${area * (city === "oslo" ? 9 : 5) + rng.integer(40)}`;
  });
  await fs.writeFile(path.join(root, "homes.csv"), ["home,area,city,price", ...rows, ""].join("\n"));
}

type Change = Partial<Pick<PipelineSpec, "model" | "split" | "prepare" | "expressions" | "seed" | "inputs">>;

/** The pipeline with another estimator, or other parts of its definition. */
function homes(model: PipelineSpec["model"], change: Change = {}): PipelineSpec {
  const { spec } = pipeline({
    name: "homes",
    data: csv("homes.csv"),
    schema: { home: text(), area: number(), city: category(), price: number() },
    target: "price",
    id: "home",
    split: { by: "hash" },
    features: (c) => ({ size: c.area.log() }),
    model: boosting(),
  });
  return { ...spec, model, ...change };
}

/** A row a day, from one day to before another. */
async function writeDays(...stretches: readonly (readonly [from: number, to: number])[]): Promise<void> {
  const days = stretches.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));
  const rows = days.map((day) => {
    const time = new Date(Date.UTC(2024, 0, 1 + day)).toISOString();
    return `${time},${day % 7},${(day % 7) * 3 + (day % 5)}`;
  });
  await fs.writeFile(path.join(root, "sales.csv"), ["day,weekday,sold", ...rows, ""].join("\n"));
}

function sales(model: PipelineSpec["model"]): PipelineSpec {
  const { spec } = pipeline({
    name: "homes",
    data: csv("sales.csv"),
    schema: { day: timestamp(), weekday: number(), sold: number() },
    target: "sold",
    time: "day",
    model: boosting(),
  });
  return { ...spec, model };
}

const rounds = { trees: 12, earlyStopping: 0 };
const more = warmStart(boosting(rounds), { from: 1 });

async function train(spec: PipelineSpec): Promise<{ runId: string; steps: readonly StepResult[]; error: unknown }> {
  return (await runPipeline(project, spec)).result;
}

async function modelOf(version: number): Promise<Model> {
  return (await loadVersion(project, "homes", version)).model;
}

const treesOf = ({ predictor }: Model): number => (predictor as TreesPredictor).treeOffsets.length;

describe("a pipeline that goes on from an earlier version", () => {
  it("gives the model that one training of all rounds gives, which names where it comes from", async () => {
    await train(homes(boosting(rounds)));
    await train(homes(more));
    await train(homes(boosting({ ...rounds, trees: 24 })));
    const [first, second, whole] = [await modelOf(1), await modelOf(2), await modelOf(3)];
    expect([first, second, whole].map(treesOf)).toEqual([12, 24, 24]);
    expect(second.predictor).toEqual(whole.predictor);
    expect(second.parity).toEqual(whole.parity);
    const { digest } = (await loadVersion(project, "homes", 1)).version;
    expect(second.provenance["start"]).toEqual({ version: 1, digest });
    expect(whole.provenance).not.toHaveProperty("start");
  });

  it("is answered from the cache until its champion is another one, and begins anew without any", async () => {
    const spec = homes(warmStart(boosting(rounds), { from: "champion" }));
    await train(spec);
    expect(treesOf(await modelOf(1))).toBe(12);
    await train(spec);
    expect(treesOf(await modelOf(2))).toBe(24);
    const fixed = homes(more);
    const statusOf = (steps: readonly StepResult[]): string[] =>
      steps.filter(({ step }) => ["tune", "features", "train"].includes(step)).map(({ status }) => status);
    await train(fixed);
    expect(statusOf((await train(fixed)).steps)).toEqual(["cached", "cached", "cached"]);
    expect(statusOf((await train(homes(warmStart(boosting(rounds), { from: 2 })))).steps).at(-1)).toBe("ran");
  });

  it("keeps the earlier preparation on rows that were added", async () => {
    await train(homes(boosting(rounds)));
    await writeHomes(700);
    const { error } = await train(homes(more));
    expect(error).toBeNull();
    const [first, second] = [await modelOf(1), await modelOf(2)];
    expect(second.features).toEqual(first.features);
    expect(second.provenance["dataset"]).not.toBe(first.provenance["dataset"]);
    expect(treesOf(second)).toBe(24);
  });

  it("is reproduced from its record, whatever the champion is by then", async () => {
    const spec = homes(warmStart(boosting(rounds), { from: "champion" }));
    await train(spec);
    const { runId } = await train(spec);
    await train(spec);
    expect(await reproduceRun(project, runId)).toMatchObject({ equal: true, error: null });
    const { runId: fixed } = await train(homes(more));
    expect(await reproduceRun(project, fixed)).toMatchObject({ equal: true, error: null });
  });

  it("refuses a version of another definition", async () => {
    await train(homes(boosting(rounds)));
    const warm = (given: Parameters<typeof boosting>[0]): PipelineSpec["model"] =>
      warmStart(boosting({ ...rounds, ...(given as object) }), { from: 1 });
    const prepare = [{ feature: "area", choice: [standardize()] }] as unknown as PipelineSpec["prepare"];
    const changes: readonly (readonly [PipelineSpec, RegExp])[] = [
      [homes(more, { expressions: [] }), /derived features must be/u],
      [homes(more, { prepare }), /features and their preparation must be/u],
      [homes(warm({ loss: "absolute" })), /loss must be/u],
      [homes(warm({ increasing: ["area"] })), /increasing must be/u],
    ];
    for (const [spec, message] of changes) {
      const { error } = await train(spec);
      expect(error).toMatchObject({ code: "WARM_START_REFUSED", message: expect.stringMatching(message) as string });
    }
    expect((await train(homes(warmStart(boosting(rounds), { from: 9 })))).error).toMatchObject({
      code: "VERSION_NOT_FOUND",
    });
  });

  it.each([forest({ trees: 3 }), linear()])("refuses a version that is not of boosting (%#)", async (model) => {
    await train(homes(model));
    const { error } = await train(homes(more));
    expect(error).toMatchObject({ code: "WARM_START_REFUSED", context: { actual: JSON.stringify(model.estimator) } });
  });

  it("goes on from the champion its cache key names, and is reproduced so, where another is promoted meanwhile", async () => {
    await train(homes(boosting(rounds)));
    await train(homes(boosting({ ...rounds, trees: 5 })));
    const { versions } = project.registry;
    const [first, second] = await versions("homes");
    const asked: number[] = [];
    const registry = {
      ...project.registry,
      champion: async () => (asked.push(asked.length) === 1 ? first! : second!),
    };
    const spec = homes(warmStart(boosting(rounds), { from: "champion" }));
    const { result } = await runPipeline({ ...project, registry }, spec);
    expect(result.error).toBeNull();
    expect((await modelOf(3)).provenance["start"]).toEqual({ version: 1, digest: first!.digest });
    expect(asked.length).toBeGreaterThan(1);
    expect(await reproduceRun(project, result.runId)).toMatchObject({ equal: true, error: null });
  });

  it("refuses a version that learned by another split than the one that judges now", async () => {
    const { split } = homes(more);
    const shuffled = { ...split, by: "random" as const };
    await train(homes(boosting(rounds), { split: shuffled }));
    await writeHomes(500);
    const refused = { code: "WARM_START_REFUSED", message: expect.stringMatching(/the split/u) as string };
    expect((await train(homes(more))).error).toMatchObject(refused);
    const { error } = await train(homes(boosting(rounds)));
    expect(error).toBeNull();
    const next = warmStart(boosting(rounds), { from: 2 });
    expect((await train(homes(next, { split: { ...split, test: 0.3 } }))).error).toMatchObject(refused);
    expect((await train(homes(next))).error).toBeNull();
  });

  it("remembers the split of its own definition where another had given the same rows before", async () => {
    const { split } = homes(more);
    const other = { ...split, test: split.test + 1e-9 };
    for (const change of [{ split }, { split: other }]) await train(homes(boosting(rounds), change));
    const [first, second] = [await modelOf(1), await modelOf(2)];
    expect(second.provenance["split"]).toBe(first.provenance["split"]);
    expect([first, second].map(({ provenance }) => provenance["division"])).toMatchObject([
      { test: split.test },
      { test: other.test },
    ]);
  });

  it("refuses rows to test on that are no later than those the earlier versions have seen", async () => {
    const error = { code: "WARM_START_REFUSED", message: expect.stringMatching(/later than/u) as string };
    await writeDays([0, 300]);
    await train(sales(boosting(rounds)));
    await writeDays([0, 290]);
    expect((await train(sales(more))).error).toMatchObject(error);
    // Of days 200 to 249 the second version knows by the first alone.
    await writeDays([0, 200], [250, 300]);
    expect((await train(sales(more))).error).toBeNull();
    const next = warmStart(boosting(rounds), { from: 2 });
    await writeDays([0, 290]);
    expect((await train(sales(next))).error).toMatchObject(error);
    await writeDays([0, 320]);
    expect((await train(sales(next))).error).toBeNull();
  });

  it("refuses other data where the split may test on what the earlier version learned from", async () => {
    const { split } = pipeline({
      name: "homes",
      data: csv("homes.csv"),
      schema: { area: number(), price: number() },
      target: "price",
      split: { by: "random" },
      model: boosting(),
    }).spec;
    await train(homes(boosting(rounds), { split }));
    expect((await train(homes(more, { split }))).error).toBeNull();
    await writeHomes(500);
    expect((await train(homes(more, { split }))).error).toMatchObject({ code: "WARM_START_REFUSED" });
  });
});
