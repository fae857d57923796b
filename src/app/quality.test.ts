import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { churnModel, housesModel } from "../../test/serve/served-models.ts";
import { fixedClock } from "../core/clock.ts";
import type { Model } from "../model/model.ts";
import { recordFeedback } from "../monitor/feedback.ts";
import { predictionId, timeOfPredictionId } from "../monitor/prediction-id.ts";
import { openPredictionLogs } from "../monitor/prediction-logs.ts";
import type { PredictionLogs } from "../monitor/prediction-logs.ts";
import { sweepPredictions } from "../monitor/sweep-predictions.ts";
import { fixedModels } from "../serve/model-source.ts";
import type { ProblemDocument } from "../serve/problem.ts";
import { createServer } from "../serve/server.ts";
import type { Server } from "../serve/server.ts";
import type { Store } from "../store/open.ts";
import type { Project } from "./project.ts";
import { memoryProject, registerModel } from "./project.fixtures.ts";
import { qualityOf } from "./quality.ts";

const day = 86_400_000;
const clock = fixedClock(Date.UTC(2026, 0, 10, 12));
let store: Store;
let project: Project;
let log: PredictionLogs;
let server: Server;
let url: string;

/** Registers and promotes a model under its name. */
async function publish(model: Model): Promise<void> {
  const { version } = await registerModel(project, model, { rmse: 1.5 });
  await project.registry.promote(model.name, version, { by: "ann", reason: "" });
}

beforeEach(async () => {
  project = await memoryProject(clock);
  ({ store } = project);
  log = openPredictionLogs(store.folder, { clock });
  const models = fixedModels([housesModel(1), churnModel()]);
  const feedback = (model: string, items: Parameters<typeof recordFeedback>[3]): ReturnType<typeof recordFeedback> =>
    recordFeedback(store, clock, model, items);
  server = await createServer({ models, clock, version: "1", port: 0, log, feedback });
  ({ url } = await server.listen());
});
afterEach(async () => {
  await server.close();
  await log.close();
  await project.close();
});

async function post<T>(target: string, body: unknown): Promise<T> {
  const headers = { "content-type": "application/json" };
  return (await (await fetch(url + target, { method: "POST", headers, body: JSON.stringify(body) })).json()) as T;
}

async function predict(model: string, rows: readonly unknown[]): Promise<readonly string[]> {
  const { predictionIds } = await post<{ predictionIds: readonly string[] }>(`/v1/models/${model}/predict`, { rows });
  return predictionIds;
}

async function tell(model: string | undefined, pairs: readonly (readonly [string, unknown])[]): Promise<unknown> {
  const feedback = pairs.map(([predictionId_, actual]) => ({ predictionId: predictionId_, actual }));
  const answer = await post<{ feedback?: { status: string }[] } & Partial<ProblemDocument>>("/v1/feedback", {
    ...(model !== undefined && { model }),
    feedback,
  });
  return answer.feedback?.map(({ status }) => status) ?? answer;
}

describe("feedback", () => {
  it("is joined with its prediction: recorded, a duplicate, corrected, or of an unknown one", async () => {
    const [a, b] = (await predict("houses", [{ rooms: 4 }, { rooms: 5 }])) as [string, string];
    const never = predictionId(clock.now(), randomUUID());
    const first = [
      [a, 1000],
      [never, 5],
      [b, 7],
      [b, 7],
      [b, 8],
      ["nonsense", 1],
    ] as const;
    expect(await tell("houses", first)).toEqual("recorded unknown recorded duplicate corrected unknown".split(" "));
    expect(
      await tell("houses", [
        [a, 1000],
        [b, 9],
      ]),
    ).toEqual(["duplicate", "corrected"]);
    const rows = await store.database.selectFrom("feedback").select(["output", "actual"]).orderBy("output").execute();
    expect(rows).toEqual([
      { output: "1004", actual: "1000" },
      { output: "1005", actual: "9" },
    ]);
    expect(await tell("customer-churn", [[a, "stays"]])).toEqual(["unknown"]);
  });

  it("is held to the contract of the target, all of it or none", async () => {
    const [a] = (await predict("houses", [{ rooms: 4 }])) as [string];
    const [c] = (await predict("customer-churn", [churnModel().model.parity!.rows[0]])) as [string];
    for (const [model, id, bad, code] of [
      ["houses", a, -1, "min"],
      ["houses", a, "7", "kind"],
      ["houses", a, null, "missing"],
      ["customer-churn", c, "perhaps", "levels"],
    ] as const)
      expect(
        await tell(model, [
          [id, model === "houses" ? 1 : "stays"],
          [id, bad],
        ]),
      ).toMatchObject({
        status: 422,
        code: "REQUEST_INVALID",
        issues: expect.arrayContaining([expect.objectContaining({ row: 1, code })]),
      });
    expect(await store.database.selectFrom("feedback").selectAll().execute()).toEqual([]);
  });

  it("that cannot be read is refused", async () => {
    for (const [body, code] of [
      [[], "REQUEST_MALFORMED"],
      [{ feedback: [] }, "REQUEST_MALFORMED"],
      [{ feedback: [{ predictionId: "a" }] }, "REQUEST_MALFORMED"],
      [{ feedback: [{ predictionId: "a", actual: 1, more: 2 }] }, "REQUEST_MALFORMED"],
      [{ feedback: [{ predictionId: "a", actual: 1 }], extra: 1 }, "REQUEST_MALFORMED"],
      [{ feedback: [{ predictionId: "a", actual: 1 }] }, "MODEL_UNNAMED"],
      [{ model: "hosues", feedback: [{ predictionId: "a", actual: 1 }] }, "MODEL_NOT_FOUND"],
      [{ feedback: Array.from({ length: 1001 }, () => ({ predictionId: "a", actual: 1 })) }, "REQUEST_TOO_LARGE"],
    ] as const)
      expect(await post("/v1/feedback", body)).toMatchObject({ code });
  });

  it("finds a prediction by the time its id tells, among many days of log", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; ++i) {
      ids.push(...(await predict("houses", [{ rooms: i }])));
      await log.flush();
      clock.advance(day);
    }
    expect(ids.map((id) => timeOfPredictionId(id))).toEqual(ids.map((_, i) => clock.now() - (5 - i) * day));
    expect(
      await tell(
        "houses",
        ids.map((id) => [id, 3] as const),
      ),
    ).toEqual(ids.map(() => "recorded"));
  });
});

