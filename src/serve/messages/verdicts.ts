import { toMillraceError } from "../../core/errors/error.ts";
import type { JsonValue } from "../../core/json.ts";
import type { PredictContext } from "../answer-rows.ts";
import type { RowOutcome } from "../batch/lines.ts";
import { lasting, outcomeOf, outcomesOf, unreadOutcome } from "../batch/outcomes.ts";
import { type ReadRow, rowReaderOf } from "../batch/rows.ts";
import { formatBytes } from "../limits.ts";
import { type ServedModel, servedModel } from "../model-source.ts";
import { isInternal, problemOf } from "../problem.ts";
import { answerAsked } from "../traffic/answer.ts";
import type { Asker } from "../traffic/arm.ts";
import type { Message, MessageChannel, Refusal } from "./channel.ts";
import type { AskedMessage } from "./message-spans.ts";

/** What a message gets: the text of its answer, why there is none, or the fault of ours that hit it. */
export type Verdict = string | Refusal | Fault;

export interface Fault {
  readonly fault: unknown;
}

export function isFault(verdict: Verdict | RowOutcome): verdict is Fault {
  return typeof verdict === "object" && "fault" in verdict;
}

/**
 * What each of some messages gets of whichever version `model` names now. Under a rollout each is a request of its own, so that
 * arms, latencies and failures are those of one row. Throws MODEL_NOT_FOUND, and LOG_UNWRITABLE where a synchronous log does not
 * hold the answers.
 */
export async function verdictsOf(
  context: PredictContext,
  channel: MessageChannel,
  model: string,
  asked: readonly AskedMessage[],
): Promise<readonly Verdict[]> {
  const served = servedModel(context.models, model);
  const reads = rowReaderOf("jsonl", [], context.limits)(asked.map(({ message }) => Buffer.from(message.bytes)));
  const isDivided = Boolean(context.traffic?.of(served));
  const outcomes = isDivided
    ? await lasting(context.log, () => asked.map(({ asker }, i) => outcomeByArm(context, served, asker, reads[i]!)))
    : await outcomesOrEach(context, served, reads);
  return asked.map(({ message, asker }, i) => {
    const [read, outcome] = [reads[i]!, outcomes[i]!];
    if (!isDivided) context.tracing?.answered(asker, served, "answer" in outcome ? 1 : 0);
    return isFault(outcome) ? outcome : answerText(served, channel, message, "row" in read ? read.row : null, outcome);
  });
}

function outcomeByArm(context: PredictContext, served: ServedModel, asker: Asker, read: ReadRow): RowOutcome | Fault {
  if (!("row" in read)) return unreadOutcome(read);
  try {
    return outcomeOf(answerAsked(context, served, { rows: [read.row], explain: false }, asker));
  } catch (error) {
    return faultOrRefusal(error);
  }
}

/** A row whose prediction fails costs the others nothing: where they fail together, each is asked for itself. */
async function outcomesOrEach(
  context: PredictContext,
  served: ServedModel,
  reads: readonly ReadRow[],
): Promise<readonly (RowOutcome | Fault)[]> {
  try {
    return await outcomesOf(context, served, reads);
  } catch (error) {
    if (isUnwritable(error)) throw error;
  }
  const outcomes: (RowOutcome | Fault)[] = [];
  for (const read of reads) {
    try {
      outcomes.push(...(await outcomesOf(context, served, [read])));
    } catch (error) {
      if (isUnwritable(error)) throw error;
      outcomes.push(faultOrRefusal(error));
    }
  }
  return outcomes;
}

function isUnwritable(error: unknown): boolean {
  return toMillraceError(error).code === "LOG_UNWRITABLE";
}

function faultOrRefusal(error: unknown): RowOutcome | Fault {
  if (isInternal(error)) return { fault: error };
  const { code, detail } = problemOf(error);
  return { code, detail, issues: [] };
}

/** What is sent for a message, or why nothing is. */
function answerText(
  { model }: ServedModel,
  { stream, mostBytes }: MessageChannel,
  { sequence, id }: Message,
  row: unknown,
  outcome: RowOutcome,
): string | Refusal {
  if (!("answer" in outcome)) return { code: outcome.code, detail: outcome.detail };
  const { answer: prediction, predictionId, version } = outcome;
  const input = { stream, sequence, id: id ?? idOf(row, model.roles.id) };
  const text = JSON.stringify({ model: model.name, version, prediction, predictionId, input });
  if (Buffer.byteLength(text) <= mostBytes) return text;
  const detail = `the answer is larger than the ${formatBytes(mostBytes)} that a message may hold`;
  return { code: "REQUEST_TOO_LARGE", detail };
}

/** What stands in the column that the definition calls the id. */
function idOf(row: unknown, column: string | null): JsonValue {
  if (column === null || typeof row !== "object" || row === null || !Object.hasOwn(row, column)) return null;
  return (row as Readonly<Record<string, JsonValue>>)[column] ?? null;
}
