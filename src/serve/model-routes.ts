import type { FastifyInstance } from "fastify";
import type { JsonObject } from "../core/json.ts";
import type { PredictionLogs } from "../monitor/prediction-logs.ts";
import { inputColumns } from "./contract-schema.ts";
import { describeLog } from "./durable-answers.ts";
import type { ServerLimits } from "./limits.ts";
import type { ServerMetrics } from "./metrics.ts";
import { type ModelSource, requireReady, type ServedModel, servedModel } from "./model-source.ts";
import { openApiOf } from "./openapi.ts";

export interface ModelRoutesContext {
  readonly models: ModelSource;
  readonly log: PredictionLogs | null;
  readonly limits: ServerLimits;
  readonly metrics: ServerMetrics;
  readonly version: string;
  isDraining(): boolean;
}

function summaryOf({ model, version, digest, metrics }: ServedModel): JsonObject {
  return { name: model.name, version, digest, task: model.task, metrics };
}

function descriptionOf(served: ServedModel): JsonObject {
  const { model } = served;
  const columns = inputColumns(model).map(({ clean, ...column }) => ({
    ...column,
    ...(clean && { clean: { ...clean } }),
  }));
  const contract = { columns };
  return { ...summaryOf(served), contract, labels: model.labels, threshold: model.threshold };
}

/** What models there are, what they take, and how the server is. */
export function addModelRoutes(app: FastifyInstance, context: ModelRoutesContext): void {
  const { models, log, limits, metrics, version, isDraining } = context;
  app.get("/v1/models", { config: { access: "read" } }, () => ({ models: models.list().map(summaryOf) }));
  app.get<{ Params: { name: string } }>("/v1/models/:name", { config: { access: "read" } }, (request) =>
    descriptionOf(servedModel(models, request.params.name)),
  );
  app.get("/openapi.json", { config: { access: "read" } }, () => openApiOf({ models: models.list(), version, limits }));
  app.get("/healthz", { config: { access: "open" } }, () => ({
    status: "alive",
    ...(log && { predictionLog: describeLog(log) }),
  }));
  app.get("/readyz", { config: { access: "open" } }, () => {
    requireReady(models, isDraining());
    return { status: "ready" };
  });
  app.get("/metrics", { config: { access: "observe" } }, async (_, reply) =>
    reply.type(metrics.contentType).send(await metrics.render()),
  );
}
