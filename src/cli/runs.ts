import { formatDuration } from "../core/duration.ts";
import { integerOption } from "./number-option.ts";
import { textOption, type Verb } from "./verb.ts";

export const runs: Verb = {
  name: "runs",
  description: "Lists runs, newest first.",
  operands: [],
  options: [
    ["--pipeline <name>", "only this pipeline's runs"],
    ["--limit <n>", "at most so many (default 20)"],
  ],
  examples: ["millrace runs --limit 5"],
  async run({ options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { listRuns } = await import("../engine/runs.ts");
    const workflow = textOption(options, "pipeline");
    const project = await openProject(root, { clock: systemClock });
    try {
      const found = await listRuns(project.store, {
        limit: integerOption(options, "limit", 1, 10_000) ?? 20,
        ...(workflow === undefined ? {} : { workflow }),
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
