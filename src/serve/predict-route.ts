import type { FastifyInstance } from "fastify";
import type { Clock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { JsonObject } from "../core/json.ts";
import { nearestName } from "../core/nearest.ts";
import type { Issue } from "../frame/contract.ts";
import { explainRows, explanationsOf } from "../model/explain.ts";
import { answersOf, predictRows } from "../model/predict.ts";
import type { PredictionLogs } from "../monitor/prediction-log.ts";
import type { ServerLimits } from "./limits.ts";
import type { ServerMetrics } from "./metrics.ts";
import type { ModelSource, ServedModel } from "./model-source.ts";
import { problemOf, problemType } from "./problem.ts";
import { predictRequestOf } from "./request-body.ts";

export interface PredictContext {
  readonly models: ModelSource;
  readonly log: PredictionLogs | null;
  readonly clock: Clock;
  readonly createId: () => string;
  readonly limits: ServerLimits;
  readonly metrics: ServerMetrics;
}

/** The served model of that name; throws MODEL_NOT_FOUND. */
export function servedModel(models: ModelSource, name: string): ServedModel {
  const served = models.get(name);
  if (served) return served;
  const found = models.list().map(({ model }) => model.name);
  throw new MillraceError("MODEL_NOT_FOUND", { model: name.slice(0, 200), found, nearest: nearestName(name, found) });
}

/** Answers rows with one version of a model, all of them or, where one breaks the contract, none. */
export function addPredictRoute(app: FastifyInstance, context: PredictContext): void {
  const { models, log, clock, createId, limits, metrics } = context;
  app.post<{ Params: { name: string } }>(
    "/v1/models/:name/predict",
    { config: { access: "predict" } },
    (request, reply) => {
      const start = clock.monotonic();
      const served = servedModel(models, request.params.name);
      const { model, version } = served;
      const { rows, explain } = predictRequestOf(request.body, limits);
      const explained = explain ? explainRows(model, rows) : null;
      const { predictions, issues, nIssues } = explained ?? predictRows(model, rows);
      if (issues.length > 0) {
        const count = new Set(issues.map((issue) => issue.row)).size;
        metrics.rejected(served, count);
        log
          ?.of(model.name)
          .append([{ kind: "rejected", time: clock.now(), version, count, codes: countCodes(issues) }]);
        const document = problemOf(invalidRequest(issues, nIssues), issues.slice(0, limits.issues));
        return reply.code(document.status).type(problemType).send(JSON.stringify(document));
      }
      const answers = answersOf(model, predictions);
      const predictionIds = rows.map(createId);
      metrics.predicted(served, rows.length);
      if (log) {
        const time = clock.now();
        const latencyMs = Math.round((clock.monotonic() - start) * 1000) / 1000;
        log.of(model.name).append(
          rows.map((row, i) => ({
            id: predictionIds[i]!,
            time,
            version,
            inputs: row as JsonObject,
            output: answers[i]!,
            latencyMs,
          })),
        );
      }
      return reply.send({
        model: model.name,
        version,
        predictions: answers,
        predictionIds,
        ...(explained && { explanations: explanationsOf(model, explained) }),
      });
    },
  );
}

function invalidRequest(issues: readonly Issue[], count: number): MillraceError<"REQUEST_INVALID"> {
  const { row, column, expected, actual } = issues[0]!;
  const first = `row ${row}, column ${JSON.stringify(column.slice(0, 100))}: expected ${expected}, got ${actual}`;
  return new MillraceError("REQUEST_INVALID", { count, first });
}

function countCodes(issues: readonly Issue[]): Record<string, number> {
  const codes: Record<string, number> = {};
  for (const { code } of issues) codes[code] = (codes[code] ?? 0) + 1;
  return codes;
}
