import type { Verb } from "./verb.ts";

export const run: Verb = {
  name: "run",
  description:
    "Runs a pipeline: ingest, validate, split, audit, tune, features, train, evaluate, explain, gate, register, promote.",
  operands: [["<pipeline>", "name of a file in pipelines/, or a path"]],
  options: [["--no-cache", "repeat every step"]],
  examples: ["millrace run house-prices", "millrace run house-prices --json"],
  async run({ operands, options, root, output, signal }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { loadPipeline } = await import("../app/pipelines.ts");
    const { runPipeline } = await import("../app/run-pipeline.ts");
    const { progressListener } = await import("./progress.ts");
    const { printOutcome, outcomeDocument } = await import("./run-report.ts");
    const { spec } = await loadPipeline(root, operands[0]!);
    const project = await openProject(root, { clock: systemClock });
    try {
      const cache = options["cache"] !== false;
      const outcome = await runPipeline(project, spec, { listener: progressListener(output), signal, cache });
      if (outcome.result.status !== "succeeded") throw outcome.result.error;
      printOutcome(output, spec.name, outcome);
      output.document(outcomeDocument(spec.name, outcome));
      return outcome.verdict?.passed === false ? 3 : 0;
    } finally {
      await project.close();
    }
  },
};
