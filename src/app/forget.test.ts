import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../core/clock.ts";
import { createRng } from "../core/rng.ts";
import { showRun } from "../engine/runs.ts";
import { boosting, csv, linear, number, pipeline, text, warmStart } from "../index.ts";
import { datasetCodec } from "../ingest/dataset.ts";
import { recordFeedback } from "../monitor/feedback.ts";
import { openPredictionLog } from "../monitor/prediction-log.ts";
import { predictionId } from "../monitor/prediction-id.ts";
import { listSegments, segmentFile, segmentFolder } from "../monitor/segments.ts";
import { createRegistry } from "../registry/registry.ts";
import { backUp, restoreBackup } from "../store/backup.ts";
import { collectGarbage } from "../store/gc.ts";
import { openStore } from "../store/open.ts";
import { verifyStore } from "../store/verify.ts";
import { forget, type ForgetReport } from "./forget.ts";
import { privacyKeyOf } from "./privacy-key.ts";
import { openProject, type Project } from "./project.ts";
import { runPipeline } from "./run-pipeline.ts";

const key = "a long random text of a test";
let root: string;
let project: Project;
beforeEach(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), "millrace-forget-"));
  project = await openProject(root, { clock });
});
afterEach(async () => {
  delete process.env["MILLRACE_PRIVACY_KEY"];
  await project.close();
  await fs.rm(root, { recursive: true, force: true });
});

const ann = "ann@example.com";

/** Each of 60 patients has three stays; one of Ann's breaks the contract. */
async function writeStays(patients: readonly string[]): Promise<void> {
  const rng = createRng(5);
  const rows = patients.flatMap((patient, i) =>
    [0, 1, 2].map((stay) => `${patient},${patient === ann && stay === 0 ? -1 : 20 + i},${(i % 9) + rng.integer(5)}`),
  );
  await fs.writeFile(path.join(root, "stays.csv"), ["patient,age,days", ...rows, ""].join("\n"));
}
const everybody = [ann, ...Array.from({ length: 59 }, (_, i) => `p${i}@example.com`)];

const stays = (
  privacy?: "hash" | { readonly hash: { readonly env: string } } | { readonly mask: number },
  clean: { readonly trim?: true; readonly case?: "lower" } = {},
): ReturnType<typeof pipeline>["spec"] =>
  pipeline({
    name: "stays",
    data: csv("stays.csv"),
    schema: {
      patient: text(privacy === undefined ? {} : { privacy }),
      age: number({ min: 0, onViolation: "quarantine" }),
      days: number(),
    },
    id: "patient",
    target: "days",
    clean: { columns: { patient: clean } },
    model: linear(),
  }).spec;

const forgetAnn = ({
  value = ann,
  dryRun = false,
  key: own,
}: { readonly value?: string; readonly dryRun?: boolean; readonly key?: string } = {}): Promise<ForgetReport> =>
  forget(project, { column: "patient", value, dryRun, privacyKeyOf: () => own });

