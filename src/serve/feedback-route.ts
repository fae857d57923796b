import type { FastifyInstance } from "fastify";
import { MillraceError } from "../core/errors/error.ts";
import type { JsonValue } from "../core/json.ts";
import type { Issue } from "../frame/contract.ts";
import { frameFromRows, rowsFromFrame } from "../frame/rows.ts";
import type { Feedback, FeedbackStatus } from "../monitor/feedback.ts";
import type { PredictionLogs } from "../monitor/prediction-logs.ts";
import type { ServerLimits } from "./limits.ts";
import { type ModelSource, onlyModel, type ServedModel, servedModel } from "./model-source.ts";
import { problemOf, problemType } from "./problem.ts";

/** Joins true values with logged predictions of a model and keeps them; one status an item, in order. */
export type FeedbackSink = (model: string, items: readonly Feedback[]) => Promise<readonly FeedbackStatus[]>;

export interface FeedbackContext {
  readonly models: ModelSource;
  readonly log: PredictionLogs | null;
  readonly limits: ServerLimits;
  /** Null = this server keeps none. */
  readonly sink: FeedbackSink | null;
}

const bodyMembers: ReadonlySet<string> = new Set(["model", "feedback"]);

function refuse(reason: string): never {
  throw new MillraceError("REQUEST_MALFORMED", { reason });
}

/** Takes what became true of predictions: `{ "model": ..., "feedback": [{ "predictionId": ..., "actual": ... }] }`. */
export function addFeedbackRoute(app: FastifyInstance, context: FeedbackContext): void {
  app.post("/v1/feedback", { config: { access: "predict" } }, async (request, reply) => {
    const { log, sink, limits } = context;
    if (!sink) throw new MillraceError("NOT_READY", { reason: "it keeps no feedback" });
    const { name, items } = feedbackOf(request.body, limits);
    const served = name === undefined ? onlyModel(context.models) : servedModel(context.models, name);
    const { issues, actuals } = checkActuals(served, items);
    if (issues.length > 0) {
      const { row, expected, actual } = issues[0]!;
      const first = `feedback ${row}: expected ${expected}, got ${actual}`;
      const problem = problemOf(
        new MillraceError("REQUEST_INVALID", { count: issues.length, first }),
        issues.slice(0, limits.issues),
      );
      return reply.code(problem.status).type(problemType).send(JSON.stringify(problem));
    }
    // What this process answered may not be on disk yet.
    await log?.of(served.model.name).flush();
    const statuses = await sink(
      served.model.name,
      items.map(({ predictionId }, i) => ({ predictionId, actual: actuals[i]! })),
    );
    const feedback = items.map(({ predictionId }, i) => ({ predictionId, status: statuses[i]! }));
    return reply.send({ model: served.model.name, feedback });
  });
}

function feedbackOf(
  body: unknown,
  limits: ServerLimits,
): { readonly name: string | undefined; readonly items: readonly Feedback[] } {
  if (body === null || typeof body !== "object" || Array.isArray(body)) return refuse("the body is not an object");
  const stranger = Object.keys(body).find((key) => !bodyMembers.has(key));
  if (stranger !== undefined)
    return refuse(
      `the body has a member ${JSON.stringify(stranger.slice(0, 100))}; only "model" and "feedback" are allowed`,
    );
  const { model, feedback }: { model?: unknown; feedback?: unknown } = body;
  if (model !== undefined && typeof model !== "string") return refuse('"model" is no string');
  if (!Array.isArray(feedback) || feedback.length === 0) return refuse('"feedback" is no array with something in it');
  if (feedback.length > limits.rows) {
    const actual = String(feedback.length);
    throw new MillraceError("REQUEST_TOO_LARGE", { subject: "feedback a request", limit: String(limits.rows), actual });
  }
  return { name: model, items: feedback.map(itemOf) };
}

function itemOf(given: unknown, i: number): Feedback {
  const members = given !== null && typeof given === "object" ? new Map<string, unknown>(Object.entries(given)) : null;
  const predictionId = members?.get("predictionId");
  const isWhole = members?.size === 2 && members.has("actual");
  if (!isWhole || typeof predictionId !== "string" || predictionId.length > 200)
    return refuse(`feedback ${i} is not { "predictionId": ..., "actual": ... }`);
  return { predictionId, actual: members.get("actual") as JsonValue };
}

/** True values as the contract's target takes them, cleaned as training data was. A label that the model cannot answer is an issue. */
function checkActuals(
  { model }: ServedModel,
  items: readonly Feedback[],
): { readonly issues: readonly Issue[]; readonly actuals: readonly JsonValue[] } {
  const { target } = model.roles;
  if (target === null)
    return refuse(`model ${JSON.stringify(model.name)} has no target: nothing becomes true of what it answers`);
  const rows = items.map(({ actual }) => ({ [target]: actual }));
  const { issues, frame } = frameFromRows(rows, model.contract, [target]);
  const actuals = rowsFromFrame(frame).map((row) => row[target] ?? null);
  const bad = new Set(issues.map(({ row }) => row));
  const strangers = actuals.flatMap((actual, row): Issue[] => {
    if (bad.has(row)) return [];
    if (actual === null) return [{ code: "missing", column: target, row, expected: "a value", actual: "missing" }];
    if (model.labels.length === 0 || model.labels.some((label) => label === actual)) return [];
    const expected = `one of ${model.labels.slice(0, 20).map(String).join(", ")}`;
    return [{ code: "levels", column: target, row, expected, actual: JSON.stringify(actual).slice(0, 100) }];
  });
  return { issues: [...issues, ...strangers].sort((a, b) => a.row - b.row), actuals };
}
