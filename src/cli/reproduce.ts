import { integerOption } from "./number-option.ts";
import type { Verb } from "./verb.ts";

export const reproduce: Verb = {
  name: "reproduce",
  description:
    "Runs a recorded run again, from its recorded data and definition, in a scratch store, and compares the digest of every artifact. Exits 1 where one differs.",
  operands: [["<run>", "a run id, or a pipeline for its newest run"]],
  options: [["--threads <n>", "train with so many threads (default: as `run` does); nothing may depend on it"]],
  examples: ["millrace reproduce 20260102-030405-ab12", "millrace reproduce 20260102-030405-ab12 --threads 1"],
  async run({ operands, options, root, output, signal }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { reproduceRun } = await import("../app/reproduce.ts");
    const { runCalled } = await import("../engine/runs.ts");
    const { progressListener } = await import("./progress.ts");
    const threads = integerOption(options, "threads", 1, 256);
    const project = await openProject(root, { clock: systemClock });
    try {
      const found = await reproduceRun(project, await runCalled(project.store, operands[0]!), {
        listener: progressListener(output),
        signal,
        ...(threads === undefined ? {} : { threads }),
      });
      output.line();
      const differing = found.compared.filter((one) => one.recorded !== one.reproduced);
      const [first] = differing;
      if (first === undefined) output.line(`equal: all ${found.compared.length} artifacts of run ${found.runId}`);
      else {
        output.line(`${differing.length} of ${found.compared.length} artifacts differ, first ${first.name}:`);
        output.line(`  recorded    ${first.recorded}`);
        output.line(`  reproduced  ${first.reproduced ?? "(nothing)"}`);
        for (const step of found.origins) output.line(`step "${step}" makes something else of the same inputs`);
      }
      if (found.error) output.line(`${found.error.code}: ${found.error.message}`);
      if (found.taken.length > 0) output.line(`taken from the record: ${found.taken.join(", ")}`);
      const { error, ...rest } = found;
      output.document({ ...rest, error: error && { code: error.code, message: error.message, remedy: error.remedy } });
      return found.equal ? 0 : 1;
    } finally {
      await project.close();
    }
  },
};
