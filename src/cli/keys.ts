import { MillraceError } from "../core/errors/error.ts";
import type { Project } from "../app/project.ts";
import { type ExitCode, textOption, type Verb, type VerbCall } from "./verb.ts";

export const keys: Verb = {
  name: "keys",
  description:
    "Lists the keys of the server, makes one (`keys add NAME --role R`) or takes one out of use (`keys revoke NAME`). Once a key was made, every request needs one, and `serve --host` takes addresses beyond this machine.",
  operands: [
    ["[action]", "add or revoke; without it, keys are listed"],
    ["[name]", "the key's name; to revoke also its id"],
  ],
  options: [
    ["--role <role>", "add: predict (ask and give feedback), observe (metrics) or admin (both, and pages of runs)"],
    ["--expires <when>", "add: a duration such as 90d, or a time such as 2027-01-31T00:00:00Z (default: never)"],
    ["--reason <text>", "revoke: why; kept in the audit log"],
  ],
  examples: ["millrace keys add shop --role predict --expires 365d", "millrace keys revoke shop", "millrace keys"],
  async run(call) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const [action, name] = call.operands;
    if (action !== undefined && name === undefined)
      throw new MillraceError("USAGE", { reason: `\`millrace keys ${action}\` needs a name` });
    const project = await openProject(call.root, { clock: systemClock });
    try {
      if (action === undefined) return await list(call, project);
      if (action === "add") return await add(call, project, name!);
      if (action === "revoke") return await revoke(call, project, name!);
      throw new MillraceError("USAGE", { reason: `\`millrace keys\` takes add, revoke or nothing, got "${action}"` });
    } finally {
      await project.close();
    }
  },
};

async function list({ output }: VerbCall, project: Project): Promise<ExitCode> {
  const { describeKeys } = await import("../app/keys.ts");
  const found = await describeKeys(project);
  for (const { id, name, role, state, expiresAt } of found) {
    const end = expiresAt === null ? "" : `, until ${new Date(expiresAt).toISOString()}`;
    output.line(`${name}  ${id}  ${role}  ${state}${end}`);
  }
  if (found.length === 0) output.line("no keys: the server listens on loopback addresses only and asks nobody");
  output.document({ keys: found });
  return 0;
}

async function add({ options, output }: VerbCall, project: Project, name: string): Promise<ExitCode> {
  const { makeKey } = await import("../app/keys.ts");
  const role = textOption(options, "role");
  const made = await makeKey(project, name, { role, expires: textOption(options, "expires") });
  output.line(made.key);
  output.progress(`key ${name} (${made.role}): it is shown this once; send it as \`Authorization: Bearer KEY\`\n`);
  output.document(made);
  return 0;
}

async function revoke({ options, output }: VerbCall, project: Project, name: string): Promise<ExitCode> {
  const { withdrawKey } = await import("../app/keys.ts");
  const revoked = await withdrawKey(project, name, textOption(options, "reason"));
  output.line(`key ${revoked.name} (${revoked.id}) is revoked`);
  output.document(revoked);
  return 0;
}
