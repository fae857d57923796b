import { MillraceError } from "../../core/errors/error.ts";
import { frameFromRows } from "../../frame/rows.ts";
import type { PredictionLogs } from "../../monitor/prediction-logs.ts";
import { answerRows } from "../answer-rows.ts";
import type { PredictContext, RowAnswers } from "../answer-rows.ts";
import type { ServedModel } from "../model-source.ts";
import type { RowOutcome } from "./lines.ts";
import type { ReadRow } from "./rows.ts";

/**
 * What becomes of rows that one version of a model is asked, each for itself; under a synchronous log they are on disk by then.
 * Throws LOG_UNWRITABLE where they are not, and PREDICTION_UNDEFINED.
 */
export async function outcomesOf(
  context: PredictContext,
  served: ServedModel,
  read: readonly ReadRow[],
): Promise<RowOutcome[]> {
  const rows = read.flatMap((one) => ("row" in one ? [one.row] : []));
  const answers = await lasting(context.log, () => (rows.length > 0 ? answersTo(context, served, rows) : []));
  let next = 0;
  return read.map((one) => ("row" in one ? answers[next++]! : unreadOutcome(one)));
}

/** What `work` gives, once a synchronous log holds what it answered. Throws LOG_UNWRITABLE where the log does not. */
export async function lasting<T>(log: PredictionLogs | null, work: () => T): Promise<T> {
  const before = log?.counts().dropped;
  const done = work();
  if (log?.mode !== "sync") return done;
  await log.flush();
  const { dropped, failing } = log.counts();
  if (dropped !== before) throw new MillraceError("LOG_UNWRITABLE", { reason: failing ?? "it cannot keep up" });
  return done;
}

/** Of a record that holds no row. */
export function unreadOutcome({ reason }: { readonly reason: string }): RowOutcome {
  return { code: "REQUEST_MALFORMED", detail: reason, issues: [] };
}

/** What came of a row that was asked for alone. */
export function outcomeOf(answered: RowAnswers): RowOutcome {
  if (!answered.refused) {
    const { answers, predictionIds, served } = answered;
    return { answer: answers[0]!, predictionId: predictionIds[0]!, version: served.version };
  }
  const { code, detail, issues = [] } = answered.refused;
  return { code, detail, issues: issues.map(({ row: _row, ...issue }) => ({ ...issue })) };
}

/** Rows that break the contract are answered for one by one, so that they cost the others nothing. */
function answersTo(context: PredictContext, served: ServedModel, rows: readonly unknown[]): RowOutcome[] {
  const { model } = served;
  const { issues, nIssues } = frameFromRows(rows, model.contract, model.inputs);
  const bad = new Set(issues.map(({ row }) => row));
  // Not all issues are listed where there are very many.
  if (nIssues > issues.length) return rows.map((row) => answerOne(context, served, row));
  const good = rows.filter((_, i) => !bad.has(i));
  const answered = good.length > 0 ? answerRows(context, served, { rows: good, explain: false }) : null;
  if (answered?.refused) return rows.map((row) => answerOne(context, served, row));
  let next = 0;
  return rows.map((row, i) => {
    if (bad.has(i)) return answerOne(context, served, row);
    const place = next++;
    const { version } = served;
    return { answer: answered!.answers[place]!, predictionId: answered!.predictionIds[place]!, version };
  });
}

function answerOne(context: PredictContext, served: ServedModel, row: unknown): RowOutcome {
  return outcomeOf(answerRows(context, served, { rows: [row], explain: false }));
}
