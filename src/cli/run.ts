import type { RunOptions } from "../app/run-pipeline.ts";
import { integerOption } from "./number-option.ts";
import { textOption, type OptionValues, type Verb } from "./verb.ts";

export const run: Verb = {
  name: "run",
  description:
    "Runs a pipeline: ingest, validate, split, audit, tune, features, train, evaluate, explain, gate, register, promote; or a workflow of your own steps.",
  operands: [["<pipeline>", "name of a file in pipelines/, or a path"]],
  options: [
    ["--no-cache", "repeat every step"],
    ["--force <steps>", "repeat these steps, separated by commas"],
    ["--from <step>", "repeat this step and all that come after it"],
    ["--until <step>", "run this step and what it needs, no more"],
    ["--jobs <n>", "run at most so many steps at once (default: the cores at hand)"],
    ["--inline", "run your own steps in this process, not in processes of their own"],
  ],
  examples: ["millrace run house-prices", "millrace run house-prices --from train", "millrace run house-prices --json"],
  async run({ operands, options, root, output, signal }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { loadDefinition } = await import("../app/pipelines.ts");
    const { runPipeline } = await import("../app/run-pipeline.ts");
    const { progressListener } = await import("./progress.ts");
    const { printOutcome, outcomeDocument, printResult, resultDocument } = await import("./run-report.ts");
    const loaded = await loadDefinition(root, operands[0]!);
    const given = { ...runOptions(options), listener: progressListener(output), signal };
    const project = await openProject(root, { clock: systemClock });
    try {
      if (loaded.kind === "workflow") {
        const { runLoadedWorkflow } = await import("../app/run-workflow.ts");
        const result = await runLoadedWorkflow(project, loaded, given);
        if (result.status !== "succeeded") throw result.error;
        printResult(output, result);
        output.document({ workflow: loaded.workflow.name, ...resultDocument(result) });
        return 0;
      }
      const { spec, file } = loaded;
      const outcome = await runPipeline(project, spec, { ...given, file });
      if (outcome.result.status !== "succeeded") throw outcome.result.error;
      printOutcome(output, spec.name, outcome);
      output.document(outcomeDocument(spec.name, outcome));
      return outcome.verdict?.passed === false ? 3 : 0;
    } finally {
      await project.close();
    }
  },
};

function runOptions(options: OptionValues): RunOptions {
  const force = textOption(options, "force");
  const from = textOption(options, "from");
  const until = textOption(options, "until");
  const jobs = integerOption(options, "jobs", 1, 1024);
  return {
    cache: options["cache"] !== false,
    inline: options["inline"] === true,
    ...(force === undefined ? {} : { force: force.split(",").map((step) => step.trim()) }),
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    ...(jobs === undefined ? {} : { jobs }),
  };
}
