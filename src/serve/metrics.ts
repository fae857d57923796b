import type { Counter, Gauge, Registry } from "prom-client";
import type { PredictionLogs } from "../monitor/prediction-logs.ts";
import type { ModelSource, ServedModel } from "./model-source.ts";

/** Counters of one server, in a registry of its own. */
export interface ServerMetrics {
  answered(route: string, method: string, status: number, seconds: number): void;
  predicted(served: ServedModel, rows: number): void;
  rejected(served: ServedModel, rows: number): void;
  /** Values of answered rows that break a rule of a column that only warns. */
  warned(served: ServedModel, values: number): void;
  swapped(model: string): void;
  /** Messages of a stream that were settled, and how many wait in it. */
  messages(model: string, outcome: "answered" | "refused", count: number): void;
  messagesWaiting(model: string, count: number): void;
  /** The Prometheus text format. */
  render(): Promise<string>;
  readonly contentType: string;
}

export interface MetricsSources {
  readonly models: ModelSource;
  readonly log: PredictionLogs | null;
  inFlight(): number;
}

export async function createMetrics(sources: MetricsSources): Promise<ServerMetrics> {
  const prometheus = await import("prom-client");
  const registry = new prometheus.Registry();
  const { requests, latency, predictions, rejected, warned, swaps, messages, waiting } = recordsIn(
    registry,
    prometheus,
  );
  observe(prometheus.Gauge, registry, sources);
  return {
    answered(route, method, status, seconds) {
      requests.inc({ route, method, status });
      latency.observe({ route }, seconds);
    },
    predicted: ({ model, version }, rows) => predictions.inc({ model: model.name, version }, rows),
    rejected: ({ model, version }, rows) => rejected.inc({ model: model.name, version }, rows),
    warned: ({ model, version }, values) => warned.inc({ model: model.name, version }, values),
    swapped: (model) => swaps.inc({ model }),
    messages: (model, outcome, count) => messages.inc({ model, outcome }, count),
    messagesWaiting: (model, count) => waiting.set({ model }, count),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** What is counted as it happens. */
function recordsIn(registry: Registry, { Counter, Gauge, Histogram }: typeof import("prom-client")) {
  const registers = [registry];
  const counter = <L extends string>(name: string, labelNames: readonly L[], help: string): Counter<L> =>
    new Counter({ name, help, labelNames, registers });
  const version = ["model", "version"] as const;
  return {
    requests: counter("millrace_requests_total", ["route", "method", "status"], "Requests."),
    latency: new Histogram({
      name: "millrace_request_seconds",
      help: "Time from the first byte of a request to the last of its answer.",
      labelNames: ["route"],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    predictions: counter("millrace_predictions_total", version, "Rows answered."),
    rejected: counter("millrace_rejected_rows_total", version, "Rows refused because they break the contract."),
    warned: counter(
      "millrace_warned_values_total",
      version,
      "Values of answered rows that break a rule of a column that only warns.",
    ),
    swaps: counter("millrace_model_swaps_total", ["model"], "Times another version went live."),
    messages: counter(
      "millrace_messages_total",
      ["model", "outcome"],
      "Messages of a stream whose answer was kept, or which were refused.",
    ),
    waiting: new Gauge({
      name: "millrace_messages_waiting",
      help: "Messages that waited in the stream when one was last taken.",
      labelNames: ["model"],
      registers,
    }),
  };
}

/** Gauges that are read when somebody asks. */
function observe(GaugeClass: typeof Gauge, registry: Registry, sources: MetricsSources): void {
  const inFlight: Gauge = new GaugeClass({
    name: "millrace_requests_in_flight",
    help: "Requests being answered.",
    registers: [],
    collect(): void {
      inFlight.set(sources.inFlight());
    },
  });
  const version = new GaugeClass({
    name: "millrace_model_version",
    help: "The version that answers.",
    labelNames: ["model"],
    registers: [],
    collect(): void {
      version.reset();
      for (const { model, version: live } of sources.models.list()) version.set({ model: model.name }, live);
    },
  });
  const dropped: Gauge = new GaugeClass({
    name: "millrace_prediction_log_dropped",
    help: "Log entries lost since the start because the disk refused them or could not keep up.",
    registers: [],
    collect(): void {
      dropped.set(sources.log?.counts().dropped ?? 0);
    },
  });
  const failing: Gauge = new GaugeClass({
    name: "millrace_prediction_log_failing",
    help: "1 while the disk refuses the prediction log, else 0.",
    registers: [],
    collect(): void {
      failing.set(sources.log?.counts().failing ? 1 : 0);
    },
  });
  for (const gauge of [inFlight, version, dropped, failing]) registry.registerMetric(gauge);
}
