import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { MillraceError } from "../../core/errors/error.ts";
import type { JsonObject } from "../../core/json.ts";
import { whenAnswered } from "../gathering.ts";
import { type ServedModel, servedModel } from "../model-source.ts";
import { isInternal, problemOf, translateError } from "../problem.ts";
import { answerNamed } from "../traffic/answer.ts";
import type { ProtocolContext } from "./context.ts";
import { membersOf, noParameters, refuse, withinLimits } from "./request-rows.ts";
import { answerTensors, inputTensors, outputTensors, tensorRows } from "./tensors.ts";

interface Target {
  Params: { name: string; version?: string };
}

/**
 * The REST form of the Open Inference Protocol v2 (github.com/kserve/open-inference-protocol): health, metadata and
 * inference; errors are `{ "error": "..." }`, as it asks.
 */
export async function addOpenInference(app: FastifyInstance, context: ProtocolContext): Promise<void> {
  await app.register((scope, _, done) => {
    scope.setErrorHandler((thrown, request, reply) => {
      const error = translateError(thrown, context.limits, request.headers["content-type"]);
      if (isInternal(error)) context.onFault(error, request.id);
      const { status, detail, code } = problemOf(error);
      void reply.code(status).send({ error: detail, code });
    });
    addHealth(scope, context);
    for (const path of ["/v2/models/:name", "/v2/models/:name/versions/:version"]) addModel(scope, path, context);
    done();
  });
}

function addHealth(app: FastifyInstance, { models, version, isDraining }: ProtocolContext): void {
  app.get("/v2", { config: { access: "read" } }, () => ({ name: "millrace", version, extensions: [] }));
  app.get("/v2/health/live", { config: { access: "open" } }, () => ({ live: true }));
  app.get("/v2/health/ready", { config: { access: "open" } }, (_, reply) => {
    const ready = !isDraining() && models.list().length > 0;
    // The protocol says "not ready" with a status of the 400s.
    return reply.code(ready ? 200 : 400).send({ ready });
  });
}

function addModel(app: FastifyInstance, path: string, context: ProtocolContext): void {
  app.get<Target>(path, { config: { access: "read" } }, (request) => {
    const { model, version } = target(context, request.params);
    const [inputs, outputs] = [inputTensors(model), outputTensors(model)];
    return { name: model.name, versions: [String(version)], platform: "millrace", inputs, outputs };
  });
  app.get<Target>(`${path}/ready`, { config: { access: "read" } }, (request) => {
    const { model } = target(context, request.params);
    return { name: model.name, ready: true };
  });
  app.post<Target>(`${path}/infer`, { config: { access: "predict" } }, (request, reply) =>
    infer(context, target(context, request.params), request, reply),
  );
}

function target({ models }: ProtocolContext, params: Target["Params"]): ServedModel {
  const served = servedModel(models, params.name);
  if (params.version === undefined || params.version === String(served.version)) return served;
  const found = [`${params.name} version ${served.version}`];
  throw new MillraceError("MODEL_NOT_FOUND", {
    model: `${params.name} version ${params.version}`.slice(0, 200),
    found,
    nearest: found[0],
  });
}

function infer(
  context: ProtocolContext,
  served: ServedModel,
  request: FastifyRequest<Target>,
  reply: FastifyReply,
): FastifyReply | Promise<FastifyReply> {
  const { model } = served;
  const members = membersOf(request.body);
  const id = members.get("id");
  if (id !== undefined && typeof id !== "string") return refuse('"id" is no string');
  noParameters(members.get("parameters"), "parameters");
  const wanted = wantedOutputs(members.get("outputs"), outputTensors(model));
  const asked = { rows: withinLimits(tensorRows(members.get("inputs"), model), context.limits), explain: false };
  // Who names a version gets that one.
  const isNamed = request.params.version !== undefined;
  const answered = isNamed
    ? answerNamed(context, served, asked, request)
    : context.gathering.answer(served, asked, request);
  return whenAnswered(answered, (rows) => {
    if (rows.refused) {
      const { status, detail, code, issues } = rows.refused;
      return reply.code(status).send({ error: detail, code, issues });
    }
    const outputs = answerTensors(model, rows.answers, rows.predictionIds);
    return reply.send({
      model_name: model.name,
      model_version: String(rows.served.version),
      ...(id !== undefined && { id }),
      outputs: outputs.filter(({ name }) => wanted.has(name as string)),
    });
  });
}

function wantedOutputs(outputs: unknown, known: readonly JsonObject[]): ReadonlySet<string> {
  const names = new Set(known.map(({ name }) => name as string));
  if (outputs === undefined) return names;
  if (!Array.isArray(outputs)) return refuse('"outputs" is no array');
  const wanted = outputs.map((output: unknown) => {
    const name = (output as { name?: unknown } | null)?.name;
    return typeof name === "string" ? name.slice(0, 100) : refuse("an output has no name");
  });
  const stranger = wanted.find((name) => !names.has(name));
  if (stranger !== undefined) return refuse(`there is no output ${JSON.stringify(stranger)}`);
  return new Set(wanted);
}
