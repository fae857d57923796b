import type { FastifyInstance } from "fastify";
import type { AnsweredRows, PredictContext } from "./answer-rows.ts";
import { type Gathering, whenAnswered } from "./gathering.ts";
import { servedModel } from "./model-source.ts";
import { problemType } from "./problem.ts";
import { predictRequestOf } from "./request-body.ts";
import { rowTextsOf } from "./row-texts.ts";

/** Answers rows with one version of a model, all of them or, where one breaks the contract, none. */
export function addPredictRoute(app: FastifyInstance, context: PredictContext, gathering: Gathering): void {
  app.post<{ Params: { name: string } }>(
    "/v1/models/:name/predict",
    { config: { access: "predict" } },
    (request, reply) => {
      const served = servedModel(context.models, request.params.name);
      const { rows, explain } = predictRequestOf(request.body, context.limits);
      const texts = context.log ? rowTextsOf(request.bodyText, rows) : [];
      return whenAnswered(gathering.answer(served, { rows, explain, texts }, request), (answered) =>
        answered.refused
          ? reply.code(answered.refused.status).type(problemType).send(JSON.stringify(answered.refused))
          : reply.type("application/json; charset=utf-8").send(bodyOf(answered)),
      );
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
