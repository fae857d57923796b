import { formatDuration, parseDuration } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { RunFilter, RunStatus } from "../engine/runs.ts";
import { integerOption } from "./number-option.ts";
import { textOption, type Verb } from "./verb.ts";

export const runs: Verb = {
  name: "runs",
  description: "Lists runs, newest first.",
  operands: [],
  options: [
    ["--pipeline <name>", "only this pipeline's runs"],
    ["--status <status>", "only running, succeeded, failed, cancelled or interrupted ones"],
    ["--tag <name[=value]>", "only runs with this tag"],
    ["--metric <test>", "only runs with such a number, of any step (auc>0.8) or of one (evaluate.rmse<=3)"],
    ["--since <when>", "only runs begun since a date (2026-01-02) or within a duration (7d)"],
    ["--limit <n>", "at most so many (default 20)"],
  ],
  examples: [
    "millrace runs --limit 5",
    "millrace runs --status failed --since 7d",
    "millrace runs --tag team=pricing",
    'millrace runs --metric "auc>0.8"',
  ],
  async run({ options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { listRuns } = await import("../engine/runs.ts");
    const workflow = textOption(options, "pipeline");
    const project = await openProject(root, { clock: systemClock });
    try {
      const status = statusOf(textOption(options, "status"));
      const tag = tagOf(textOption(options, "tag"));
      const metric = metricOf(textOption(options, "metric"));
      const sinceMs = sinceOf(textOption(options, "since"), systemClock.now());
      const found = await listRuns(project.store, {
        limit: integerOption(options, "limit", 1, 10_000) ?? 20,
        ...(workflow === undefined ? {} : { workflow }),
        ...(status === undefined ? {} : { status }),
        ...(tag === undefined ? {} : { tag }),
        ...(metric === undefined ? {} : { metric }),
        ...(sinceMs === undefined ? {} : { sinceMs }),
      });
      for (const run of found) {
        const took = run.durationMs === null ? "" : formatDuration(run.durationMs);
        output.line(`${run.runId}  ${run.workflow.padEnd(20)} ${run.status.padEnd(11)} ${took}`.trimEnd());
      }
      if (found.length === 0) output.line("no runs yet");
      output.document({ runs: found });
      return 0;
    } finally {
      await project.close();
    }
  },
};

const statuses: readonly RunStatus[] = ["running", "succeeded", "failed", "cancelled", "interrupted"];

function statusOf(text: string | undefined): RunStatus | undefined {
  if (text === undefined) return undefined;
  const found = statuses.find((status) => status === text);
  if (found) return found;
  throw new MillraceError("USAGE", { reason: `--status must be one of ${statuses.join(", ")}, got "${text}"` });
}

function tagOf(text: string | undefined): RunFilter["tag"] {
  if (text === undefined) return undefined;
  const at = text.indexOf("=");
  return at < 0 ? { name: text } : { name: text.slice(0, at), value: text.slice(at + 1) };
}

function metricOf(text: string | undefined): RunFilter["metric"] {
  if (text === undefined) return undefined;
  const [, name = "", comparison = "", limit = ""] = /^\s*([^<>=]+?)\s*(<=|>=|<|>|=)\s*(.+?)\s*$/.exec(text) ?? [];
  const value = Number(limit);
  if (name !== "" && limit !== "" && Number.isFinite(value))
    return { name, comparison: comparison as NonNullable<RunFilter["metric"]>["comparison"], value };
  throw new MillraceError("USAGE", { reason: `--metric must be a test such as "auc>0.8", got "${text}"` });
}

function sinceOf(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const durationMs = parseDuration(text);
  const at = durationMs === undefined ? Date.parse(text) : nowMs - durationMs;
  if (Number.isFinite(at)) return at;
  throw new MillraceError("USAGE", {
    reason: `--since must be a date such as 2026-01-02 or a duration such as 7d, got "${text}"`,
  });
}
