import { MillraceError } from "../core/errors/error.ts";
import type { Project } from "../app/project.ts";
import { integerOption } from "./number-option.ts";
import type { Output } from "./output.ts";
import { textOption, type Verb } from "./verb.ts";

export const predict: Verb = {
  name: "predict",
  description: "Predicts one row given as JSON, or every row of a file, with the champion of a model.",
  operands: [
    ["<model>", "a model's name"],
    ["[file]", "CSV, TSV, Parquet, JSON, JSON-lines or Arrow file with the contract's columns"],
  ],
  options: [
    ["--row <json>", "one row as a JSON object"],
    ["--explain", "say what each feature added to each prediction"],
    ["--model-version <n>", "this version instead of the champion"],
    ["-o, --out <file>", "write predictions here (.parquet, .csv or .jsonl) instead of to standard output"],
  ],
  examples: [
    `millrace predict churn --row '{"tenure": 3, "Contract": "One year"}'`,
    "millrace predict churn new-customers.csv -o scores.csv --explain",
  ],
  async run({ operands, options, root, output, signal }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const [model, file] = operands;
    const row = textOption(options, "row");
    if ((row === undefined) === (file === undefined))
      throw new MillraceError("USAGE", { reason: "predict takes either a file or --row" });
    const version = integerOption(options, "modelVersion", 1, Number.MAX_SAFE_INTEGER);
    const asked = { model: model!, version, explain: options["explain"] === true, out: textOption(options, "out") };
    const project = await openProject(root, { clock: systemClock });
    try {
      if (row === undefined) await printFile(project, file!, asked, output, signal);
      else await printRow(project, row, asked, output);
      return 0;
    } finally {
      await project.close();
    }
  },
};

interface Asked {
  readonly model: string;
  readonly version: number | undefined;
  readonly explain: boolean;
  readonly out: string | undefined;
}

async function printRow(project: Project, row: string, asked: Asked, output: Output): Promise<void> {
  const { predictRow } = await import("../app/predict.ts");
  const { explanationLines } = await import("../app/prediction-format.ts");
  const answer = await predictRow(project, asked.model, row, asked);
  output.line(JSON.stringify(answer.prediction));
  if (answer.explanation) for (const line of explanationLines(answer.explanation)) output.line(line);
  output.document(answer);
}

async function printFile(
  project: Project,
  file: string,
  asked: Asked,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { systemClock } = await import("../core/clock.ts");
  const { predictFile } = await import("../app/predict.ts");
  const { workProgress } = await import("./progress.ts");
  const { model, out } = asked;
  const { part, clear } = workProgress(output, systemClock);
  const told = { signal, reading: part("read"), predicting: part("predict") };
  const done = await predictFile(project, model, file, { ...asked, ...told }).finally(clear);
  const { version, nRows, nWarnings, predictions, explanations } = done;
  for (const line of done.lines) output.line(line);
  if (out !== undefined) output.line(`wrote ${nRows} predictions of ${model} version ${version} to ${out}`);
  if (nWarnings > 0) output.progress(`${nWarnings} values break rules that only warn\n`);
  output.document({
    model,
    version,
    nRows,
    nWarnings,
    ...(out === undefined ? { predictions } : { out }),
    ...(explanations && out === undefined ? { explanations } : {}),
  });
}
