import type { ComparedFact } from "../engine/compare.ts";
import type { Verb } from "./verb.ts";

export const compare: Verb = {
  name: "compare",
  description: "Lays runs beside each other: parameters, metrics, data, code and artifacts, and which of them differ.",
  operands: [["<runs...>", "two or more run ids, or pipelines for their newest runs"]],
  options: [["--all", "show what is equal too"]],
  examples: ["millrace compare 20260102-030405-ab12 20260103-040506-cd34"],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { MillraceError } = await import("../core/errors/error.ts");
    const { openProject } = await import("../app/project.ts");
    const { compareRuns } = await import("../engine/compare.ts");
    const { runCalled } = await import("../engine/runs.ts");
    if (operands.length < 2)
      throw new MillraceError("USAGE", { reason: `compare needs two runs or more, got ${operands.length}` });
    const project = await openProject(root, { clock: systemClock });
    try {
      const ids = await Promise.all(operands.map((called) => runCalled(project.store, called)));
      const found = await compareRuns(project.store, ids);
      const section = (title: string, facts: readonly ComparedFact<unknown>[]): void => {
        const shown = options["all"] === true ? facts : facts.filter((fact) => !fact.isEqual);
        const equal = facts.length - facts.filter((fact) => !fact.isEqual).length;
        output.line();
        output.line(`${title}: ${facts.length - equal} of ${facts.length} differ`);
        for (const { name, values, isEqual } of shown) {
          output.line(`  ${isEqual ? "=" : "!"} ${name}`);
          for (const [i, value] of values.entries()) output.line(`      ${ids[i]!}  ${textOf(value)}`);
        }
      };
      for (const run of found.runs) output.line(`${run.runId}  ${run.workflow}  ${run.status}`);
      section("parameters", found.parameters);
      section("metrics", found.metrics);
      section("data", found.data);
      section("code", found.code);
      section("artifacts", found.artifacts);
      output.document(found);
      return 0;
    } finally {
      await project.close();
    }
  },
};

function textOf(value: unknown): string {
  if (value === undefined) return "(none)";
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}
