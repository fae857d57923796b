import { spawn } from "node:child_process";
import { MillraceError, toMillraceError } from "../core/errors/error.ts";
import { type LoopEvent, startLoop } from "../loop/loop.ts";
import type { DriftReport } from "../monitor/drift-report.ts";
import type { PipelineSpec } from "../pipeline/spec.ts";
import { monitorModel } from "./monitor.ts";
import { watchOrphans } from "./orphans.ts";
import { loadDefinition, pipelineNames } from "./pipelines.ts";
import type { Project } from "./project.ts";

export interface Retraining {
  stop(): Promise<void>;
}

const gateFailedExit = 3;

/**
 * Watches the project's pipelines, resumes their interrupted runs and runs them as their `retrain` says, each in a process of its own: training takes
 * nothing from the requests being answered, and the server loads no training code. A pipeline file that does not load is
 * reported and left out.
 */
export async function startRetraining(
  project: Project,
  command: readonly string[],
  onEvent: (text: string) => void,
): Promise<Retraining> {
  const { specs, files, workflows } = await readDefinitions(project, onEvent);
  const describe = eventTeller();
  const orphans = watchOrphans(project, {
    isOurs: (name) => specs.has(name) || workflows.has(name),
    resume: (run, signal) => runInChild([...command, "resume", run, "--project", project.root], signal),
    onEvent,
  });
  const loop = startLoop({
    pipelines: [...specs.values()],
    clock: project.clock,
    run: (pipeline, _reason, signal) =>
      runInChild([...command, "run", files.get(pipeline)!, "--project", project.root], signal),
    checkDrift: (pipeline) => checkDrift(project, specs.get(pipeline)!),
    log: (event) => {
      const text = describe(event);
      if (text !== null) onEvent(text);
    },
  });
  return {
    async stop() {
      await Promise.all([orphans.stop(), loop.stop()]);
    },
  };
}

/** By the names of pipelines, what they say and which file does; and the names of workflows. */
interface Definitions {
  readonly specs: ReadonlyMap<string, PipelineSpec>;
  readonly files: ReadonlyMap<string, string>;
  readonly workflows: ReadonlySet<string>;
}

async function readDefinitions({ root }: Project, onEvent: (text: string) => void): Promise<Definitions> {
  const specs = new Map<string, PipelineSpec>();
  const files = new Map<string, string>();
  const workflows = new Set<string>();
  for (const name of await pipelineNames(root)) {
    try {
      const loaded = await loadDefinition(root, name);
      if (loaded.kind === "workflow") {
        workflows.add(loaded.workflow.name);
        continue;
      }
      specs.set(loaded.spec.name, loaded.spec);
      files.set(loaded.spec.name, name);
    } catch (error) {
      onEvent(`pipelines/${name} is not watched: ${toMillraceError(error).message}`);
    }
  }
  return { specs, files, workflows };
}

async function checkDrift(project: Project, spec: PipelineSpec): Promise<DriftReport | null> {
  const known = (await project.registry.models()).find((entry) => entry.model === spec.name);
  if (!known || known.champion === null) return null;
  const { window, psi, minRows } = spec.monitor;
  return monitorModel(project, spec.name, { window, psi: String(psi), minRows: String(minRows) });
}

/** Resolves when the run ended well or its gate failed, which is a result; rejects with the last line it said otherwise. */
function runInChild(command: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = command;
    const child = spawn(program!, args, { stdio: ["ignore", "ignore", "pipe"], signal, killSignal: "SIGTERM" });
    let said = "";
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      said = (said + text).slice(-4000);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0 || code === gateFailedExit) resolve();
      else
        reject(
          new MillraceError("STEP_FAILED", {
            step: "run",
            reason: said.trim().split("\n").slice(-2).join(" ") || `exit code ${code}`,
          }),
        );
    });
  });
}

/** Says what happens in a sentence, and of drift only what changed: a window that goes on drifting is said once. */
function eventTeller(): (event: LoopEvent) => string | null {
  const drifting = new Map<string, string>();
  return (event) => {
    if (event.kind !== "watched") return describeEvent(event);
    const { pipeline, report } = event;
    const before = drifting.get(pipeline) ?? "";
    const drifted = report.verdict === "drift" ? driftedParts(report) : [];
    const now = drifted.map((part) => part.name).join(", ");
    drifting.set(pipeline, now);
    if (now === before) return null;
    return now === ""
      ? `${pipeline} no longer drifts`
      : `${pipeline} drifts: ${drifted.map((part) => part.text).join(", ")}`;
  };
}

function describeEvent(event: Exclude<LoopEvent, { kind: "watched" }>): string | null {
  switch (event.kind) {
    case "started":
      return `retraining ${event.pipeline} (${event.reason})`;
    case "finished":
      return `retrained ${event.pipeline} in ${Math.round(event.durationMs / 1000)} s`;
    case "failed":
      return `retraining ${event.pipeline} failed: ${event.error.code}: ${event.error.message}`;
    case "skipped":
      return null;
    case "watchFailed":
      return `watching ${event.pipeline} failed: ${event.error.message}`;
    case "scheduleBroken":
      return `the schedule of ${event.pipeline} is broken: ${event.error.message}`;
  }
}

interface DriftedPart {
  readonly name: string;
  readonly text: string;
}

function driftedParts(report: DriftReport): DriftedPart[] {
  const parts = report.columns
    .filter((column) => column.reasons.length > 0)
    .map(({ column, psi }) => ({ name: column, text: `${column} (PSI ${psi.toFixed(2)})` }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (report.prediction && report.prediction.reasons.length > 0)
    parts.push({ name: "(prediction)", text: `the predictions (PSI ${report.prediction.psi.toFixed(2)})` });
  if (report.outOfContract.isDrifted) parts.push({ name: "(refused)", text: "refused rows" });
  return parts;
}
