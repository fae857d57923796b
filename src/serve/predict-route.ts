import type { FastifyInstance } from "fastify";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { AnsweredRows, PredictContext } from "./answer-rows.ts";
import type { ModelSource, ServedModel } from "./model-source.ts";
import { answerAsked } from "./traffic/answer.ts";
import { problemType } from "./problem.ts";
import { predictRequestOf } from "./request-body.ts";
import { rowTextsOf } from "./row-texts.ts";

/** The served model of that name; throws MODEL_NOT_FOUND. */
export function servedModel(models: ModelSource, name: string): ServedModel {
  const served = models.get(name);
  if (served) return served;
  const found = models.list().map(({ model }) => model.name);
  throw new MillraceError("MODEL_NOT_FOUND", { model: name.slice(0, 200), found, nearest: nearestName(name, found) });
}

/** Answers rows with one version of a model, all of them or, where one breaks the contract, none. */
export function addPredictRoute(app: FastifyInstance, context: PredictContext): void {
  app.post<{ Params: { name: string } }>(
    "/v1/models/:name/predict",
    { config: { access: "predict" } },
    (request, reply) => {
      const served = servedModel(context.models, request.params.name);
      const { rows, explain } = predictRequestOf(request.body, context.limits);
      const texts = context.log ? rowTextsOf(request.bodyText, rows) : [];
      const answered = answerAsked(context, served, { rows, explain, texts }, request);
      if (answered.refused)
        return reply.code(answered.refused.status).type(problemType).send(JSON.stringify(answered.refused));
      return reply.type("application/json; charset=utf-8").send(bodyOf(answered));
    },
  );
}

/** As JSON. The answers were written for the log, and are not written again. */
function bodyOf({ served, texts, predictionIds, explanations, warnings }: AnsweredRows): string {
  const { model, version } = served;
  const reasons = explanations ? `,"explanations":${JSON.stringify(explanations)}` : "";
  const warned = warnings.length > 0 ? `,"warnings":${JSON.stringify(warnings)}` : "";
  return `{"model":${JSON.stringify(model.name)},"version":${version},"predictions":[${texts().join(",")}],"predictionIds":${JSON.stringify(predictionIds)}${reasons}${warned}}`;
}
