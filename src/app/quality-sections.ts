import { formatMetric } from "../evaluate/format.ts";
import type { MetricValues } from "../evaluate/measure.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import type { CardSection } from "../registry/card.ts";

/** How good a model is, by its report, or by its metrics alone (an imported model has no report). */
export function qualitySections(report: EvaluationReport | null, metrics: MetricValues): readonly CardSection[] {
  if (!report) {
    const rows = Object.entries(metrics).map(([metric, value]) => [metric, formatMetric(value)]);
    return [{ heading: "How good it is", lines: [], table: { head: ["metric", "value"], rows } }];
  }
  return [quality(report), calibration(report), mistakes(report), slices(report)];
}

function quality({ metrics, baseline, nRows, split }: EvaluationReport): CardSection {
  const head = ["metric", "value", "simplest comparator"];
  const rows = Object.entries(metrics).map(([metric, value]) => [
    metric,
    formatMetric(value),
    formatMetric(baseline[metric] ?? null),
  ]);
  return { heading: "How good it is", lines: [`on ${nRows} rows of the ${split} split`], table: { head, rows } };
}

/** The reliability diagram: how often what it was so sure of came true. */
function calibration({ task, labels, calibration: bins }: EvaluationReport): CardSection {
  const heading = "What its probabilities are worth";
  const points = (bins ?? []).flatMap(({ low, high, nRows, share, meanPredicted, meanObserved }) =>
    meanPredicted === null || meanObserved === null
      ? []
      : [{ low, high, nRows, x: meanPredicted, y: meanObserved, share }],
  );
  if (points.length === 0) return { heading, lines: [], table: null };
  const of = task === "binary" ? `of ${String(labels[1])}` : "of the label answered";
  const rows = points.map(({ low, high, nRows, x, y }) => [
    `${low.toFixed(1)} to ${high.toFixed(1)}`,
    String(nRows),
    formatMetric(x),
    formatMetric(y),
  ]);
  return {
    heading,
    lines: [],
    table: { head: [`probability ${of}`, "rows", "said on average", "came true"], rows },
    curve: { x: "said on average", y: "came true", points: points.map(({ x, y, share }) => ({ x, y, share })) },
  };
}

/** More labels than these make no table that can be read. */
const mostLabels = 12;
const mostMistakes = 12;

/** Rows by true and answered label; of many labels those taken for one another most often. */
function mistakes({ labels, confusion }: EvaluationReport): CardSection {
  const heading = "Where it errs";
  if (!confusion) return { heading, lines: [], table: null };
  const names = labels.map(String);
  if (names.length <= mostLabels) {
    const rows = confusion.map((counts, truth) => [names[truth]!, ...counts.map(String)]);
    return { heading, lines: [], table: { head: ["true, answered", ...names], rows } };
  }
  const rows = confusion
    .flatMap((counts, truth) => counts.map((count, answered) => ({ truth, answered, count })))
    .filter(({ truth, answered, count }) => truth !== answered && count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, mostMistakes)
    .map(({ truth, answered, count }) => [names[truth]!, names[answered]!, String(count)]);
  return { heading, lines: [], table: { head: ["true", "answered", "rows"], rows } };
}

function slices({ metrics, slices: all }: EvaluationReport): CardSection {
  const names = Object.keys(metrics).slice(0, 4);
  const rows = all.map(({ name, nRows, metrics: values }) => [
    name,
    String(nRows),
    ...names.map((metric) => formatMetric(values[metric] ?? null)),
  ]);
  return { heading: "By slice", lines: [], table: { head: ["slice", "rows", ...names], rows } };
}