describe("live quality", () => {
  it("is measured by version and by day, and outlives the prediction log", async () => {
    await publish(housesModel(1).model);
    const [a, b] = (await predict("houses", [{ rooms: 4 }, { rooms: 5 }])) as [string, string];
    clock.advance(day);
    const [c] = (await predict("houses", [{ rooms: 6 }])) as [string];
    await tell("houses", [
      [a, 1006],
      [b, 1003],
      [c, 1006],
    ]);
    await log.close();
    await sweepPredictions(store.folder, Infinity, false);
    const byDay = await qualityOf(project, "houses", { since: undefined, until: undefined, by: "day" });
    expect(byDay).toMatchObject({ nRows: 3, unmeasured: 0, champion: { version: 1, metrics: { rmse: 1.5 } } });
    expect(byDay.metrics["mae"]).toBeCloseTo(4 / 3, 12);
    expect(byDay.groups.map(({ nRows, metrics }) => [nRows, metrics["rmse"]])).toEqual([
      [2, 2],
      [1, 0],
    ]);
    expect(byDay.groups[1]!.group).toBe(new Date(clock.now()).toISOString().slice(0, 10));
    const recent = await qualityOf(project, "houses", { since: "12h", until: undefined, by: "version" });
    expect(recent.groups).toMatchObject([{ group: "version 1", nRows: 1 }]);
    await expect(qualityOf(project, "nobody", { since: undefined, until: undefined, by: "day" })).rejects.toMatchObject(
      {
        code: "MODEL_NOT_FOUND",
      },
    );
  });

  it("of a ranking is not measured, as groups are not kept", async () => {
    const { model } = housesModel(1);
    const [a] = (await predict("houses", [{ rooms: 4 }])) as [string];
    await tell("houses", [[a, 1004]]);
    await publish({ ...model, task: "ranking" });
    const report = await qualityOf(project, "houses", { since: undefined, until: undefined, by: "day" });
    expect(report).toMatchObject({ nRows: 0, unmeasured: 1, groups: [] });
  });

  it("of labels is that of their probabilities and of the label that was answered", async () => {
    const { model } = churnModel();
    await publish({ ...model, parity: null });
    const row = model.parity!.rows[0]!;
    const ids = await predict("customer-churn", [
      { ...row, calls: 0 },
      { ...row, calls: 50 },
      { ...row, calls: 25 },
    ]);
    const { entries } = await import("../monitor/log-reader.ts").then(async ({ readPredictionLog }) => {
      await log.flush();
      return readPredictionLog(store.folder, "customer-churn", { sinceMs: -Infinity, untilMs: Infinity });
    });
    const answers = entries.map(({ output }) => (output as { label: string }).label);
    const actuals = [answers[0]!, answers[1]!, answers[2] === "leaves" ? "stays" : "leaves"];
    await tell(
      "customer-churn",
      ids.map((id, i) => [id, actuals[i]] as const),
    );
    const { metrics, nRows } = await qualityOf(project, "customer-churn", {
      since: undefined,
      until: undefined,
      by: "version",
    });
    expect(nRows).toBe(3);
    expect(metrics["accuracy"]).toBeCloseTo(2 / 3, 12);
    expect(metrics["auc"]).toBeGreaterThanOrEqual(0);
  });
});
