export { isMillraceError, MillraceError, type ErrorCode, type ErrorContext } from "./core/errors/error.ts";
export type { Digest } from "./core/digest.ts";
export type { Duration } from "./core/duration.ts";
export type { JsonObject, JsonValue } from "./core/json.ts";
export type { Problem } from "./core/problem.ts";

export type { Kind } from "./frame/column.ts";
export type { Contract, ContractColumn, Issue, IssueCode, ViolationPolicy } from "./frame/contract.ts";
export type { ExpressionNode, FeatureExpression } from "./frame/expression-node.ts";
export type {
  BooleanExpr,
  CategoryExpr,
  ColumnsOf,
  Expr,
  Expression,
  Features,
  NumberExpr,
  Operand,
  TextExpr,
  TimestampExpr,
  When,
} from "./frame/expression-types.ts";
export { when } from "./frame/expression.ts";
export {
  boolean,
  category,
  number,
  text,
  timestamp,
  type BooleanColumn,
  type CategoryColumn,
  type ColumnOptions,
  type DeclaredColumn,
  type NumberColumn,
  type NumberOptions,
  type RowOf,
  type Schema,
  type TextColumn,
  type TextOptions,
  type TimestampColumn,
  type TimestampOptions,
  type ValueOf,
} from "./frame/schema.ts";

export type { Explanation } from "./model/explain.ts";
export { encodeModel } from "./model/file.ts";
export { importModel, type ImportOptions } from "./model/import/import-model.ts";
export type { Model, Predictions, Roles, Task } from "./model/model.ts";
export type { MetricOf, MetricsByTask } from "./metrics/metric-names.ts";

export { asof, join, sql, union, type AsofOptions, type JoinOptions } from "./ingest/combined-source.ts";
export { mysql, postgres, type DatabaseOptions, type FromEnvironment } from "./ingest/databases/database-source.ts";
export { stream, type KafkaStream, type NatsStream, type StreamOptions } from "./ingest/streams/stream-source.ts";
export { audio, images } from "./ingest/media/media-source.ts";
export { rows, sqlite, type SqliteOptions } from "./ingest/own-source.ts";
export {
  arrow,
  csv,
  json,
  jsonl,
  parquet,
  tsv,
  type CsvOptions,
  type DelimitedOptions,
  type HttpLimits,
  type MalformedPolicy,
  type ObjectAccess,
  type RecordOptions,
  type Source,
  type SourceOptions,
} from "./ingest/source.ts";
export {
  clip,
  cyclic,
  impute,
  imputeMode,
  oneHot,
  standardize,
  targetEncode,
  tfidf,
  type Prepared,
  type Transform,
} from "./features/transform.ts";
export {
  blend,
  boosting,
  calibrated,
  extraTrees,
  forest,
  isolationForest,
  kmeans,
  linear,
  mlp,
  naiveBayes,
  pca,
  neighbors,
  stack,
  svm,
  tree,
} from "./train/choice.ts";
export type {
  BlendHyperparameters,
  BoostingHyperparameters,
  CalibratedHyperparameters,
  ComponentsHyperparameters,
  Estimator,
  ForestHyperparameters,
  IsolationForestHyperparameters,
  KMeansHyperparameters,
  LinearHyperparameters,
  MlpHyperparameters,
  NaiveBayesHyperparameters,
  NeighborsHyperparameters,
  StackHyperparameters,
  SvmHyperparameters,
  TreeHyperparameters,
} from "./train/choice-types.ts";
export {
  auto,
  between,
  tune,
  type AutoOptions,
  type Range,
  type Space,
  type TuneOptions,
} from "./train/tuning-choice.ts";
export { warmStart } from "./train/warm-start.ts";
export { track, type TrackedRun, type TrackOptions } from "./app/track.ts";

export { atLeast, atMost, beatsChampion, type Rule, type RuleOptions } from "./evaluate/gate-rule.ts";

export {
  connect,
  type Client,
  type ConnectOptions,
  type Explained,
  type OutputFor,
  type RowFor,
} from "./pipeline/connect.ts";
export { pipeline } from "./pipeline/definition.ts";
export type { Clean, CleanColumn, Outliers } from "./pipeline/clean-types.ts";
export type { OwnStep, StepContexts } from "./pipeline/own-step-types.ts";
export type { Classified, OutputOf, TaskOf } from "./pipeline/task-types.ts";
export type {
  Accepted,
  AnyPipeline,
  Check,
  ColumnExpectation,
  Definition,
  Expectations,
  Monitor,
  Pipeline,
  Retrain,
  Reviewers,
  Split,
} from "./pipeline/types.ts";

export { file, map, onlyIf, step, workflow } from "./engine/define.ts";
export type {
  Condition,
  DefinedStep,
  DefinedWorkflow,
  FileReference,
  Handle,
  MappedStep,
  NumberArray,
  OutputKind,
  Outputs as StepOutputs,
  Retry,
  StepTools,
} from "./engine/define-types.ts";
