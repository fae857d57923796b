import type { ExitCode, Verb } from "./verb.ts";

export const resume: Verb = {
  name: "resume",
  description:
    "Goes on with runs whose process was killed or stands still, from their last committed step, under their own id.",
  operands: [["[run]", "a run id; without, the newest run of each pipeline where it was interrupted"]],
  options: [],
  examples: ["millrace resume", "millrace resume 20260102-030405-ab12"],
  async run({ operands, root, output, signal }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { findResumable, resumeRun } = await import("../app/resume.ts");
    const { showRun } = await import("../engine/runs.ts");
    const { progressListener } = await import("./progress.ts");
    const { printOutcome, outcomeDocument, printResult, resultDocument } = await import("./run-report.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const found = await findResumable(project);
      const wanted = operands[0] === undefined ? found : [await showRun(project.store, operands[0])];
      if (wanted.length === 0) output.line("no run was interrupted");
      const resumed: object[] = [];
      let code: ExitCode = 0;
      for (const run of wanted) {
        const done = await resumeRun(project, run, { listener: progressListener(output), signal });
        if (done.result.status !== "succeeded") throw done.result.error;
        if (done.kind === "workflow") {
          printResult(output, done.result);
          resumed.push({ workflow: run.workflow, ...resultDocument(done.result) });
          continue;
        }
        printOutcome(output, run.workflow, done.outcome);
        resumed.push(outcomeDocument(run.workflow, done.outcome));
        if (done.outcome.verdict?.passed === false) code = 3;
      }
      output.document({ resumed });
      return code;
    } finally {
      await project.close();
    }
  },
};
