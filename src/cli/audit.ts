import { MillraceError } from "../core/errors/error.ts";
import { type ExitCode, textOption, type Verb, type VerbCall } from "./verb.ts";

export const audit: Verb = {
  name: "audit",
  description:
    "Lists who did what when, or (`audit verify`) checks that no entry was altered, removed or put elsewhere; exits 1 at the first.",
  operands: [["[verify]", "checks the log instead of listing it"]],
  options: [
    ["--model <name>", "lists what is about one model"],
    ["--contains <digest>", "verify: the digest of an entry noted elsewhere, which must still be there"],
  ],
  examples: [
    "millrace audit --model house-prices",
    "millrace audit verify",
    "millrace audit verify --contains sha256:...",
  ],
  async run(call) {
    const [what] = call.operands;
    if (what !== undefined && what !== "verify")
      throw new MillraceError("USAGE", { reason: `\`millrace audit\` takes "verify" or nothing, got "${what}"` });
    return what === "verify" ? verifyLog(call) : listLog(call);
  },
};

async function listLog({ options, root, output }: VerbCall): Promise<ExitCode> {
  const { systemClock } = await import("../core/clock.ts");
  const { openProject } = await import("../app/project.ts");
  const { auditEntries } = await import("../app/registry.ts");
  const project = await openProject(root, { clock: systemClock });
  try {
    const entries = await auditEntries(project, textOption(options, "model"));
    for (const { sequence, at, actor, action, subject, details } of entries) {
      const reason = typeof details["reason"] === "string" && details["reason"] !== "" ? `: ${details["reason"]}` : "";
      const version = typeof details["version"] === "number" ? ` version ${details["version"]}` : "";
      output.line(`${sequence}  ${new Date(at).toISOString()}  ${actor}  ${action} ${subject}${version}${reason}`);
    }
    if (entries.length === 0) output.line("nothing happened yet");
    output.document({ entries });
    return 0;
  } finally {
    await project.close();
  }
}

async function verifyLog({ options, root, output }: VerbCall): Promise<ExitCode> {
  const { systemClock } = await import("../core/clock.ts");
  const { openProject } = await import("../app/project.ts");
  const project = await openProject(root, { clock: systemClock });
  try {
    const verdict = await project.registry.verifyAudit(textOption(options, "contains"));
    if (!verdict.intact) {
      output.line(`entry ${verdict.sequence}: ${verdict.reason}`);
      output.document(verdict);
      return 1;
    }
    const last = (await project.registry.audit()).at(-1)?.digest ?? null;
    output.line(`intact: ${verdict.entries} entries${last === null ? "" : `, the last one is ${last}`}`);
    output.document({ ...verdict, last });
    return 0;
  } finally {
    await project.close();
  }
}
