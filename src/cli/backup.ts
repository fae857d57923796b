import type { Verb } from "./verb.ts";

export const backup: Verb = {
  name: "backup",
  description: "Writes a folder with all that the project keeps as of now, while runs and serving go on.",
  operands: [["<folder>", "a folder that does not exist yet or is empty"]],
  options: [
    ["--copy", "copy artifacts even where a hard link would do"],
    ["--no-artifacts", "leave the artifacts of a bucket (MILLRACE_ARTIFACTS) there"],
  ],
  examples: ["millrace backup /backups/2026-01-02"],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { backUp } = await import("../store/backup.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const report = await backUp(project.store, systemClock, operands[0]!, {
        copy: options["copy"] === true,
        artifacts: options["artifacts"] !== false,
      });
      output.line(`wrote ${report.path}: ${report.artifacts} artifacts (${report.bytes} bytes)`);
      output.document(report);
      return 0;
    } finally {
      await project.close();
    }
  },
};
