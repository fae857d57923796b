import type { ArmResult, DescribedRollout } from "../app/rollout.ts";
import { MillraceError } from "../core/errors/error.ts";
import { integerOf, integerOption } from "./number-option.ts";
import type { Output } from "./output.ts";
import { textOption, type Verb } from "./verb.ts";

export const rollout: Verb = {
  name: "rollout",
  description:
    "Gives a version a share of the requests and messages beside the champion. Without --split or --shadow it is a canary: servers judge it after every request, roll it back where it is worse and make it champion where it is not. Without a version, shows what is under way and what was.",
  operands: [
    ["<model>", "a model's name"],
    ["[version]", "a version number"],
  ],
  options: [
    ["--steps <percents>", "canary: its shares, growing (default: 5,25,100)"],
    ["--bake <duration>", "canary: shortest time at each step (default: 10m)"],
    ["--min-requests <n>", "canary: least requests it answers at each step (default: 100)"],
    ["--split <percent>", "A/B: this share until it is stopped; results by version"],
    ["--shadow", "score every request beside the champion, answer none, log and compare"],
    ["--key <key>", "what decides who answers: request (default), header:NAME or field:NAME"],
    ["--stop", "end what is under way"],
    ["--reason <text>", "why; kept in the audit log"],
    ["--force", "although the gate failed or callers would be refused"],
  ],
  examples: [
    "millrace rollout churn 4 --steps 5,25,100 --bake 10m",
    "millrace rollout churn 4 --split 50 --key header:x-user",
    "millrace rollout churn",
  ],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { describeRollouts, startRollout, stopRollout } = await import("../app/rollout.ts");
    const [model, version] = operands;
    const { rollsBackAt } = await import("../monitor/rollout/judge.ts");
    const isStop = options["stop"] === true;
    if (isStop && version !== undefined) throw new MillraceError("USAGE", { reason: "--stop takes no version" });
    const project = await openProject(root, { clock: systemClock });
    try {
      if (version === undefined && !isStop) {
        const found = await describeRollouts(project, model!);
        for (const one of found) tell(output, one, rollsBackAt);
        if (found.length === 0) output.line(`no rollout of ${model}`);
        output.document({ model, rollouts: found });
        return 0;
      }
      const reason = textOption(options, "reason");
      const done = isStop
        ? await stopRollout(project, model!, reason)
        : await startRollout(project, model!, integerOf("the version", version!, 1, Number.MAX_SAFE_INTEGER), {
            steps: textOption(options, "steps"),
            bake: textOption(options, "bake"),
            minRequests: integerOption(options, "minRequests", 1, 1e9),
            split: textOption(options, "split"),
            shadow: options["shadow"] === true,
            key: textOption(options, "key"),
            reason,
            force: options["force"] === true,
          });
      tell(output, done, rollsBackAt);
      output.document(done);
      return 0;
    } finally {
      await project.close();
    }
  },
};

function tell(output: Output, one: DescribedRollout, rollsBackAt: number): void {
  const { kind, model, results, status, percents, percent, reason, evidence, compared } = one;
  const steps = percents.map((step) => (step === percent ? `[${step}]` : String(step))).join(", ");
  const why = reason ? ` (${reason})` : "";
  output.line(`${kind} of ${model} version ${results[0].version}: ${status}${why}, ${steps} % of requests`);
  for (const result of results) output.line(`  ${lineOf(result)}`);
  const known = Object.entries(evidence).map(
    ([test, value]) => `${test} ${value < 100 ? value.toPrecision(2) : Math.round(value)}`,
  );
  if (known.length > 0) output.line(`  evidence against it, ${rollsBackAt} rolls it back: ${known.join(", ")}`);
  if (compared && compared.answers > 0) output.line(`  ${differenceOf(compared)}`);
}

function differenceOf({ answers, differing, distance }: NonNullable<DescribedRollout["compared"]>): string {
  if (differing === null || distance === null)
    return `${answers} answers, whose scores have no scale to compare them by`;
  return `${differing} of ${answers} answers differ, by ${distance.toPrecision(3)} on the mean`;
}

function lineOf({ version, requests, errors, latencyMs, answer, labelled, wrong }: ArmResult): string {
  const parts = [`version ${version}`, `${requests} requests`, `${errors} errors`];
  if (latencyMs !== null) parts.push(`${latencyMs.toFixed(2)} ms`);
  if (answer !== null) parts.push(`mean answer ${answer.toPrecision(4)}`);
  if (wrong !== null) parts.push(`${(100 * wrong).toFixed(1)} % of ${labelled} labelled answers wrong`);
  return parts.join("  ");
}
