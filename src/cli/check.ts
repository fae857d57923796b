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
      output.line(`${result.problems.length === 0 ? "ok    " : "error "} ${result.pipeline}`);
      for (const problem of result.problems)
        output.line(`       ${problem.code}: ${problem.message} ${problem.remedy}`);
    }
    if (results.length === 0) output.line("no pipelines in pipelines/");
    output.document({ pipelines: results });
    return results.every((result) => result.problems.length === 0) ? 0 : 1;
  },
};
