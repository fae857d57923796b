import { textOption, type Verb } from "./verb.ts";

export const monitor: Verb = {
  name: "monitor",
  description:
    "Compares a window of the prediction log with the reference profile inside the model; exits 4 where they differ.",
  operands: [["<model>", "a model's name"]],
  options: [
    ["--window <duration>", "how far back to look, such as 1d or 12h (default 1d)"],
    ["--psi <limit>", "population stability index from which a column counts as drifted (default 0.2)"],
    ["--min-rows <n>", "judge no window smaller than this (default 200)"],
  ],
  examples: ["millrace monitor flight-delays --window 7d"],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { monitorModel } = await import("../app/monitor.ts");
    const { renderDrift } = await import("../monitor/drift-table.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const report = await monitorModel(project, operands[0]!, {
        window: textOption(options, "window"),
        psi: textOption(options, "psi"),
        minRows: textOption(options, "minRows"),
      });
      for (const line of renderDrift(report)) output.line(line);
      output.document(report);
      return report.verdict === "drift" ? 4 : 0;
    } finally {
      await project.close();
    }
  },
};
