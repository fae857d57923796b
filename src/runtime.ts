/** Predict only: what a browser, an edge function or a small service needs. No dependency and no Node built-in. */
export { MillraceError } from "./core/errors/error.ts";
export type { Issue } from "./frame/contract.ts";
export type { Frame } from "./frame/frame.ts";
export { drawTree } from "./model/drawing.ts";
export {
  explain,
  explainRows,
  explanationsOf,
  type Contributions,
  type ExplainedPredictions,
  type Explanation,
} from "./model/explain.ts";
export { decodeModel, type DecodeOptions } from "./model/file.ts";
export { importanceOf, type FeatureImportance } from "./model/importance.ts";
export type { Model, Predictions, Task } from "./model/model.ts";
export { answersOf, predict, predictRows, type Answer, type RowPredictions } from "./model/predict.ts";
