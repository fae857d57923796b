import type { JsonValue } from "../core/json.ts";
import { judgedRows } from "../evaluate/judged-rows.ts";
import { measureAll } from "../evaluate/measure.ts";
import type { MetricValues } from "../evaluate/measure.ts";
import type { Model } from "../model/model.ts";
import { readFeedback } from "../monitor/feedback.ts";
import type { JudgedPrediction } from "../monitor/feedback.ts";
import { loadVersion } from "./champion.ts";
import { timeOf } from "./predictions.ts";
import type { Project } from "./project.ts";

export interface QualityOptions {
  /** Of predictions made from then on: a duration ago, or a time. Default 30 days ago. */
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly by: "version" | "day";
}

/** How good some answers were. */
export interface QualityGroup {
  /** "version 3", or a day in UTC. */
  readonly group: string;
  /** Predictions of which the truth is known. */
  readonly nRows: number;
  readonly metrics: MetricValues;
}

export interface QualityReport {
  readonly model: string;
  readonly nRows: number;
  /** Predictions that are not measured: their answer or truth is none of the champion's labels, or it ranks, and their groups are not kept. */
  readonly unmeasured: number;
  readonly metrics: MetricValues;
  readonly groups: readonly QualityGroup[];
  /** What the champion reached on the test split. */
  readonly champion: { readonly version: number; readonly metrics: MetricValues };
}

/** Live quality: what was predicted against what became true. Throws MODEL_NOT_FOUND, CHAMPION_MISSING, USAGE. */
export async function qualityOf(project: Project, name: string, options: QualityOptions): Promise<QualityReport> {
  const { model, version } = await loadVersion(project, name);
  const now = project.clock.now();
  const judged = await readFeedback(project.store, name, {
    sinceMs: timeOf("--since", options.since ?? "30d", now),
    untilMs: options.until === undefined ? now + 1 : timeOf("--until", options.until, now),
  });
  const measured = judged.filter((one) => isMeasurable(one, model));
  const groups = new Map<string, JudgedPrediction[]>();
  for (const one of measured) {
    const group =
      options.by === "version" ? `version ${one.version}` : new Date(one.predictedAt).toISOString().slice(0, 10);
    const members = groups.get(group) ?? [];
    groups.set(group, members);
    members.push(one);
  }
  return {
    model: name,
    nRows: measured.length,
    unmeasured: judged.length - measured.length,
    metrics: measure(model, measured),
    groups: [...groups].map(([group, rows]) => ({ group, nRows: rows.length, metrics: measure(model, rows) })),
    champion: { version: version.version, metrics: version.metrics },
  };
}

function isMeasurable({ output, actual }: JudgedPrediction, { labels, task }: Model): boolean {
  if (task === "ranking") return false;
  if (task !== "binary" && task !== "multiclass") return typeof output === "number" && typeof actual === "number";
  const { label, probabilities } = classified(output);
  const isKnown = (value: JsonValue): boolean => labels.some((one) => one === value);
  return isKnown(label) && isKnown(actual) && labels.every((one) => typeof probabilities[String(one)] === "number");
}

interface Classified {
  readonly label: JsonValue;
  readonly probabilities: Readonly<Record<string, JsonValue>>;
}

function classified(output: JsonValue): Classified {
  const isObject = output !== null && typeof output === "object" && !Array.isArray(output);
  return isObject ? (output as unknown as Classified) : { label: null, probabilities: {} };
}

function measure({ labels, task }: Model, rows: readonly JudgedPrediction[]): MetricValues {
  const isNumber = labels.length === 0;
  const width = isNumber ? 1 : labels.length;
  const values = new Float64Array(rows.length * width);
  rows.forEach(({ output }, i) => {
    if (isNumber) values[i] = output as number;
    else
      labels.forEach((label, k) => (values[i * width + k] = classified(output).probabilities[String(label)] as number));
  });
  const placeOf = (value: JsonValue): number => labels.findIndex((label) => label === value);
  const truth = Float64Array.from(rows, ({ actual }) => (isNumber ? (actual as number) : placeOf(actual)));
  const labelIndex = isNumber ? null : Int32Array.from(rows, ({ output }) => placeOf(classified(output).label));
  const target = { task, values: truth, nLabels: labels.length, weights: null };
  return measureAll(judgedRows(task, target, { nRows: rows.length, width, values, labelIndex }, null));
}
