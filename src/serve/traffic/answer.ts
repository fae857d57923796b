import type { Answer } from "../../model/predict.ts";
import { answersOf, predictRows } from "../../model/predict.ts";
import { answerRows } from "../answer-rows.ts";
import type { AnsweredRows, PredictContext, RowAnswers } from "../answer-rows.ts";
import type { ServedModel } from "../model-source.ts";
import type { PredictRequest } from "../request-body.ts";
import { type ArmKey, type Asker, keyOf } from "./arm.ts";
import type { LiveRollout } from "./live-rollout.ts";

/**
 * Answers rows with the champion `served`, or with the version beside it where a rollout gives it the request. Where that
 * version fails, it is counted and the champion answers: trying a version costs no caller an answer.
 */
export function answerAsked(
  context: PredictContext,
  served: ServedModel,
  asked: PredictRequest,
  asker: Asker,
): RowAnswers {
  return traced(context, served, asked, asker, (own) => answerByArm(own, served, asked, asker));
}

/** Answers rows with `served` and no other version. */
export function answerNamed(
  context: PredictContext,
  served: ServedModel,
  asked: PredictRequest,
  asker: Asker,
): RowAnswers {
  return traced(context, served, asked, asker, (own) => answerRows(own, served, asked));
}

function traced(
  context: PredictContext,
  served: ServedModel,
  asked: PredictRequest,
  asker: Asker,
  answer: (own: PredictContext) => RowAnswers,
): RowAnswers {
  const { tracing } = context;
  if (!tracing) return answer(context);
  const answered = answer({ ...context, beginPart: tracing.partsOf(asker) });
  tracing.answered(asker, answered.refused ? served : answered.served, answered.refused ? 0 : asked.rows.length);
  return answered;
}

function answerByArm(context: PredictContext, served: ServedModel, asked: PredictRequest, asker: Asker): RowAnswers {
  const live = context.traffic?.of(served);
  const key = live && keyOf(live.rollout, asker, asked.rows, context.createId);
  const byChampion = (by = context): RowAnswers => answerRows(by, served, asked);
  if (!live || !key) return byChampion();
  if (live.isShadow) {
    const answered = byChampion();
    if (!answered.refused && live.takes(key)) shadow(context, live, asked.rows, answered);
    return answered;
  }
  const marked = { ...context, createId: markedIds(context, live, key) };
  if (!live.takes(key)) return counted(context, live, key, () => byChampion(marked));
  return byCandidate(marked, live, key, asked) ?? byChampion();
}

/** Ids that tell which request, or which key, was given its version by chance: labels are then counted as such. */
function markedIds({ createId }: PredictContext, live: LiveRollout, key: ArmKey): () => string {
  const mark = live.markOf(key);
  return () => createId(mark);
}

/** What the candidate answers; undefined where it fails or refuses the rows: whose fault that is, the champion says. */
function byCandidate(
  context: PredictContext,
  live: LiveRollout,
  key: ArmKey,
  asked: PredictRequest,
): RowAnswers | undefined {
  const start = context.clock.monotonic();
  let answered: RowAnswers | undefined;
  try {
    answered = answerRows(context, live.candidate, asked);
  } catch {
    answered = undefined;
  }
  const latencyMs = context.clock.monotonic() - start;
  const answer = firstOf(answered);
  live.note("candidate", key, { hasFailed: answer === null, latencyMs, answer });
  return answer === null ? undefined : answered;
}

function counted({ clock }: PredictContext, live: LiveRollout, key: ArmKey, answer: () => RowAnswers): RowAnswers {
  const start = clock.monotonic();
  let answered: RowAnswers | undefined;
  try {
    answered = answer();
    return answered;
  } finally {
    const latencyMs = clock.monotonic() - start;
    const first = firstOf(answered);
    live.note("champion", key, { hasFailed: first === null, latencyMs, answer: first });
  }
}

function firstOf(answered: RowAnswers | undefined): Answer | null {
  return answered && !answered.refused ? (answered.answers[0] ?? null) : null;
}

/** Scores rows again once their answer is on its way, counts how the two differ, and logs what the shadow would have said. */
function shadow(context: PredictContext, live: LiveRollout, rows: readonly unknown[], answered: AnsweredRows): void {
  if (!live.beginShadow(rows.length)) return;
  setImmediate(() => {
    const { clock, log } = context;
    const { version, model } = live.candidate;
    const start = clock.monotonic();
    const own = scored(live.candidate, rows);
    const latencyMs = clock.monotonic() - start;
    live.endShadow(rows.length);
    for (const [row, champion] of answered.answers.entries())
      live.noteShadow({ hasFailed: own === null, latencyMs, answer: own?.[row] ?? null }, champion);
    if (own === null) return;
    const time = clock.now();
    const { predictionIds } = answered;
    // No inputs: they stand under the same id in the model's own log, where a person's rows are forgotten.
    const entryOf = (output: Answer, row: number) => ({
      id: predictionIds[row]!,
      time,
      version,
      inputs: {},
      output,
      latencyMs,
    });
    log?.of(`${model.name}@shadow`).append(own.map(entryOf));
  });
}

/** Null where the version refuses the rows or fails. */
function scored({ model }: ServedModel, rows: readonly unknown[]): readonly Answer[] | null {
  try {
    const { predictions, nIssues } = predictRows(model, rows);
    return nIssues > 0 ? null : answersOf(model, predictions);
  } catch {
    return null;
  }
}
