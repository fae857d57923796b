import type { CheckResult } from "../app/check.ts";
import type { Verb } from "./verb.ts";

export const check: Verb = {
  name: "check",
  description: "Loads pipelines, lints their steps and looks whether their data is there, without running anything.",
  operands: [["[pipelines...]", "names or paths (default: all in pipelines/)"]],
  options: [],
  examples: ["millrace check", "millrace check house-prices --json"],
  async run({ operands, root, output }) {
    const { checkPipelines } = await import("../app/check.ts");
    const results = await checkPipelines(root, operands);
    for (const result of results) {
      output.line(`${hasErrors(result) ? "error " : "ok    "} ${result.pipeline}`);
      for (const { severity, code, message, remedy } of result.problems)
        output.line(`       ${severity === "warning" ? "warning" : code}: ${message}. ${remedy}`);
    }
    if (results.length === 0) output.line("no pipelines in pipelines/");
    output.document({ pipelines: results });
    return results.some(hasErrors) ? 1 : 0;
  },
};

function hasErrors({ problems }: CheckResult): boolean {
  return problems.some(({ severity }) => severity === "error");
}