/** Files of the store that hold a text. */
async function filesWith(needle: string): Promise<string[]> {
  const entries = await fs.readdir(project.store.folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const found: string[] = [];
  for (const file of files) if ((await fs.readFile(file)).includes(needle)) found.push(file);
  return found;
}

const faults = async (): Promise<readonly object[]> => (await verifyStore(project.store.folder, clock)).faults;

describe("forgetting a person", () => {
  it("takes the rows out of snapshots, rows set aside and logs, and names the models that saw them", async () => {
    await writeStays(everybody);
    const { result } = await runPipeline(project, stays());
    expect(result.status).toBe("succeeded");
    const log = openPredictionLog(project.store.folder, { clock, model: "stays" });
    const logged = (patient: string): Parameters<typeof log.append>[0][number] => ({
      id: "x",
      time: clock.now(),
      version: 1,
      inputs: { patient, age: 3 },
      output: 4,
      latencyMs: 1,
    });
    log.append([logged(ann), logged("bob@example.com")]);
    await log.close();

    const planned = await forgetAnn({ dryRun: true });
    expect(planned).toMatchObject({ dryRun: true, quarantinedRows: 1, predictions: 1 });
    expect(planned.snapshots).toMatchObject([{ rows: 3, replacement: null, runs: [result.runId] }]);
    expect((await filesWith(ann)).length).toBeGreaterThan(0);

    const report = await forgetAnn();
    expect(report.models).toEqual([{ model: "stays", version: 1, isChampion: true }]);
    expect(report.mentions).toEqual([]);
    // This very process wrote the log, and may be writing it still.
    expect(report.openLogs).toHaveLength(1);
    expect(await filesWith(ann)).toEqual([path.join(project.store.folder, report.openLogs[0]!)]);
    const { replacement } = report.snapshots[0]!;
    const codec = datasetCodec(stays().contract);
    expect((await codec.read(await project.store.artifacts.verifiedPath(replacement!))).nRows).toBe(177);
    expect(await faults()).toEqual([]);
    expect(await project.registry.verifyAudit()).toMatchObject({ intact: true });
    expect(await filesWith(replacement!.slice(7))).not.toEqual([]);
    // Nothing is left to find her in, but the audit log knows what saw her.
    expect(await forgetAnn()).toMatchObject({
      snapshots: [],
      models: [{ model: "stays", version: 1, isChampion: true }],
    });
    expect((await showRun(project.store, result.runId)).status).toBe("succeeded");
  });

  it("names the models that go on from one that saw them, though they were trained without them", async () => {
    const spec = (model: ReturnType<typeof boosting>): ReturnType<typeof pipeline>["spec"] =>
      pipeline({
        name: "stays",
        data: csv("stays.csv"),
        schema: { patient: text(), age: number(), days: number() },
        id: "patient",
        target: "days",
        split: { by: "hash" },
        model,
      }).spec;
    const few = boosting({ trees: 3, earlyStopping: 0 });
    await writeStays(everybody);
    await runPipeline(project, spec(few));
    await writeStays(everybody.filter((patient) => patient !== ann));
    for (const model of [warmStart(few, { from: 1 }), warmStart(few, { from: 2 }), few])
      expect((await runPipeline(project, spec(model))).result.error).toBeNull();
    const { models } = await forgetAnn();
    expect(models.map(({ version }) => version)).toEqual([1, 2, 3]);
    expect((await forgetAnn({ dryRun: true })).models.map(({ version }) => version)).toEqual([1, 2, 3]);
  });

  it("takes what was no row, such as a malformed line, and a failed run's rows", async () => {
    await writeStays(everybody);
    await fs.appendFile(path.join(root, "stays.csv"), `${ann},3\n${ann},-5,many\n`);
    const data = csv("stays.csv", { onMalformed: "quarantine" });
    const schema = { patient: text(), age: number({ min: 0, onViolation: "quarantine" as const }) };
    const days = number({ onViolation: "quarantine" });
    const spec = (given: typeof days): ReturnType<typeof pipeline>["spec"] =>
      pipeline({ data, name: "stays", schema: { ...schema, days: given }, target: "days", model: linear() }).spec;
    expect((await runPipeline(project, spec(days))).result.status).toBe("succeeded");
    expect((await runPipeline(project, spec(number()))).result.status).toBe("failed");
    expect(await forgetAnn()).toMatchObject({ quarantinedRows: 3 + 3, mentions: [] });
    expect(await filesWith(ann)).toEqual([]);
    expect(await faults()).toEqual([]);
  });

  it("takes what became true of predictions before them: stopped in between, it still knows whose they are", async () => {
    await writeStays(everybody);
    await runPipeline(project, stays());
    const { folder } = project.store;
    const log = openPredictionLog(folder, { clock, model: "stays" });
    const id = predictionId(clock.now(), "00000000-0000-4000-8000-000000000001");
    log.append([{ id, time: clock.now(), version: 1, inputs: { patient: ann, age: 3 }, output: 4, latencyMs: 1 }]);
    await log.close();
    expect(await recordFeedback(project.store, clock, "stays", [{ predictionId: id, actual: 5 }])).toEqual([
      "recorded",
    ]);
    const [segment] = await listSegments(segmentFolder(folder, "stays"));
    const ended = path.join(path.dirname(segment!.path), segmentFile(segment!.startMs, 4_194_304, 0));
    await fs.rename(segment!.path, ended);
    // Of a stream's messages one is hers; the place where the others would be written is taken.
    const downloads = path.join(folder, "downloads");
    await fs.mkdir(path.join(downloads, "a-1.jsonl.partial"), { recursive: true });
    await fs.writeFile(path.join(downloads, "a-1.jsonl"), `${JSON.stringify({ patient: ann })}\n`);
    const parts = [{ file: "a-1.jsonl", name: "0 to 0", digest: "sha256:0", nRows: 1 }];
    const notes = { parts, state: { read: {}, refused: [], nRefused: 0 } };
    await fs.writeFile(path.join(downloads, "a.parts.json"), JSON.stringify(notes));
    await expect(forgetAnn()).rejects.toThrow("EISDIR");
    await fs.rm(path.join(downloads, "a-1.jsonl.partial"), { recursive: true });
    await forgetAnn();
    expect(await project.store.database.selectFrom("feedback").selectAll().execute()).toEqual([]);
    expect(await filesWith(ann)).toEqual([]);
  });

  it("finds a hashed person by the key, and nobody by another", async () => {
    process.env["MILLRACE_PRIVACY_KEY"] = key;
    await writeStays(everybody);
    await runPipeline(project, stays("hash"));
    expect(await filesWith(ann)).toEqual([]);
    await expect(forgetAnn()).rejects.toMatchObject({ code: "PRIVACY_KEY_MISSING" });
    expect((await forgetAnn({ key: "another long random text" })).snapshots).toEqual([]);
    expect((await forgetAnn({ key })).snapshots).toMatchObject([{ rows: 3 }]);
    expect(await faults()).toEqual([]);
  });

  it("finds a person however the source or the question wrote the value, where the contract cleans it", async () => {
    process.env["MILLRACE_PRIVACY_KEY"] = key;
    await writeStays([" Ann@Example.com ", ...everybody.slice(1)]);
    await runPipeline(project, stays("hash", { trim: true, case: "lower" }));
    expect((await forgetAnn({ key, value: "ANN@example.com ", dryRun: true })).snapshots).toMatchObject([{ rows: 3 }]);
    expect((await forgetAnn({ key })).snapshots).toMatchObject([{ rows: 3 }]);
  });

  it("takes the key from the variable that is named, and keeps neither it nor whom it hides", async () => {
    const own = { hash: { env: "CLINIC_KEY" } };
    process.env["MILLRACE_PRIVACY_KEY"] = key;
    await writeStays(everybody);
    delete process.env["CLINIC_KEY"];
    const { result: refused } = await runPipeline(project, stays(own));
    const { error } = await showRun(project.store, refused.runId);
    expect([error?.code, error?.message]).toEqual(["PRIVACY_KEY_MISSING", expect.stringContaining("CLINIC_KEY")]);
    process.env["CLINIC_KEY"] = "the clinic's own long key";
    try {
      const { result } = await runPipeline(project, stays(own));
      expect(result.status).toBe("succeeded");
      for (const secret of [ann, "the clinic's own long key"]) expect(await filesWith(secret)).toEqual([]);
      const asked = { column: "patient", value: ann, dryRun: true, privacyKeyOf };
      expect((await forget(project, asked)).snapshots).toMatchObject([{ rows: 3 }]);
    } finally {
      delete process.env["CLINIC_KEY"];
    }
  });

  it("lasts: garbage collection, backups and later runs keep what is left, and nothing brings the rest back", async () => {
    await writeStays(everybody);
    await runPipeline(project, stays());
    await forgetAnn();
    await collectGarbage(project.store, clock, { keepRuns: null, dryRun: false });
    expect(await faults()).toEqual([]);
    await backUp(project.store, clock, path.join(root, "backup"));
    await restoreBackup(path.join(root, "backup"), path.join(root, "restored"), clock, { force: false });
    expect((await verifyStore(path.join(root, "restored"), clock)).faults).toEqual([]);
    await writeStays(everybody.slice(1));
    const { result } = await runPipeline(project, stays());
    expect(result.status).toBe("succeeded");
    expect(await filesWith(ann)).toEqual([]);
    // Who forgets to mend the source has them back, and is told so by whoever looks.
    await writeStays(everybody);
    await runPipeline(project, stays());
    expect((await forgetAnn({ dryRun: true })).snapshots).toMatchObject([{ rows: 3 }]);
    expect(await faults()).toEqual([]);
    await collectGarbage(project.store, clock, { keepRuns: 1, dryRun: false });
    expect(await faults()).toEqual([]);
  });

  it("is finished by the next call where it was stopped before the bytes went", async () => {
    await writeStays(everybody);
    await runPipeline(project, stays());
    await project.close();
    const hooks = {
      reached(point: string) {
        if (point === "gc.fileRemoving") throw new Error("stopped");
      },
    };
    const store = await openStore(path.join(root, ".millrace"), { clock, hooks });
    const registry = createRegistry(store, clock, () => Promise.reject(new Error("no model is asked for")));
    await expect(
      forget(
        { ...project, store, registry },
        { column: "patient", value: ann, dryRun: false, privacyKeyOf: () => undefined },
      ),
    ).rejects.toThrow("stopped");
    await store.close();
    project = await openProject(root, { clock });
    expect(await faults()).toEqual([]);
    expect((await filesWith(ann)).length).toBeGreaterThan(0);
    expect(await forgetAnn()).toMatchObject({ snapshots: [], quarantinedRows: 1, models: [{ version: 1 }] });
    expect(await filesWith(ann)).toEqual([]);
  });

  it("refuses a column that no contract has, or that names nobody", async () => {
    await writeStays(everybody);
    await runPipeline(project, stays());
    await expect(
      forget(project, { column: "patiend", value: ann, dryRun: true, privacyKeyOf: () => undefined }),
    ).rejects.toMatchObject({ code: "COLUMN_MISSING" });
  });

  it("passes over runs that kept of the column what names nobody, and refuses where all did", async () => {
    await writeStays(everybody);
    await runPipeline(project, stays({ mask: 4 }));
    await expect(forgetAnn({ dryRun: true })).rejects.toMatchObject({ code: "DEFINITION_INVALID" });
    await runPipeline(project, stays());
    expect((await forgetAnn({ dryRun: true })).snapshots).toMatchObject([{ rows: 3 }]);
  });
});
