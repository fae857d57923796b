import type { SourceInspection } from "../../ingest/inspect.ts";
import type { Source } from "../../ingest/source.ts";
import { type InferredColumn, type InferredDefinition, inferDefinition } from "../../validate/infer.ts";
import { describeWritten } from "../../validate/written.ts";
import { bracketed, comment, key, literal, member } from "./typescript.ts";

export interface Scaffold {
  readonly name: string;
  /** The text of pipelines/<name>.ts. */
  readonly source: string;
  /** What a person should look at, a sentence each. */
  readonly notes: readonly string[];
}

export interface ScaffoldOptions {
  readonly target: string;
  readonly name: string;
  /** The data file as the pipeline shall name it, relative to the project folder. */
  readonly path: string;
}

/**
 * Writes a pipeline for a file: typed, formatted, commented only where a person must decide.
 *
 * Throws COLUMN_MISSING and TARGET_UNUSABLE.
 */
export function scaffoldPipeline(inspection: SourceInspection, options: ScaffoldOptions): Scaffold {
  const inferred = inferDefinition(inspection, options.target);
  const features = timeFeatures(inferred);
  // What is not learned from need not be known when a prediction is asked for.
  const isLeft = new Set([...inferred.leaks, ...inferred.drops].map(({ column }) => column));
  const gate = gateRules(inferred);
  const body = [
    `  name: ${literal(options.name)},`,
    sourceText(inspection.source, options.path),
    "  schema: {",
    ...inferred.columns.map((column) => columnText(isLeft.has(column.name) ? { ...column, missing: 1 } : column)),
    "  },",
    `  target: ${literal(inferred.target)},`,
    ...(inferred.id === null ? [] : [`  id: ${literal(inferred.id)},`]),
    ...timeLines(inferred),
    ...sensitiveLines(inferred),
    ...(features.length > 0 ? [bracketed("  ", "features: (c) => (", features, "),", "{}")] : []),
    ...prepareLines(inferred),
    `  model: ${inferred.model}(),`,
    bracketed("  ", "gate: ", gate, ",", "[]"),
  ];
  const imports = importLine(inspection.source, inferred);
  const source = `${imports}\n\nexport default pipeline({\n${body.join("\n")}\n});\n`;
  return { name: options.name, source, notes: notesOf(inferred, inspection) };
}

function importLine(source: Source, { columns, model }: InferredDefinition): string {
  const names = new Set(["atLeast", "beatsChampion", "pipeline", source.kind, model, ...columns.map((c) => c.kind)]);
  return bracketed("", "import ", [...names].sort(), ' from "millrace";', "{}");
}

function sourceText(source: Source, path: string): string {
  const { kind, columns, delimiter, header, missing, quotes } = source;
  const options = [
    ...(columns ? [`columns: [${columns.map(literal).join(", ")}]`] : []),
    ...(columns && header ? ["header: true"] : []),
    ...(kind === "csv" && delimiter !== undefined && delimiter !== "," ? [`delimiter: ${literal(delimiter)}`] : []),
    ...(quotes === false ? ["quotes: false"] : []),
    ...(missing ? [`missing: [${missing.map(literal).join(", ")}]`] : []),
  ];
  if (options.length === 0) return `  data: ${kind}(${literal(path)}),`;
  return bracketed("  ", `data: ${kind}(${literal(path)}, `, options, "),", "{}");
}

function columnText({ name, kind, missing, min, levels }: InferredColumn): string {
  const options = [...(min === undefined ? [] : [`min: ${min}`]), ...(missing === 0 ? [] : [`missing: ${missing}`])];
  const object = options.length > 0 ? `{ ${options.join(", ")} }` : "";
  if (!levels) return `    ${key(name)}: ${kind}(${object}),`;
  return bracketed("    ", `${key(name)}: ${kind}(`, levels.map(literal), object ? `, ${object}),` : "),", "[]");
}

function timeLines({ time, columns }: InferredDefinition): string[] {
  if (time) return [`  time: ${literal(time.name)},`];
  const times = columns.filter((column) => column.kind === "timestamp").map((column) => column.name);
  if (times.length === 0) return [];
  return [comment("  ", `decide: if one of ${times.join(", ")} says when a row became known, name it: time: "..."`)];
}

/** The role `time` keeps the column itself out of the features, where it would only say "later than all training". */
function timeFeatures({ time, columns }: InferredDefinition): string[] {
  if (!time) return [];
  const taken = new Set(columns.map((column) => column.name));
  const derived = [
    [`${time.name}_weekday`, "dayOfWeek"],
    ...(time.hasHours ? [[`${time.name}_hour`, "hour"]] : []),
  ] as const;
  return derived
    .filter(([name]) => !taken.has(name!))
    .map(([name, part]) => `${key(name!)}: ${member("c", time.name)}.${part}()`);
}

function sensitiveLines({ sensitive, columns }: InferredDefinition): string[] {
  if (sensitive.length === 0) return [];
  const kinds = new Map(columns.map((column) => [column.name, column.kind] as const));
  const listed = sensitive.filter((name) => kinds.get(name) === "category" || kinds.get(name) === "boolean");
  const others = sensitive.filter((name) => !listed.includes(name));
  const looks = `decide: ${sensitive.join(", ")} ${sensitive.length === 1 ? "looks" : "look"} sensitive; to keep out of the features, write`;
  const ways = [
    ...(listed.length > 0 ? [`sensitive: [${listed.map(literal).join(", ")}]`] : []),
    ...(others.length > 0 ? [`prepare: { ${others.map((name) => `${key(name)}: "drop"`).join(", ")} }`] : []),
  ];
  return [comment("  ", looks), comment("  ", ways.join(" and "))];
}

function prepareLines({ drops, leaks }: InferredDefinition): string[] {
  if (drops.length + leaks.length === 0) return [];
  const entries = [
    ...leaks.flatMap(({ column, reason }) => [
      comment("    ", `decide: ${reason}; keep it only if it is known when a prediction is asked for`),
      `    ${key(column)}: "drop",`,
    ]),
    ...drops.flatMap(({ column, reason }) => [comment("    ", reason), `    ${key(column)}: "drop",`]),
  ];
  return ["  prepare: {", ...entries, "  },"];
}

function gateRules({ limit, task }: InferredDefinition): string[] {
  const metric = task === "regression" ? "rmse" : task === "binary" ? "auc" : "logLoss";
  return [`atLeast(${literal(limit.metric)}, ${limit.value})`, `beatsChampion(${literal(metric)})`];
}

function notesOf(inferred: InferredDefinition, { source }: SourceInspection): string[] {
  const { id, time, drops, leaks, personal, written, sensitive } = inferred;
  return [
    ...(id === null ? [] : [`"${id}" identifies rows: it is kept as the id and not learned from.`]),
    ...(time === null ? [] : [`"${time.name}" orders the rows: the model is tested on the latest ones.`]),
    ...leaks.map(({ column, reason }) => `"${column}" is left out as a suspected leak: ${reason}.`),
    ...drops.map(({ column, reason }) => `"${column}" is left out: ${reason}.`),
    ...personal.map(
      ({ column, what }) => `"${column}" looks like ${what}: snapshots keep it until it is taken out of the schema.`,
    ),
    ...written.map(describeWritten),
    ...(sensitive.length > 0 ? [`Decide whether the model may use ${sensitive.join(", ")}.`] : []),
    ...(source.missing ? [`${source.missing.map(literal).join(", ")} is read as missing.`] : []),
  ];
}
