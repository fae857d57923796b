import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../core/clock.ts";
import { compareRuns } from "../engine/compare.ts";
import { listRuns, showRun } from "../engine/runs.ts";
import { openStore, type Store } from "../store/open.ts";
import { loadSqlite } from "../store/sqlite.ts";
import { verifyStore } from "../store/verify.ts";
import { track } from "./track.ts";

let project: string;
beforeEach(async () => {
  project = await fs.mkdtemp(path.join(os.tmpdir(), "millrace-track-"));
});
afterEach(() => fs.rm(project, { recursive: true, force: true }));

async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(path.join(project, ".millrace"), { clock });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

describe("tracking other training code", () => {
  it("records parameters, metrics over steps, tags, artifacts and nested runs, and gives what the code gives", async () => {
    await fs.writeFile(path.join(project, "weights.bin"), "weights");
    const inner: string[] = [];
    const runId = await track(
      { name: "net", project, params: { depth: 3 }, tags: { team: "pricing" } },
      async (run) => {
        for (let epoch = 0; epoch < 1_200; ++epoch) run.metric("loss", 1 / (1 + epoch));
        run.metric("auc", 0.5, 10);
        run.metric("auc", Number.NaN, 20);
        run.tag("kind", "trial");
        run.param("layers", [8, 4]);
        await run.artifact("weights", path.join(project, "weights.bin"));
        await run.artifact("notes", new TextEncoder().encode("good"));
        inner.push(
          await run.nested({ name: "fold", params: { fold: 1 } }, (fold) => (fold.metric("loss", 0.25), fold.runId)),
        );
        return run.runId;
      },
    );
    await withStore(async (store) => {
      const run = await showRun(store, runId);
      expect(run).toMatchObject({ workflow: "net", status: "succeeded", isTracked: true, parent: null });
      expect(run.tags).toEqual({ team: "pricing", kind: "trial" });
      expect(run.steps[0]).toMatchObject({
        params: { depth: 3, layers: [8, 4] },
        metrics: { loss: 1 / 1200, auc: Number.NaN },
      });
      expect(run.steps[0]!.outputs.map(({ name, size, type }) => [name, size, type])).toEqual([
        ["notes", 4, "bytes"],
        ["weights", 7, "file"],
      ]);
      const series = await store.database.selectFrom("series").selectAll().where("run_id", "=", runId).execute();
      expect(series.filter((point) => point.metric === "loss")).toHaveLength(1_200);
      expect(series.filter((point) => point.metric === "auc").map((p) => [p.position, p.value])).toEqual([
        [10, 0.5],
        [20, null],
      ]);
      expect(await showRun(store, inner[0]!)).toMatchObject({ parent: runId, workflow: "fold", status: "succeeded" });
      expect((await listRuns(store, { tag: { name: "team", value: "pricing" } })).map((r) => r.runId)).toEqual([runId]);
      expect(await listRuns(store, { tag: { name: "team", value: "other" } })).toEqual([]);
      expect((await listRuns(store, { tag: { name: "kind" } })).map((r) => r.runId)).toEqual([runId]);
      const [newest] = await listRuns(store, { status: "succeeded", limit: 1 });
      expect(newest?.runId).toBe(inner[0]);
      expect(await listRuns(store, { sinceMs: clock.now() + 1_000 })).toEqual([]);
    });
    expect((await verifyStore(path.join(project, ".millrace"), clock)).faults).toEqual([]);
  });

  it("ends as failed with what the code threw, and throws it on", async () => {
    const failing = track({ name: "net", project }, () => {
      throw new TypeError("no luck");
    });
    await expect(failing).rejects.toThrow(TypeError);
    const [run] = await withStore((store) => listRuns(store));
    expect(run).toMatchObject({
      status: "failed",
      error: { code: "STEP_FAILED", message: expect.stringContaining("no luck") },
    });
  });

  it("throws what the code threw even where the record cannot be ended", async () => {
    const failing = track({ name: "net", project }, async () => {
      await withStore((store) => store.database.deleteFrom("leases").execute());
      throw new TypeError("no luck");
    });
    await expect(failing).rejects.toThrow("no luck");
  });

  it("ends as failed, and is held by nobody, where its numbers could not be written", async () => {
    const failing = track({ name: "net", project }, async (run) => {
      const engine = new (await loadSqlite()).DatabaseSync(path.join(project, ".millrace", "metadata.sqlite"));
      engine.exec("create trigger refuse before insert on series begin select raise(abort, 'no series today'); end");
      engine.close();
      run.metric("loss", 1);
    });
    await expect(failing).rejects.toThrow("no series today");
    await withStore(async (store) => {
      const [run] = await listRuns(store);
      expect(run).toMatchObject({ status: "failed", error: { message: expect.stringContaining("no series today") } });
      expect((await showRun(store, run!.runId)).steps[0]).toMatchObject({ status: "failed", metrics: {} });
      expect(await store.database.selectFrom("leases").selectAll().execute()).toEqual([]);
    });
  });

  it("refuses what it cannot keep", async () => {
    const refused = (work: Parameters<typeof track>[1]): Promise<unknown> => track({ name: "net", project }, work);
    await expect(refused((run) => run.metric("", 1))).rejects.toMatchObject({ code: "DEFINITION_INVALID" });
    await expect(refused((run) => run.metric("loss", 1, 0.5))).rejects.toMatchObject({ code: "DEFINITION_INVALID" });
    await expect(refused((run) => run.artifact("a", "absent.bin"))).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
  });

  it("shows what differs between two runs", async () => {
    const trial = (depth: number, loss: number): Promise<string> =>
      track({ name: "net", project, params: { depth, rows: 10 } }, (run) => (run.metric("loss", loss), run.runId));
    const ids = [await trial(3, 0.5), await trial(4, 0.25)];
    const found = await withStore((store) => compareRuns(store, ids));
    expect(found.parameters).toEqual([
      { name: "seed", values: [0, 0], isEqual: true },
      { name: "track.depth", values: [3, 4], isEqual: false },
      { name: "track.rows", values: [10, 10], isEqual: true },
    ]);
    expect(found.metrics).toEqual([{ name: "track.loss", values: [0.5, 0.25], isEqual: false }]);
    expect(found.code.every((fact) => fact.isEqual)).toBe(true);
    await expect(withStore((store) => compareRuns(store, [ids[0]!, "none"]))).rejects.toMatchObject({
      code: "RUN_NOT_FOUND",
    });
  });
});
