import type { Verb } from "./verb.ts";

export const verify: Verb = {
  name: "verify",
  description:
    "Checks all that the project keeps: every artifact's digest, the database, the seals of runs and models, the audit log. Exits 1 where something is not as it was written.",
  operands: [],
  options: [],
  examples: ["millrace verify", "millrace verify --json"],
  async run({ root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { verifyProject } = await import("../app/keeping.ts");
    const found = await verifyProject(root, systemClock);
    for (const fault of found.faults) {
      output.line(`${fault.subject}: ${fault.problem}`);
      output.line(`  ${fault.remedy}`);
    }
    const looked = `${found.runs} runs and ${found.artifacts} artifacts (${found.bytes} bytes)`;
    output.line(found.faults.length === 0 ? `sound: ${looked}` : `${found.faults.length} faults in ${looked}`);
    output.document({ sound: found.faults.length === 0, ...found });
    return found.faults.length === 0 ? 0 : 1;
  },
};
