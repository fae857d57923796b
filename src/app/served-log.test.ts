import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { housesModel } from "../../test/serve/served-models.ts";
import { fixedClock } from "../core/clock.ts";
import { readPredictionLog } from "../monitor/log-reader.ts";
import { addArtifact } from "../store/store.fixtures.ts";
import type { Project } from "./project.ts";
import { memoryProject } from "./project.fixtures.ts";
import { openServedLog } from "./served-log.ts";

const clock = fixedClock(1_000);
let project: Project;
beforeEach(async () => {
  project = await memoryProject(clock);
});
afterEach(() => project.close());

const inputs = { rooms: 4, street: "Elm" };
const entry = { id: "p", time: 1_000, version: 1, inputs, output: 5, latencyMs: 1 };

describe("the log of a server", () => {
  it("leaves out what the definition names by which the version was judged last", async () => {
    const { store } = project;
    const digest = await addArtifact(store, Uint8Array.of(1));
    const runs = [{ monitor: {} }, { monitor: { redact: ["street"] } }].map((definition, i) => ({
      id: `r${i}`,
      workflow: "houses",
      seed: 1,
      status: "succeeded" as const,
      sequence: i + 1,
      attempt: 1,
      started_at: 1,
      finished_at: 2,
      duration_ms: 1,
      host: "h",
      pid: 1,
      process_started: "1",
      definition: JSON.stringify(definition),
    }));
    await store.database.insertInto("runs").values(runs).execute();
    await store.database.insertInto("artifacts").values({ digest, size: 1 }).execute();
    for (const [i, { id }] of runs.entries())
      await project.registry.register({
        model: "houses",
        digest,
        runId: id,
        metrics: { r2: i },
        comparedWith: null,
        verdict: { passed: true, reasons: [] },
      });
    const served = openServedLog(project, { mode: "async", keepDays: null, onEvent: () => {} });
    await served.learn(housesModel(1).model, digest);
    served.log.of("houses").append([entry, { ...entry, id: "q", version: 2 }]);
    await served.close();
    const { entries } = await readPredictionLog(store.folder, "houses", { sinceMs: 0, untilMs: Infinity });
    expect(entries.map((one) => [one.id, one.inputs, one.redacted])).toEqual([
      ["p", { rooms: 4 }, ["street"]],
      // Nobody told of this version: nothing of its requests is kept.
      ["q", {}, ["rooms", "street"]],
    ]);
  });
});
