import fs from "node:fs/promises";
import type { Digest } from "../core/digest.ts";
import type { JsonValue } from "../core/json.ts";
import { canonicalJson } from "../core/json.ts";
import type { RecordedArtifact, RunDetails } from "../engine/runs.ts";
import type { Codec, Step, Workflow } from "../engine/step.ts";
import type { PipelineSpec } from "../pipeline/spec.ts";
import { type GateOutcome, gateOutcomeCodec } from "../pipeline/workflow/gate-step.ts";
import { ingestReportCodec, refusedCodec } from "../pipeline/workflow/ingest-step.ts";
import { type Chosen, chosenCodec } from "../pipeline/workflow/tune-step.ts";
import { workflowOf } from "../pipeline/workflow/workflow.ts";
import type { Registry } from "../registry/registry.ts";
import type { ModelVersion } from "../registry/version.ts";
import type { Store } from "../store/open.ts";
import type { Unreadable } from "../validate/quarantine.ts";
import { sourceOf } from "./code.ts";
import { definitionOf } from "./definition.ts";
import { environmentOf } from "./environment.ts";
import type { LoadedPipeline } from "./pipelines.ts";
import type { Project } from "./project.ts";
import { refuseToReproduce, requireUnchanged } from "./reproduce-changes.ts";

/** What changes the registry is not done again; steps after it may reach the outside world and are not either. */
const registering: ReadonlySet<string> = new Set(["register", "promote"]);

/**
 * The steps of a recorded run of a pipeline as they are run again: its data comes from the record, and the registry says
 * what it said then. The definition is the recorded one; where functions belong to it, the project's file gives them.
 */
export async function reproducedPipeline(
  project: Project,
  run: RunDetails,
  loaded: LoadedPipeline | null,
  recorded: ReadonlyMap<string, RecordedArtifact>,
  threads: number | undefined,
): Promise<Workflow> {
  const decisions = await decisionsOf(project.store, recorded);
  const spec = startingAsThen(specOf(run, loaded), decisions.chosen);
  const environment = environmentOf(project, spec);
  const whole = workflowOf(spec, {
    ...environment,
    threads: threads ?? environment.threads,
    registry: await registryThen(project, spec, decisions),
    source: loaded && spec.steps.length > 0 ? await sourceOf(loaded.file, project.root, "pipeline") : null,
  });
  const own = new Set(spec.steps.map(({ name, at, place }) => (place === "instead" ? at : name)));
  await requireUnchanged(
    project.store,
    run,
    whole.steps.filter((step) => own.has(step.name)),
  );
  const left = new Set(registering);
  const steps: Step[] = [];
  for (const step of whole.steps) {
    const needs = [...(step.after ?? []), ...step.inputs.map((input) => input.slice(0, input.indexOf(".")))];
    if (left.has(step.name) || needs.some((name) => left.has(name))) left.add(step.name);
    else steps.push(step.inputs.length === 0 ? takenFromRecord(project.store, run, step, recorded) : step);
  }
  return { ...whole, steps };
}

/** The recorded definition, with the functions of the project's file where that says the same. */
function specOf(run: RunDetails, loaded: LoadedPipeline | null): PipelineSpec {
  const recorded = run.definition as (JsonValue & { readonly steps?: readonly JsonValue[] }) | null;
  if (recorded === null) return refuseToReproduce(run, "its definition is not on record");
  if (loaded && canonicalJson(definitionOf(loaded.spec)) === canonicalJson(recorded)) return loaded.spec;
  if ((recorded.steps?.length ?? 0) > 0) refuseToReproduce(run, "it has own steps, and its file is not as it was");
  return recorded as unknown as PipelineSpec;
}

/** A step that writes what the recorded one wrote. */
function takenFromRecord(
  store: Store,
  run: RunDetails,
  step: Step,
  recorded: ReadonlyMap<string, RecordedArtifact>,
): Step {
  const { observe: _, ...rest } = step;
  return {
    ...rest,
    async run({ write, writeFile }) {
      const report = recorded.get("ingest.report");
      for (const output of step.outputs) {
        const artifact = recorded.get(`${step.name}.${output}`);
        if (!artifact && `${step.name}.${output}` === "ingest.refused" && report) {
          await write(output, refusedCodec, await refusedIn(store, report));
          continue;
        }
        if (!artifact) return refuseToReproduce(run, `${step.name}.${output} is not on record`);
        const from = await store.artifacts.verifiedPath(artifact.digest);
        await writeFile(output, artifact, (to) => fs.copyFile(from, to));
      }
    },
  };
}

/** Earlier releases kept what was no row in the report. */
async function refusedIn(store: Store, report: RecordedArtifact): Promise<readonly Unreadable[]> {
  const { refused = [] } = await ingestReportCodec.read(await store.artifacts.verifiedPath(report.digest));
  return refused;
}

interface Decisions {
  readonly chosen: Chosen | undefined;
  readonly outcome: GateOutcome | undefined;
}

async function decisionsOf(store: Store, recorded: ReadonlyMap<string, RecordedArtifact>): Promise<Decisions> {
  const read = async <T>(name: string, codec: Codec<T>): Promise<T | undefined> => {
    const artifact = recorded.get(name);
    return artifact && codec.read(await store.artifacts.verifiedPath(artifact.digest));
  };
  return { chosen: await read("tune.chosen", chosenCodec), outcome: await read("gate.outcome", gateOutcomeCodec) };
}

/** The definition with the version training went on from by its number: the gate may have found another champion. */
function startingAsThen(spec: PipelineSpec, chosen: Chosen | undefined): PipelineSpec {
  const { from, ...model } = spec.model;
  if (from === undefined || !chosen) return spec;
  return { ...spec, model: chosen.start ? { ...model, from: chosen.start.version } : model };
}

/** The registry as the run found it: its champion is the one the gate compared with. */
async function registryThen(project: Project, spec: PipelineSpec, { chosen, outcome }: Decisions): Promise<Registry> {
  const [start, rival] = [chosen?.start, outcome?.comparedWith];
  const all = (rival ?? start) ? await project.registry.versions(spec.name) : [];
  const versionAt = (digest: Digest | undefined): ModelVersion | undefined => all.find((one) => one.digest === digest);
  const champion = versionAt(rival?.digest) ?? null;
  const known = [...new Set([champion, versionAt(start?.digest)])].filter((version) => version != null);
  return {
    ...project.registry,
    models: async () =>
      champion ? [{ model: spec.name, versions: champion.version, champion: champion.version, challenger: null }] : [],
    champion: async () => champion,
    versions: async () => known,
  };
}
