import { MillraceError } from "../../core/errors/error.ts";
import { frameFromRows } from "../../frame/rows.ts";
import { answerRows } from "../answer-rows.ts";
import type { PredictContext } from "../answer-rows.ts";
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
  const { log } = context;
  const before = log?.counts().dropped;
  const rows = read.flatMap((one) => ("row" in one ? [one.row] : []));
  const answers = rows.length > 0 ? answersTo(context, served, rows) : [];
  if (log?.mode === "sync") {
    await log.flush();
    const { dropped, failing } = log.counts();
    if (dropped !== before) throw new MillraceError("LOG_UNWRITABLE", { reason: failing ?? "it cannot keep up" });
  }
  let next = 0;
  return read.map((one) =>
    "row" in one ? answers[next++]! : { code: "REQUEST_MALFORMED", detail: one.reason, issues: [] },
  );
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
    return { answer: answered!.answers[place]!, predictionId: answered!.predictionIds[place]! };
  });
}

function answerOne(context: PredictContext, served: ServedModel, row: unknown): RowOutcome {
  const answered = answerRows(context, served, { rows: [row], explain: false });
  if (!answered.refused) return { answer: answered.answers[0]!, predictionId: answered.predictionIds[0]! };
  const { code, detail, issues = [] } = answered.refused;
  return { code, detail, issues: issues.map(({ row: _row, ...issue }) => ({ ...issue })) };
}
