import { formatDuration } from "../core/duration.ts";
import type { RecordedStep } from "../engine/runs.ts";
import type { Verb } from "./verb.ts";

export const show: Verb = {
  name: "show",
  description: "Shows one run: its steps with status and duration, metrics, artifacts and where they came from.",
  operands: [["<run>", "a run id, or a pipeline for its newest run"]],
  options: [],
  examples: ["millrace show 20260102-030405-ab12", "millrace show houses"],
  async run({ operands, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { provenanceLines } = await import("../app/provenance.ts");
    const { runCalled, showRun } = await import("../engine/runs.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const run = await showRun(project.store, await runCalled(project.store, operands[0]!));
      output.line(`run ${run.runId} of ${run.workflow}: ${run.status}`);
      if (run.attempt > 1) output.line(`  resumed, attempt ${run.attempt}`);
      if (run.parent !== null) output.line(`  within run ${run.parent}`);
      for (const line of provenanceLines(run.provenance)) output.line(`  ${line}`);
      for (const [tag, value] of Object.entries(run.tags)) output.line(`  tag ${tag} = ${value}`);
      if (run.error) output.line(`  ${run.error.code}: ${run.error.message}`);
      for (const step of run.steps) {
        const name = step.attempt === 1 ? step.step : `${step.step} (attempt ${step.attempt})`;
        const took = step.durationMs === null ? "" : formatDuration(step.durationMs);
        output.line(`  ${name.padEnd(10)} ${step.status.padEnd(8)} ${took}`.trimEnd());
        for (const line of stepLines(step)) output.line(`      ${line}`);
        for (const [name, value] of Object.entries(step.metrics)) output.line(`      ${name} = ${value}`);
        for (const artifact of step.outputs)
          output.line(`      -> ${artifact.name} ${artifact.type} ${artifact.digest}`);
      }
      const { dataReportOf, renderDataReport } = await import("../app/data-report.ts");
      const data = await dataReportOf(project, run);
      for (const line of data ? renderDataReport(data) : []) output.line(`  ${line}`);
      output.document({ ...run, data });
      return 0;
    } finally {
      await project.close();
    }
  },
};

/** How a step was to be run, why it was skipped, what it failed with. */
function stepLines({ settings, reason, error }: RecordedStep): string[] {
  const { tags, retry, timeoutMs, memoryMb, slots } = settings;
  const said = [
    tags && `tags ${tags.join(", ")}`,
    retry && `up to ${retry.attempts} attempts`,
    timeoutMs !== undefined && `timeout ${formatDuration(timeoutMs)}`,
    memoryMb !== undefined && `memory ${memoryMb} MiB`,
    slots !== undefined && `slots ${slots}`,
  ].filter((part) => typeof part === "string");
  return [
    ...(said.length > 0 ? [said.join("; ")] : []),
    ...(reason === null ? [] : [reason]),
    ...(error === null ? [] : [`${error.code}: ${error.message}`]),
  ];
}
