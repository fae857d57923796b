import type { Verb } from "./verb.ts";

export const doctor: Verb = {
  name: "doctor",
  description: "Prints versions and checks this machine and project: Node, SQLite, DuckDB, disk, store, threads.",
  operands: [],
  options: [],
  examples: ["millrace doctor --json"],
  async run({ root, output }) {
    const { examine } = await import("../app/doctor.ts");
    const findings = await examine(root);
    for (const finding of findings)
      output.line(
        `${finding.ok ? "ok   " : "error"}  ${finding.subject.padEnd(12)} ${finding.found}${finding.remedy ? `  ${finding.remedy}` : ""}`,
      );
    output.document({ findings });
    return findings.every((finding) => finding.ok) ? 0 : 1;
  },
};
