import { integerOf, integerOption } from "./number-option.ts";
import { textOption, type Verb } from "./verb.ts";

export const gc: Verb = {
  name: "gc",
  description:
    "Removes artifacts that no run and no model version refers to, left-over temporary files and, where asked, old predictions.",
  operands: [],
  options: [
    ["--keep-runs <n>", "keep only the newest n runs of each pipeline (default: all); those of model versions stay"],
    ["--keep-days <n>", "also sweep what the prediction log holds of earlier days (default: keep all)"],
    ["--dry-run", "only say what would go"],
  ],
  examples: ["millrace gc --dry-run", "millrace gc --keep-runs 20 --keep-days 90"],
  async run({ options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { collectGarbage } = await import("../store/gc.ts");
    const keep = textOption(options, "keepRuns");
    const keepRuns = keep === undefined ? null : integerOf("--keep-runs", keep, 1, Number.MAX_SAFE_INTEGER);
    const keepDays = integerOption(options, "keepDays", 1, 36_500);
    const dryRun = options["dryRun"] === true;
    const project = await openProject(root, { clock: systemClock });
    try {
      const report = await collectGarbage(project.store, systemClock, { keepRuns, dryRun });
      const { runs, artifacts, bytes, temporaryFiles } = report;
      const what = `${runs.length} runs, ${artifacts} artifacts (${bytes} bytes), ${temporaryFiles} temporary files`;
      output.line(dryRun ? `would remove ${what}` : `removed ${what}`);
      const { sweepOldPredictions } = await import("../app/predictions.ts");
      const swept = keepDays === undefined ? null : await sweepOldPredictions(project, keepDays, dryRun);
      if (swept)
        output.line(
          `${dryRun ? "would sweep" : "swept"} ${swept.segments} segments of the prediction log (${swept.bytes} bytes)`,
        );
      output.document({ dryRun, ...report, ...(swept && { predictions: swept }) });
      return 0;
    } finally {
      await project.close();
    }
  },
};
