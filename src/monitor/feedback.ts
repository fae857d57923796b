import type { Transaction } from "kysely";
import type { Clock } from "../core/clock.ts";
import type { JsonValue } from "../core/json.ts";
import { canonicalJson } from "../core/json.ts";
import { feedbackDigest } from "../store/feedback.ts";
import type { Store } from "../store/open.ts";
import type { FeedbackTable } from "../store/model-tables.ts";
import type { Database } from "../store/schema.ts";
import { findPredictions } from "./find-predictions.ts";
import type { PredictionEntry } from "./log-line.ts";

/** What became true of a prediction. */
export interface Feedback {
  readonly predictionId: string;
  readonly actual: JsonValue;
}

/**
 * What became of it: `recorded`; `duplicate` = the same was said before; `corrected` = something else was, and this holds from
 * now on; `unknown` = the log holds no such prediction, and nothing was kept.
 */
export type FeedbackStatus = "recorded" | "duplicate" | "corrected" | "unknown";

/** A prediction beside what became true. */
export interface JudgedPrediction {
  readonly predictionId: string;
  readonly version: number;
  readonly predictedAt: number;
  readonly output: JsonValue;
  readonly actual: JsonValue;
}

const rowsAtOnce = 500;

/**
 * Joins true values with the predictions they are of and keeps both, durably, in one transaction: they stay when the prediction
 * log is swept. One status an item, in order.
 */
export async function recordFeedback(
  store: Store,
  clock: Clock,
  model: string,
  items: readonly Feedback[],
): Promise<readonly FeedbackStatus[]> {
  const ids = items.map(({ predictionId }) => predictionId);
  const predictions = await findPredictions(store.folder, model, ids);
  const known = [...predictions.keys()];
  return store.database.transaction().execute(async (transaction) => {
    const said = await saidBefore(transaction, model, known);
    const changed = new Map<string, FeedbackTable>();
    const statuses = items.map(({ predictionId, actual }): FeedbackStatus => {
      const entry = predictions.get(predictionId);
      if (!entry) return "unknown";
      const text = canonicalJson(actual);
      const before = said.get(predictionId);
      if (before === text) return "duplicate";
      said.set(predictionId, text);
      changed.set(predictionId, rowOf(model, entry, text, clock.now()));
      return before === undefined ? "recorded" : "corrected";
    });
    await keep(transaction, [...changed.values()]);
    return statuses;
  });
}

async function saidBefore(
  transaction: Transaction<Database>,
  model: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const said = new Map<string, string>();
  for (let start = 0; start < ids.length; start += rowsAtOnce) {
    const rows = await transaction
      .selectFrom("feedback")
      .select(["prediction_id", "actual"])
      .where("model", "=", model)
      .where("prediction_id", "in", ids.slice(start, start + rowsAtOnce))
      .execute();
    for (const row of rows) said.set(row.prediction_id, row.actual);
  }
  return said;
}

function rowOf(model: string, entry: PredictionEntry, actual: string, now: number): FeedbackTable {
  const row = {
    model,
    prediction_id: entry.id,
    version: entry.version,
    predicted_at: Math.floor(entry.time),
    output: JSON.stringify(entry.output),
    actual,
    received_at: Math.floor(now),
  };
  return { ...row, digest: feedbackDigest(row) };
}

async function keep(transaction: Transaction<Database>, rows: readonly FeedbackTable[]): Promise<void> {
  for (let start = 0; start < rows.length; start += rowsAtOnce)
    await transaction
      .insertInto("feedback")
      .values(rows.slice(start, start + rowsAtOnce))
      .onConflict((conflict) =>
        conflict.columns(["model", "prediction_id"]).doUpdateSet((e) => ({
          actual: e.ref("excluded.actual"),
          received_at: e.ref("excluded.received_at"),
          digest: e.ref("excluded.digest"),
        })),
      )
      .execute();
}

/** The judged predictions made in a half-open window (UTC milliseconds), ascending by time. */
export async function readFeedback(
  store: Store,
  model: string,
  window: { readonly sinceMs: number; readonly untilMs: number },
): Promise<readonly JudgedPrediction[]> {
  const rows = await store.database
    .selectFrom("feedback")
    .selectAll()
    .where("model", "=", model)
    .where("predicted_at", ">=", window.sinceMs)
    .where("predicted_at", "<", window.untilMs)
    .orderBy("predicted_at")
    .orderBy("prediction_id")
    .execute();
  return rows.map((row) => ({
    predictionId: row.prediction_id,
    version: row.version,
    predictedAt: row.predicted_at,
    output: JSON.parse(row.output) as JsonValue,
    actual: JSON.parse(row.actual) as JsonValue,
  }));
}

/** Takes the feedback on some predictions away, unless `dryRun`; gives how much there is. */
export async function forgetFeedback(store: Store, ids: readonly string[], dryRun: boolean): Promise<number> {
  let found = 0;
  await store.database.transaction().execute(async (transaction) => {
    for (let start = 0; start < ids.length; start += rowsAtOnce) {
      const slice = ids.slice(start, start + rowsAtOnce);
      const rows = transaction.selectFrom("feedback").select("prediction_id").where("prediction_id", "in", slice);
      found += (await rows.execute()).length;
      if (!dryRun) await transaction.deleteFrom("feedback").where("prediction_id", "in", slice).execute();
    }
  });
  return found;
}
