import { MillraceError } from "../core/errors/error.ts";
import { textOption, type Verb } from "./verb.ts";

export const quality: Verb = {
  name: "quality",
  description:
    "Measures what a model answered against what became true, as POST /v1/feedback was told, beside its test metrics.",
  operands: [["<model>", "a model's name"]],
  options: [
    ["--since <when>", "of predictions from then on: a duration ago, or a time (default 30d)"],
    ["--until <when>", "of predictions before then"],
    ["--by <group>", "version (default) or day"],
  ],
  examples: ["millrace quality churn --since 7d --by day"],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { qualityOf } = await import("../app/quality.ts");
    const { formatMetric } = await import("../evaluate/format.ts");
    const by = textOption(options, "by") ?? "version";
    if (by !== "version" && by !== "day")
      throw new MillraceError("USAGE", { reason: `--by must be version or day, got "${by}"` });
    const project = await openProject(root, { clock: systemClock });
    try {
      const report = await qualityOf(project, operands[0]!, {
        since: textOption(options, "since"),
        until: textOption(options, "until"),
        by,
      });
      const show = (metrics: Readonly<Record<string, number | null>>): string =>
        Object.entries(metrics)
          .map(([name, value]) => `${name} ${formatMetric(value)}`)
          .join("  ");
      output.line(`${report.model}: the truth of ${report.nRows} predictions is known`);
      for (const { group, nRows, metrics } of report.groups) output.line(`  ${group}  ${nRows} rows  ${show(metrics)}`);
      if (report.unmeasured > 0)
        output.line(
          `  ${report.unmeasured} are not measured: of other labels, or of a ranking, whose groups are not kept`,
        );
      output.line(`  test split of champion ${report.champion.version}  ${show(report.champion.metrics)}`);
      output.document(report);
      return 0;
    } finally {
      await project.close();
    }
  },
};
