import type { LogLine } from "../engine/step-log.ts";
import type { Verb } from "./verb.ts";

export const logs: Verb = {
  name: "logs",
  description:
    "Prints what the steps of a run printed in processes of their own: of each attempt the first 64 KiB and the last 192 KiB.",
  operands: [
    ["<run>", "a run id, or a pipeline for its newest run"],
    ["[step]", "only this step, with its elements"],
  ],
  options: [],
  examples: ["millrace logs 20260102-030405-ab12", "millrace logs 20260102-030405-ab12 train"],
  async run({ operands, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { readLogs } = await import("../engine/logs.ts");
    const { runCalled } = await import("../engine/runs.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const run = await runCalled(project.store, operands[0]!);
      const found = await readLogs(project.store, run, operands[1]);
      for (const { step, attempt, head, dropped, tail } of found) {
        const name = attempt === 1 ? step : `${step} (attempt ${attempt})`;
        const print = (lines: readonly LogLine[]): void => {
          for (const { text } of lines) output.line(`${name} | ${text}`);
        };
        print(head);
        if (dropped > 0) output.line(`${name} ... ${dropped} lines left out ...`);
        print(tail);
      }
      if (found.length === 0) output.line("nothing was printed");
      output.document({ run, logs: found });
      return 0;
    } finally {
      await project.close();
    }
  },
};
