import { integerOf } from "./number-option.ts";
import { textOption, type Verb } from "./verb.ts";

export const gc: Verb = {
  name: "gc",
  description: "Removes artifacts that no run and no model version refers to, and left-over temporary files.",
  operands: [],
  options: [
    ["--keep-runs <n>", "keep only the newest n runs of each pipeline (default: all); those of model versions stay"],
    ["--dry-run", "only say what would go"],
  ],
  examples: ["millrace gc --dry-run", "millrace gc --keep-runs 20"],
  async run({ options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { collectGarbage } = await import("../store/gc.ts");
    const keep = textOption(options, "keepRuns");
    const keepRuns = keep === undefined ? null : integerOf("--keep-runs", keep, 1, Number.MAX_SAFE_INTEGER);
    const dryRun = options["dryRun"] === true;
    const project = await openProject(root, { clock: systemClock });
    try {
      const report = await collectGarbage(project.store, systemClock, { keepRuns, dryRun });
      const { runs, artifacts, bytes, temporaryFiles } = report;
      const what = `${runs.length} runs, ${artifacts} artifacts (${bytes} bytes), ${temporaryFiles} temporary files`;
      output.line(dryRun ? `would remove ${what}` : `removed ${what}`);
      output.document({ dryRun, ...report });
      return 0;
    } finally {
      await project.close();
    }
  },
};
