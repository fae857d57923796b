import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import { canonicalJson, type JsonValue } from "../core/json.ts";
import { showRun, type RecordedArtifact, type RunDetails } from "../engine/runs.ts";
import { runWorkflow } from "../engine/run.ts";
import type { RunListener, Step, Workflow } from "../engine/step.ts";
import type { PipelineSpec } from "../pipeline/spec.ts";
import { gateOutcomeCodec } from "../pipeline/workflow/gate-step.ts";
import { workflowOf } from "../pipeline/workflow/workflow.ts";
import type { Registry } from "../registry/registry.ts";
import type { ModelVersion } from "../registry/version.ts";
import { openStore, type Store } from "../store/open.ts";
import { definitionOf } from "./definition.ts";
import { environmentOf } from "./environment.ts";
import { loadPipeline, pipelineNames } from "./pipelines.ts";
import type { Project } from "./project.ts";

export interface ReproduceOptions {
  readonly listener?: RunListener;
  readonly signal?: AbortSignal;
  /** Default: as many as a run would use. The result must not depend on it. */
  readonly threads?: number;
}

/** One artifact of a run beside what came out of running it again. */
export interface Compared {
  /** "step.output". */
  readonly name: string;
  readonly recorded: Digest;
  /** Null where the step did not get so far. */
  readonly reproduced: Digest | null;
}

export interface Reproduction {
  readonly runId: string;
  readonly equal: boolean;
  /** In the order of the workflow. */
  readonly compared: readonly Compared[];
  /** What was taken from the record: data as it was read, and what the registry said. */
  readonly taken: readonly string[];
}

/** What changes the registry is not done again; steps after it may reach the outside world and are not either. */
const registering: ReadonlySet<string> = new Set(["register", "promote"]);

/**
 * Runs the recorded definition again, from the recorded data, in a scratch store, and compares the digest of every artifact.
 * The data source is not read, the registry not changed. Throws RUN_NOT_FOUND, RUN_NOT_REPRODUCIBLE or ARTIFACT_MISSING.
 */
