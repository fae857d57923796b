import type { Digest } from "../core/digest.ts";
import type { Codec, RunListener, RunResult } from "../engine/step.ts";
import { runWorkflow } from "../engine/run.ts";
import type { Selection } from "../engine/plan.ts";
import { inlineRunner } from "../engine/runner.ts";
import type { GateVerdict } from "../evaluate/gate.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import type { PipelineSpec } from "../pipeline/spec.ts";
import { auditReportCodec } from "../pipeline/workflow/audit-step.ts";
import { evaluationReportCodec } from "../pipeline/workflow/evaluate-step.ts";
import { importanceCodec, type Importance } from "../pipeline/workflow/explain-step.ts";
import { gateOutcomeCodec } from "../pipeline/workflow/gate-step.ts";
import { promotedCodec } from "../pipeline/workflow/promote-step.ts";
import { profileCodec } from "../pipeline/workflow/validate-step.ts";
import { pipelineRules } from "../pipeline/workflow/rules.ts";
import { workflowOf } from "../pipeline/workflow/workflow.ts";
import type { AuditReport } from "../validate/audit.ts";
import type { DatasetProfile } from "../validate/profile.ts";
import { acknowledgeSnapshots } from "./acknowledge.ts";
import { definitionOf } from "./definition.ts";
import { environmentOf } from "./environment.ts";
import { sourceOf } from "./code.ts";
import type { Project } from "./project.ts";
import { runnerFor } from "./runner.ts";
import { collectProvenance } from "./provenance.ts";

export interface RunOptions extends Selection {
  /** How many steps run at once. Default: the cores at hand. */
  readonly jobs?: number;
  /** Own steps run in this process rather than in processes of their own. */
  readonly inline?: boolean;
  readonly listener?: RunListener;
  readonly signal?: AbortSignal;
  /** false repeats every step. */
  readonly cache?: boolean;
  /** The interrupted run to go on with. */
  readonly resume?: string;
}

export interface PipelineRunOptions extends RunOptions {
  /** The file that defines the pipeline: own steps can then run in processes of their own. */
  readonly file?: string;
}

/** What a run found, from its artifacts; members are null where the run ended before them. */
export interface RunOutcome {
  readonly result: RunResult;
  readonly profile: DatasetProfile | null;
  readonly audit: AuditReport | null;
  readonly report: EvaluationReport | null;
  readonly importance: Importance | null;
  readonly verdict: GateVerdict | null;
  readonly version: number | null;
  readonly promoted: boolean;
  /** The version passed its gate, but was champion before and was rolled back: only a person brings it back. */
  readonly withdrawn: boolean;
  /** Why a version that passed its gate was not promoted; null where it was, or its gate failed. */
  readonly refusal: string | null;
}

/** Runs a pipeline in this project. A failed step is in `result`; a failed gate is a verdict, not an error. */
export async function runPipeline(
  project: Project,
  spec: PipelineSpec,
  { inline = false, file, ...options }: PipelineRunOptions = {},
): Promise<RunOutcome> {
  const source = file !== undefined && spec.steps.length > 0 ? await sourceOf(file, project.root, "pipeline") : null;
  const environment = { ...environmentOf(project, spec), source };
  const workflow = workflowOf(spec, environment);
  const runner = inline ? inlineRunner : runnerFor(project.store);
  const sources = acknowledgeSnapshots(environment.fetcher, options.listener);
  const result = await runWorkflow(workflow, {
    store: project.store,
    clock: project.clock,
    runner,
    ...options,
    listener: sources.listener,
    provenance: await collectProvenance(project.root, environment.threads, file),
    definition: definitionOf(spec),
    rules: pipelineRules(spec),
  }).finally(async () => {
    await sources.settled();
    await Promise.all([runner.close(), environment.fetcher.close()]);
  });
  const read = artifactReader(project, result);
  const promoted = await read("promote.result", promotedCodec);
  return {
    result,
    profile: await read("validate.profile", profileCodec),
    audit: await read("audit.report", auditReportCodec),
    report: await read("evaluate.report", evaluationReportCodec),
    importance: await read("explain.importance", importanceCodec),
    verdict: (await read("gate.outcome", gateOutcomeCodec))?.verdict ?? null,
    version: promoted?.version ?? null,
    promoted: promoted?.promoted ?? false,
    withdrawn: promoted?.isWithdrawn ?? false,
    refusal: promoted?.refusal ?? null,
  };
}

function artifactReader(project: Project, result: RunResult): <T>(name: string, codec: Codec<T>) => Promise<T | null> {
  const digests = new Map<string, Digest>();
  for (const step of result.steps)
    for (const [output, digest] of step.outputs) digests.set(`${step.step}.${output}`, digest);
  return async (name, codec) => {
    const digest = digests.get(name);
    return digest === undefined ? null : codec.read(await project.store.artifacts.verifiedPath(digest));
  };
}
