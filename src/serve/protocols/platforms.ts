import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { csvLine } from "../../core/csv-line.ts";
import { MillraceError } from "../../core/errors/error.ts";
import type { Answer } from "../../model/predict.ts";
import { inputColumns } from "../contract-schema.ts";
import { whenAnswered } from "../gathering.ts";
import { onlyModel, requireReady, type ServedModel } from "../model-source.ts";
import { problemType } from "../problem.ts";
import { csvRows } from "./csv-rows.ts";
import type { ProtocolContext } from "./context.ts";
import { textOf } from "../request-body.ts";
import { columnRows, membersOf, noParameters, recordRows, refuse, splitRows, withinLimits } from "./request-rows.ts";

/** The paths Vertex AI chooses for a container, from `AIP_HEALTH_ROUTE` and `AIP_PREDICT_ROUTE`. */
export interface VertexRoutes {
  readonly health: string;
  readonly predict: string;
}

type RowsOf = (body: unknown, served: ServedModel) => readonly unknown[];
type AnswerOf = (answers: readonly Answer[]) => unknown;

/**
 * The routes that model platforms call: SageMaker and MLflow (`/ping`, `/invocations`), Azure ML (`/score`), Vertex AI
 * (paths of its choice). They name no model, so exactly one must be live.
 */
export async function addPlatforms(
  app: FastifyInstance,
  context: ProtocolContext,
  vertex: VertexRoutes | null,
): Promise<void> {
  const predictions: AnswerOf = (answers) => ({ predictions: answers });
  await app.register((scope, _, done) => {
    scope.addContentTypeParser("text/csv", { parseAs: "buffer" }, (_request, body, parsed) => {
      try {
        parsed(null, textOf(body as Buffer));
      } catch (error) {
        parsed(error as Error);
      }
    });
    scope.post("/invocations", { config: { access: "predict" } }, (request, reply) =>
      answer(context, request, reply, invocationRows, predictions),
    );
    done();
  });
  for (const path of ["/ping", "/health"]) addHealth(app, path, context);
  app.get("/version", { config: { access: "read" } }, (_, reply) => reply.type("text/plain").send(context.version));
  app.post("/score", { config: { access: "predict" } }, (request, reply) =>
    answer(context, request, reply, scoreRows, (answers) => answers),
  );
  if (vertex === null) return;
  if (isNewRoute(app, "GET", vertex.health, ["/ping", "/health", "/readyz", "/healthz"]))
    addHealth(app, escapeRoute(vertex.health), context);
  if (isNewRoute(app, "POST", vertex.predict, ["/invocations"]))
    app.post(escapeRoute(vertex.predict), { config: { access: "predict" } }, (request, reply) =>
      answer(context, request, reply, vertexRows, predictions),
    );
}

function addHealth(app: FastifyInstance, path: string, { models, isDraining }: ProtocolContext): void {
  app.get(path, { config: { access: "open" } }, () => {
    requireReady(models, isDraining());
    return {};
  });
}

/** A colon begins a parameter in a route unless it is doubled; Vertex AI's default path ends in ":predict". */
function escapeRoute(path: string): string {
  return path.replaceAll(":", "::");
}

function isNewRoute(app: FastifyInstance, method: "GET" | "POST", path: string, same: readonly string[]): boolean {
  if (!/^\/[A-Za-z0-9._~:/-]*$/.test(path))
    throw new MillraceError("USAGE", { reason: `${JSON.stringify(path)} is no path of letters, digits and ._~:/-` });
  if (same.includes(path)) return false;
  if (app.hasRoute({ method, url: escapeRoute(path) }))
    throw new MillraceError("USAGE", { reason: `${method} ${path} is a route of the server already` });
  return true;
}

function answer(
  context: ProtocolContext,
  request: FastifyRequest,
  reply: FastifyReply,
  rowsOf: RowsOf,
  answerOf: AnswerOf,
): FastifyReply | Promise<FastifyReply> {
  const served = onlyModel(context.models);
  const rows = withinLimits(rowsOf(request.body, served), context.limits);
  return whenAnswered(context.gathering.answer(served, { rows, explain: false }, request), (answered) => {
    if (answered.refused)
      return reply.code(answered.refused.status).type(problemType).send(JSON.stringify(answered.refused));
    const { answers } = answered;
    if (!request.headers.accept?.startsWith("text/csv")) return reply.send(answerOf(answers));
    return reply.type("text/csv; charset=utf-8").send(answers.map((one) => csvRecord(one, served.model)).join(""));
  });
}

/** A number, or the label and the probabilities in the order of the labels: a program reads them, so that labels stay what they are. */
function csvRecord(given: Answer, { labels }: ServedModel["model"]): string {
  const fields =
    typeof given === "number"
      ? [given]
      : [given.label, ...labels.map((label) => given.probabilities[String(label)] as number)];
  return `${csvLine(fields.map(String))}\n`;
}

const invocationMembers = ["dataframe_split", "dataframe_records", "instances", "inputs"];

/** MLflow's four forms of JSON, of which SageMaker's `instances` is one, and CSV. */
function invocationRows(body: unknown, { model }: ServedModel): readonly unknown[] {
  if (typeof body === "string") return csvRows(body, inputColumns(model));
  const members = membersOf(body);
  noParameters(members.get("params"), "params");
  const given = [...members.keys()].filter((key) => key !== "params");
  const [member] = given;
  if (given.length !== 1 || !invocationMembers.includes(member!))
    return refuse(`the body must have exactly one of ${invocationMembers.join(", ")}`);
  const value = members.get(member!);
  if (member === "dataframe_split") return splitRows(value, model.inputs, member);
  if (member === "inputs" && value !== null && typeof value === "object" && !Array.isArray(value))
    return columnRows(value, member);
  return recordRows(value, model.inputs, member!);
}

/** Vertex AI: `{ "instances": [...] }`. */
function vertexRows(body: unknown, { model }: ServedModel): readonly unknown[] {
  const members = membersOf(body);
  noParameters(members.get("parameters"), "parameters");
  return recordRows(members.get("instances"), model.inputs, "instances");
}

/** Azure ML: `{ "input_data": { "columns": [...], "data": [...] } }` of its MLflow deployments, or `{ "data": [...] }`. */
function scoreRows(body: unknown, { model }: ServedModel): readonly unknown[] {
  const members = membersOf(body);
  noParameters(members.get("params"), "params");
  const table = members.get("input_data");
  if (Array.isArray(table)) return recordRows(table, model.inputs, "input_data");
  return table === undefined
    ? recordRows(members.get("data"), model.inputs, "data")
    : splitRows(table, model.inputs, "input_data");
}
