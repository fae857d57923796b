import { MillraceError } from "../core/errors/error.ts";
import type { ForgetReport } from "../app/forget.ts";
import type { Output } from "./output.ts";
import type { Verb } from "./verb.ts";

export const forget: Verb = {
  name: "forget",
  description:
    "Takes the rows with a value in a column out of every snapshot, out of the rows set aside and out of the prediction log, and " +
    "names the model versions that were trained on them. Take them out of the source first: a run reads it again.",
  operands: [["<column=value>", "the column that identifies persons, and whose rows are to go"]],
  options: [["--yes", "do it; without, only say what would go"]],
  examples: ["millrace forget patient=ann@example.com", "millrace forget patient=ann@example.com --yes"],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { privacyKeyOf } = await import("../app/privacy-key.ts");
    const { openProject } = await import("../app/project.ts");
    const { forget: forgetRows } = await import("../app/forget.ts");
    const [column, value] = splitOnce(operands[0]!);
    const project = await openProject(root, { clock: systemClock });
    try {
      const report = await forgetRows(project, { column, value, dryRun: options["yes"] !== true, privacyKeyOf });
      say(report, output);
      output.document(report);
      return 0;
    } finally {
      await project.close();
    }
  },
};

function splitOnce(operand: string): readonly [column: string, value: string] {
  const at = operand.indexOf("=");
  if (at > 0 && at < operand.length - 1) return [operand.slice(0, at), operand.slice(at + 1)];
  throw new MillraceError("USAGE", { reason: `"${operand}" is not of the form column=value` });
}

function say(report: ForgetReport, output: Output): void {
  const rows = report.snapshots.reduce((sum, snapshot) => sum + snapshot.rows, 0);
  const what =
    `${rows} rows of ${report.snapshots.length} snapshots, ${report.quarantinedRows} rows that were set aside, ` +
    `${report.messages} messages of streams and ${report.predictions} logged predictions (${report.feedback} with what became true)`;
  output.line(report.dryRun ? `would take out ${what}` : `took out ${what}`);
  for (const { model, version, isChampion } of report.models)
    output.line(`  ${model} version ${version} was trained on them${isChampion ? " and is the champion" : ""}`);
  for (const { run, output: name } of report.mentions)
    output.line(`  the value stands in ${name}${run === null ? "" : ` of run ${run}`}, too`);
  for (const { run, output: name } of report.unsearched)
    output.line(`  ${name} of run ${run} is too large to be searched`);
  for (const file of report.openLogs)
    output.line(`  ${file} is being written: stop the server that does so and forget again`);
  if (report.dryRun) output.line("Nothing was changed. Add --yes to do it.");
  else if (report.models.length > 0) output.line("Take them out of the source, and run the pipelines again.");
}
