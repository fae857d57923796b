import type { Verb } from "./verb.ts";

export const restore: Verb = {
  name: "restore",
  description: "Puts a backup in the place of the project's store, once it is copied and verified whole.",
  operands: [["<folder>", "what `millrace backup` wrote"]],
  options: [["--force", "replace what the project keeps now"]],
  examples: ["millrace restore /backups/2026-01-02 --force"],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { restoreProject } = await import("../app/keeping.ts");
    const report = await restoreProject(root, operands[0]!, systemClock, { force: options["force"] === true });
    output.line(`restored ${report.path}: ${report.artifacts} artifacts (${report.bytes} bytes)`);
    output.document(report);
    return 0;
  },
};
