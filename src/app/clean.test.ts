import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silent } from "../core/progress.ts";
import { fixedClock } from "../core/clock.ts";
import { createRng } from "../core/rng.ts";
import { showRun } from "../engine/runs.ts";
import { columnOf } from "../frame/frame.ts";
import { category, number } from "../frame/schema.ts";
import { datasetCodec } from "../ingest/dataset.ts";
import { csv } from "../ingest/source.ts";
import { decodeModel } from "../model/file.ts";
import { predictRows } from "../model/predict.ts";
import { pipeline } from "../pipeline/definition.ts";
import type { PipelineSpec } from "../pipeline/spec.ts";
import { ingestReportCodec } from "../pipeline/workflow/ingest-step.ts";
import { linear } from "../train/choice.ts";
import { loadVersion } from "./champion.ts";
import { predictFile } from "./predict.ts";
import { dataReportOf, renderDataReport } from "./data-report.ts";
import { openProject } from "./project.ts";
import { runPipeline } from "./run-pipeline.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-clean-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeAll(() => {
  mkdirSync(join(root, "data"));
  const rng = createRng(9);
  const rows = Array.from({ length: 120 }, (_, i) => {
    const size = i === 7 ? "5000" : i === 9 ? "-1" : rng.next().toFixed(6);
    return [i, i === 3 ? " Red " : i === 4 ? "unknown" : "red", size, (i * 3.5 + rng.next()).toFixed(6)].join(",");
  });
  rows.push(rows[20]!, rows[21]!.replace("red", "RED"));
  writeFileSync(join(root, "data", "items.csv"), `key,colour,size,price\n${rows.join("\n")}\n`);
});

const items = (clean: object): PipelineSpec =>
  pipeline({
    name: "items",
    data: csv("data/items.csv"),
    schema: { key: number(), colour: category({ missing: 0.5 }), size: number({ missing: 0.5 }), price: number() },
    clean,
    target: "price",
    model: linear(),
  }).spec;