export async function reproduceRun(
  project: Project,
  runId: string,
  options: ReproduceOptions = {},
): Promise<Reproduction> {
  const run = await showRun(project.store, runId);
  const recorded = recordedArtifacts(run);
  const spec = await definitionFor(project, run);
  const workflow = await reproducedWorkflow(project, spec, recorded, options.threads);
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "millrace-reproduce-"));
  try {
    const scratch = await openStore(folder, { clock: project.clock });
    try {
      const { listener, signal } = options;
      const result = await runWorkflow(workflow, {
        store: scratch,
        clock: project.clock,
        cache: false,
        ...(listener ? { listener } : {}),
        ...(signal ? { signal } : {}),
      });
      if (result.status === "cancelled") throw result.error;
      const made = new Map(
        result.steps.flatMap((s) => [...s.outputs].map(([output, digest]) => [`${s.step}.${output}`, digest])),
      );
      return compare(runId, workflow, recorded, made);
    } finally {
      await scratch.close();
    }
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

function isTaken(step: Step): boolean {
  return step.inputs.length === 0;
}

function compare(
  runId: string,
  workflow: Workflow,
  recorded: ReadonlyMap<string, RecordedArtifact>,
  made: ReadonlyMap<string, Digest>,
): Reproduction {
  const names = (steps: readonly Step[]): string[] =>
    steps
      .flatMap((step) => step.outputs.map((output) => `${step.name}.${output}`))
      .filter((name) => recorded.has(name));
  const compared = names(workflow.steps.filter((step) => !isTaken(step))).map((name) => ({
    name,
    recorded: recorded.get(name)!.digest,
    reproduced: made.get(name) ?? null,
  }));
  const equal = compared.every((one) => one.recorded === one.reproduced);
  return { runId, equal, compared, taken: names(workflow.steps.filter(isTaken)) };
}

/** By "step.output", of the last attempt of each step that ended well. */
function recordedArtifacts(run: RunDetails): ReadonlyMap<string, RecordedArtifact> {
  const found = new Map<string, RecordedArtifact>();
  for (const step of run.steps) {
    if (step.status !== "ran" && step.status !== "cached") continue;
    for (const output of step.outputs) found.set(`${step.step}.${output.name}`, output);
  }
  if (found.size > 0) return found;
  throw new MillraceError("RUN_NOT_REPRODUCIBLE", { run: run.runId, reason: `it ${run.status} and left no artifacts` });
}

/** The recorded definition; that of the project's file where functions belong to it, which must not have changed since. */
async function definitionFor(project: Project, run: RunDetails): Promise<PipelineSpec> {
  const recorded = run.definition as (JsonValue & { readonly steps?: readonly JsonValue[] }) | null;
  const revision = revisionOf(run);
  const refuse = (reason: string): never => {
    throw new MillraceError("RUN_NOT_REPRODUCIBLE", { run: run.runId, reason, revision });
  };
  if (run.isTracked) return refuse("its code ran outside of Millrace");
  if (recorded === null) return refuse("its definition is not on record");
  for (const name of await pipelineNames(project.root)) {
    const loaded = await loadPipeline(project.root, name).catch(() => null);
    if (loaded?.spec.name !== run.workflow) continue;
    if (canonicalJson(definitionOf(loaded.spec)) === canonicalJson(recorded)) return loaded.spec;
  }
  if ((recorded.steps?.length ?? 0) > 0) return refuse("it has own steps, and its file is not as it was");
  return recorded as unknown as PipelineSpec;
}

function revisionOf({ provenance }: RunDetails): string | undefined {
  const source = (provenance as { readonly source?: { readonly revision?: string } | null } | null)?.source;
  return source?.revision;
}

async function reproducedWorkflow(
  project: Project,
  spec: PipelineSpec,
  recorded: ReadonlyMap<string, RecordedArtifact>,
  threads: number | undefined,
): Promise<Workflow> {
  const environment = environmentOf(project, spec);
  const whole = workflowOf(spec, {
    ...environment,
    threads: threads ?? environment.threads,
    registry: await registryThen(project, spec, recorded),
  });
  const left = new Set(registering);
  const steps: Step[] = [];
  for (const step of whole.steps) {
    const needs = [...(step.after ?? []), ...step.inputs.map((input) => input.slice(0, input.indexOf(".")))];
    if (left.has(step.name) || needs.some((name) => left.has(name))) left.add(step.name);
    else steps.push(isTaken(step) ? takenFromRecord(project.store, step, recorded) : step);
  }
  return { ...whole, steps };
}

/** A step that writes what the recorded one wrote. */
function takenFromRecord(store: Store, step: Step, recorded: ReadonlyMap<string, RecordedArtifact>): Step {
  const { observe: _, ...rest } = step;
  return {
    ...rest,
    async run({ writeFile }) {
      for (const output of step.outputs) {
        const artifact = recorded.get(`${step.name}.${output}`);
        if (!artifact)
          throw new MillraceError("RUN_NOT_REPRODUCIBLE", {
            run: "",
            reason: `${step.name}.${output} is not on record`,
          });
        const from = await store.artifacts.verifiedPath(artifact.digest);
        await writeFile(output, artifact, (to) => fs.copyFile(from, to));
      }
    },
  };
}

/** The registry as the gate found it: its champion is the one the recorded gate compared with. */
async function registryThen(
  project: Project,
  spec: PipelineSpec,
  recorded: ReadonlyMap<string, RecordedArtifact>,
): Promise<Registry> {
  const gate = recorded.get("gate.outcome");
  const outcome = gate && (await gateOutcomeCodec.read(await project.store.artifacts.verifiedPath(gate.digest)));
  const rival = outcome?.comparedWith ?? null;
  const versions = rival === null ? [] : await project.registry.versions(spec.name);
  const champion = versions.find((version: ModelVersion) => version.digest === rival?.digest) ?? null;
  return {
    ...project.registry,
    models: async () =>
      champion ? [{ model: spec.name, versions: champion.version, champion: champion.version, challenger: null }] : [],
    champion: async () => champion,
    versions: async () => (champion ? [champion] : []),
  };
}
