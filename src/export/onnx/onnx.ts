import type { Model } from "../../model/model.ts";
import { expressionOperand } from "./expressions.ts";
import { designMatrix } from "./features.ts";
import { addOutputs, rawScoresOf } from "./predictor.ts";
import { createScope } from "./scope.ts";

/**
 * A model, preparation and all, as an ONNX file (opset 19, ai.onnx.ml 5). Inputs are the columns it reads, each [rows, 1]: doubles,
 * NaN where missing (truths 0 and 1, times UTC milliseconds), and texts for categories, "" where missing. It checks no
 * contract. Throws EXPORT_UNSUPPORTED for what ONNX has no operators for.
 */
export function onnxModel(model: Model, version: number, digest: string): Uint8Array {
  const scope = createScope(model);
  for (const { name, expression } of model.expressions)
    if (model.features.some(({ feature }) => feature === name))
      scope.define(name, expressionOperand(scope, expression));
  addOutputs(scope, rawScoresOf(scope, designMatrix(scope, model.features)));
  return scope.graph.model(model.name, version, { "millrace.version": String(version), "millrace.digest": digest });
}