describe("cleaning on the way in", () => {
  it("trims, cases, reads texts as missing, sets duplicates and values far out aside, and tells of it", async () => {
    const spec = items({
      duplicates: { by: "key" },
      columns: {
        colour: { trim: true, case: "lower", missing: ["unknown"] },
        size: { missing: ["-1"], outliers: "quarantine" },
      },
    });
    const project = await openProject(root, { clock: fixedClock(0) });
    try {
      const { result } = await runPipeline(project, spec, { inline: true });
      expect(result.status).toBe("succeeded");
      const details = await showRun(project.store, result.runId);
      const pathOf = (type: string): Promise<string> =>
        project.store.artifacts.verifiedPath(
          details.steps.flatMap((step) => step.outputs).find((output) => output.type === type)!.digest,
        );
      const report = await ingestReportCodec.read(await pathOf("ingest-report"));
      expect(report.cleaned).toEqual([{ column: "colour", cells: 2 }]);
      const frame = await datasetCodec(spec.contract).read(await pathOf("dataset"));
      expect(columnOf(frame, "colour")).toMatchObject({ levels: ["red"] });
      expect(renderDataReport((await dataReportOf(project, details))!)).toEqual([
        "122 rows in = 119 ok + 3 quarantined",
        "  2 by key: duplicate",
        "  1 by size: outlier",
        "  2 cells of colour cleaned",
      ]);
    } finally {
      await project.close();
    }
  });

  it("clips values far out at fences of the train rows, in requests too, and leaves the snapshot as it is", async () => {
    const spec = items({ columns: { colour: { trim: true }, size: { missing: ["-1"], outliers: "clip" } } });
    const project = await openProject(root, { clock: fixedClock(0) });
    try {
      const { result } = await runPipeline(project, spec, { inline: true });
      expect(result.status).toBe("succeeded");
      const details = await showRun(project.store, result.runId);
      const outputs = details.steps.flatMap((step) => step.outputs);
      const bytesOf = (type: string): Promise<Uint8Array> =>
        project.store.artifacts.readBytes(outputs.find((output) => output.type === type)!.digest);
      const model = decodeModel(await bytesOf("model"));
      const steps = model.features.find(({ feature }) => feature === "size")!.steps;
      expect(steps[0]).toMatchObject({ kind: "clip" });
      const { high } = steps[0] as { high: number };
      expect(high).toBeLessThan(5);
      const row = { key: 1, colour: "red" };
      const predicted = predictRows(
        model,
        [high, 5_000, 1e300].map((size) => ({ ...row, size })),
      ).predictions.values;
      expect(new Set(predicted).size).toBe(1);
      const path = await project.store.artifacts.verifiedPath(outputs.find(({ type }) => type === "dataset")!.digest);
      const size = columnOf(await datasetCodec(spec.contract).read(path), "size");
      expect(size.kind === "number" && Math.max(...size.values.filter((value) => !Number.isNaN(value)))).toBe(5_000);
    } finally {
      await project.close();
    }
  });

  it("tells of values far out where they are to stay, and clips at a range or at quantiles of the train rows", async () => {
    const project = await openProject(root, { clock: fixedClock(0) });
    const fencesOf = async (outliers: object): Promise<{ lines: readonly string[]; step: object }> => {
      const spec = items({ columns: { colour: { trim: true }, size: { outliers } } });
      const { result } = await runPipeline(project, spec, { inline: true });
      expect(result.status).toBe("succeeded");
      const details = await showRun(project.store, result.runId);
      const { digest } = details.steps.flatMap((step) => step.outputs).find(({ type }) => type === "model")!;
      const model = decodeModel(await project.store.artifacts.readBytes(digest));
      const [step] = model.features.find(({ feature }) => feature === "size")!.steps;
      return { lines: renderDataReport((await dataReportOf(project, details))!), step: step! };
    };
    try {
      const warned = await fencesOf({ policy: "warn", range: [0, 100] });
      expect(warned.lines.slice(0, 3)).toEqual([
        "122 rows in = 122 ok + 0 quarantined",
        "  1 cells of colour cleaned",
        "  2 warned by size: outlier",
      ]);
      expect(warned.step).not.toMatchObject({ kind: "clip" });
      expect((await fencesOf({ policy: "clip", range: [0, 0.5] })).step).toEqual({ kind: "clip", low: 0, high: 0.5 });
      const { step } = await fencesOf({ policy: "clip", quantiles: [0.1, 0.9] });
      expect(step).toMatchObject({ kind: "clip" });
      expect((step as { low: number }).low).toBeGreaterThan(0);
      expect((step as { high: number }).high).toBeLessThan(1);
    } finally {
      await project.close();
    }
  });

  it("treats requests and files to be predicted as it treated the source", async () => {
    const project = await openProject(root, { clock: fixedClock(0) });
    try {
      const spec = items({
        columns: {
          colour: { trim: true, case: "lower", missing: ["unknown"] },
          size: { missing: ["-1"], units: { "": 1, m: 1, cm: 0.01 } },
        },
      });
      const { version } = await runPipeline(project, spec, { inline: true });
      const rows = [" Red ", "red", "RED"].map((colour) => ({ key: 5, colour, size: 0.4 }));
      const { model } = await loadVersion(project, "items", version!);
      expect(new Set(predictRows(model, rows).predictions.values).size).toBe(1);
      const [none, coded] = predictRows(model, [
        { key: 5, colour: null, size: null },
        { key: 5, colour: "unknown", size: -1 },
      ]).predictions.values;
      expect(coded).toBe(none);
      writeFileSync(join(root, "more.csv"), "key,colour,size\n5, Red ,0.4\n5,RED,40 cm\n5,red,0.4 m\n");
      const file = {
        version: version!,
        out: undefined,
        signal: new AbortController().signal,
        explain: false,
        reading: silent,
        predicting: silent,
      };
      const answers = await predictFile(project, "items", join(root, "more.csv"), file);
      expect(new Set(answers.predictions)).toEqual(new Set([predictRows(model, rows).predictions.values[0]]));
    } finally {
      await project.close();
    }
  });

  it("is checked when the definition is read", () => {
    expect(() => items({ duplicates: "all" })).toThrow(/clean.duplicates must be an object/);
    expect(() => items({ duplicates: { by: [] } })).toThrow(/must name a column/);
    expect(() => items({ duplicates: { by: "kee" } })).toThrow(/no column "kee"/);
    expect(() => items({ duplicates: { by: "key", keep: "any" } })).toThrow(/first or last/);
    expect(() => items({ columns: { colour: { case: "title" } } })).toThrow(/lower or upper/);
    expect(() => items({ columns: { colour: { outliers: 3 } } })).toThrow(/has the options trim/);
    expect(() => items({ columns: { size: { outliers: -3 } } })).toThrow(/interquartile ranges above 0/);
    expect(() => items({ columns: { size: { outliers: "drop" } } })).toThrow(/must be "quarantine", "warn", "clip"/);
    for (const wrong of [{ range: [5, 1] }, { quantiles: [0.1, 2] }, { reach: 3, range: [0, 1] }, { low: 3 }])
      expect(() => items({ columns: { size: { outliers: { policy: "warn", ...wrong } } } })).toThrow(
        /a reach, quantiles/,
      );
    expect(() => items({ columns: { size: { missing: [3] } } })).toThrow(/list of texts/);
    expect(() => items({ columns: { nothing: {} } })).toThrow(/no column "nothing"/);
    expect(() => items({ columns: { size: { outliers: { clip: 0 } } } })).toThrow(/interquartile ranges above 0/);
    expect(() => items({ columns: { price: { outliers: "clip" } } })).toThrow(/clips features alone/);
    expect(() => items({ columns: { size: { units: { kg: 0 } } } })).toThrow(/how many of the one that is kept/);
    expect(() => items({ columns: { size: { units: {} } } })).toThrow(/how many of the one that is kept/);
    expect(() => items({ columns: { size: { dates: "DD.MM.YYYY" } } })).toThrow(/has the options missing, outliers/);
    expect(() => items({ cleaner: true })).toThrow(/has the options duplicates, columns/);
  });
});
