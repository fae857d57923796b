import pc from "picocolors";
import type { Clock } from "../core/clock.ts";
import { formatDuration } from "../core/duration.ts";
import type { Progress } from "../core/progress.ts";
import type { RunListener, StepResult, StepStatus } from "../engine/step.ts";
import type { Output } from "./output.ts";

const plainIntervalMs = 2000;

interface StepProgress {
  readonly step: string;
  readonly done: number;
  readonly total: number;
  readonly unit: string;
  readonly elapsedMs: number;
}

/** On a terminal one line that redraws, elsewhere a plain line every two seconds. */
function progressLine(output: Output): { show(event: StepProgress): void; clear(): void; restart(): void } {
  let lastPlainMs = 0;
  let width = 0;
  const clear = (): void => {
    if (output.interactive && width > 0) output.progress(`\r${" ".repeat(width)}\r`);
    width = 0;
  };
  return {
    clear,
    restart: () => {
      lastPlainMs = 0;
    },
    show(event) {
      const text = describeProgress(event);
      if (output.interactive) {
        clear();
        output.progress(text);
        width = text.length;
      } else if (event.elapsedMs - lastPlainMs >= plainIntervalMs) {
        lastPlainMs = event.elapsedMs;
        output.progress(`${text}\n`);
      }
    },
  };
}

/** Shows how far a piece of work of several parts is; `clear` takes the line off. */
export function workProgress(output: Output, clock: Clock): { part(name: string): Progress; clear(): void } {
  const line = progressLine(output);
  return {
    part(step) {
      const start = clock.monotonic();
      line.restart();
      return {
        report: (done, total, unit) => line.show({ step, done, total, unit, elapsedMs: clock.monotonic() - start }),
      };
    },
    clear: line.clear,
  };
}

/** Shows a run step by step. */
export function progressListener(output: Output): RunListener {
  const { show, clear, restart } = progressLine(output);
  return {
    runStarted: ({ runId, workflow, steps }) => output.line(`run ${runId} of ${workflow}, ${steps.length} steps`),
    warned: ({ step, rule, actual, remedy }) =>
      output.progress(`warning: the step "${step}" ${rule}, got ${actual}. ${remedy}\n`),
    stepStarted: restart,
    stepProgress: show,
    stepRetried({ step, attempt, delayMs, error }) {
      clear();
      output.progress(
        `        ${step}: attempt ${attempt} failed (${error.message}); again in ${formatDuration(delayMs)}\n`,
      );
    },
    stepLog({ step, line }) {
      clear();
      output.log(`        ${step} | ${line}`);
    },
    stepFinished(event) {
      clear();
      output.line(describeStep(event, event.index, event.count));
    },
  };
}

function describeProgress(event: StepProgress): string {
  const seconds = event.elapsedMs / 1000;
  const rate = seconds > 0 ? event.done / seconds : 0;
  const share = event.total > 0 ? `${Math.floor((100 * event.done) / event.total)} %` : "";
  const left =
    rate > 0 && event.total > event.done ? `, ${formatDuration(((event.total - event.done) / rate) * 1000)} left` : "";
  return `        ${event.step.padEnd(9)} ${share.padStart(5)}  ${count(event.done)} of ${count(event.total)} ${event.unit}, ${rate < 10 ? rate.toFixed(1) : count(rate)}/s${left}`;
}

const statusColours: Readonly<Record<StepStatus, (text: string) => string>> = {
  ran: pc.green,
  cached: pc.cyan,
  failed: pc.red,
  skipped: pc.dim,
};

function describeStep(step: StepResult, index: number, total: number): string {
  const position = `${String(index + 1).padStart(2)}/${total}`;
  const facts = Object.entries(step.metrics)
    .sort(([a], [b]) => rankOf(a) - rankOf(b))
    .slice(0, 4)
    .map(([name, value]) => `${name} ${Number.isInteger(value) ? count(value) : value.toFixed(4)}`);
  return `  ${position}  ${step.step.padEnd(10)} ${statusColours[step.status](step.status.padEnd(7))} ${formatDuration(step.durationMs).padStart(9)}  ${step.reason ?? facts.join("  ")}`.trimEnd();
}

/** What a person looks for first; the store keeps no order. */
const firstFacts = [
  "rows",
  "train",
  "validation",
  "test",
  "auc",
  "averagePrecision",
  "logLoss",
  "accuracy",
  "r2",
  "rmse",
];

function rankOf(fact: string): number {
  const rank = firstFacts.indexOf(fact);
  return rank < 0 ? firstFacts.length : rank;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
