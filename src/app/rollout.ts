import { parseDuration } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";
import { exp } from "../math/elementary.ts";
import { evidenceAgainst, type RolloutTest } from "../monitor/rollout/judge.ts";
import { qualityTally, readLabelledAnswers } from "../monitor/rollout/quality.ts";
import { sumOfTallies, type Tally, totalOf } from "../monitor/rollout/tally.ts";
import { createRollouts } from "../registry/rollouts.ts";
import type { Rollout, RolloutKind, RolloutPlan } from "../registry/rollouts.ts";
import { splitKey } from "../serve/traffic/arm.ts";
import { sharesOf } from "../serve/traffic/live-rollout.ts";
import { loadVersion } from "./champion.ts";
import { userName } from "./models.ts";
import type { Project } from "./project.ts";

export interface RolloutOptions {
  readonly steps: string | undefined;
  readonly bake: string | undefined;
  readonly minRequests: number | undefined;
  /** A share in percent of a split or a shadow. */
  readonly split: string | undefined;
  readonly shadow: boolean;
  readonly key: string | undefined;
  readonly reason: string | undefined;
  readonly force: boolean;
}

/** What one version did with its requests; null where nothing is known. */
export interface ArmResult {
  readonly version: number;
  readonly requests: number;
  readonly errors: number;
  readonly latencyMs: number | null;
  /** Mean answer: the value, or the probability of the positive label. */
  readonly answer: number | null;
  readonly labelled: number;
  /** Share of labelled answers that were wrong; of all the version gave meanwhile, whatever way they were asked for. */
  readonly wrong: number | null;
}

export interface DescribedRollout {
  readonly model: string;
  readonly rollout: number;
  readonly kind: RolloutKind;
  readonly status: Rollout["status"];
  readonly percents: readonly number[];
  /** Of the step under way, or the last one. */
  readonly percent: number;
  readonly key: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly reason: string | null;
  readonly results: readonly [candidate: ArmResult, champion: ArmResult];
  /** E-values against the candidate; from `rollsBackAt` on it is rolled back. Empty for a split or a shadow. */
  readonly evidence: Readonly<Partial<Record<RolloutTest, number>>>;
  /** Of a shadow: answers compared, how many differed, and by how much on the mean; null for rankings, whose scores have no scale. */
  readonly compared: {
    readonly answers: number;
    readonly differing: number | null;
    readonly distance: number | null;
  } | null;
}

/** Gives a version a share of the traffic as the options say. Throws USAGE, ROLLOUT_REFUSED and what a promotion throws. */
export async function startRollout(
  project: Project,
  model: string,
  version: number,
  options: RolloutOptions,
): Promise<DescribedRollout> {
  const { model: candidate } = await loadVersion(project, model, version);
  if (options.force && !options.reason) throw new MillraceError("USAGE", { reason: "--force needs a --reason" });
  const plan = planOf(options, candidate.inputs);
  const compatibility = await project.registry.compatibility(model, version);
  const rollouts = createRollouts(project.store, project.clock);
  return describe(project, await rollouts.start(model, version, plan, compatibility), candidate.task === "ranking");
}

/** Ends what is under way; the champion answers alone again. Throws ROLLOUT_MISSING. */
export async function stopRollout(
  project: Project,
  model: string,
  reason: string | undefined,
): Promise<DescribedRollout> {
  const rollouts = createRollouts(project.store, project.clock);
  for (;;) {
    const running = (await rollouts.list(model)).find(({ status }) => status === "running");
    if (!running) throw new MillraceError("ROLLOUT_MISSING", { model });
    // It may move on in between, and is then asked for again.
    if (await rollouts.end(running, "stopped", { by: userName(), reason: reason ?? "" })) break;
  }
  return (await describeRollouts(project, model))[0]!;
}

/** All rollouts of a model, newest first. Throws MODEL_NOT_FOUND. */
export async function describeRollouts(project: Project, model: string): Promise<readonly DescribedRollout[]> {
  await project.registry.versions(model);
  const rollouts = createRollouts(project.store, project.clock);
  const listed = await rollouts.list(model);
  const isRanking = listed[0] !== undefined && (await isOfRanking(project, listed[0]));
  const described: DescribedRollout[] = [];
  for (const rollout of listed) described.push(await describe(project, rollout, isRanking));
  return described;
}

/** Whether the champion ranks. Of one that does not load any more nothing is known, and what was counted is shown. */
async function isOfRanking(project: Project, { model, champion }: Rollout): Promise<boolean> {
  try {
    return (await loadVersion(project, model, champion)).model.task === "ranking";
  } catch (error) {
    if (error instanceof MillraceError) return false;
    throw error;
  }
}

function planOf(options: RolloutOptions, inputs: readonly string[]): RolloutPlan {
  const { steps, bake = "10m", minRequests = 100, split, shadow, key = "request", reason = "", force } = options;
  if (Number(split !== undefined) + Number(shadow) + Number(steps !== undefined) > 1)
    throw new MillraceError("USAGE", { reason: "--steps, --split and --shadow are three ways; give one" });
  const bakeMs = parseDuration(bake);
  if (bakeMs === undefined)
    throw new MillraceError("USAGE", { reason: `--bake must be a duration such as 10m, got "${bake}"` });
  checkKey(key, inputs);
  const kind = shadow ? "shadow" : split === undefined ? "canary" : "split";
  const percents = shadow
    ? [100]
    : split === undefined
      ? percentsOf(steps ?? "5,25,100")
      : [percentOf("--split", split)];
  if (kind === "split" && percents[0] === 100)
    throw new MillraceError("USAGE", {
      reason: "--split 100 leaves the champion nothing; promote the version instead",
    });
  return { kind, percents, bakeMs, minRequests, key, by: userName(), reason, force };
}

function percentsOf(text: string): readonly number[] {
  const percents = text.split(",").map((part) => percentOf("--steps", part.trim()));
  if (percents.some((percent, i) => i > 0 && percent <= percents[i - 1]!))
    throw new MillraceError("USAGE", { reason: `--steps must grow, got "${text}"` });
  if (percents[0] === 100)
    throw new MillraceError("USAGE", { reason: "--steps 100 tries nothing; promote the version instead" });
  return percents;
}

function percentOf(subject: string, text: string): number {
  const percent = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && percent > 0 && percent <= 100) return percent;
  throw new MillraceError("USAGE", { reason: `${subject} must be percents above 0 up to 100, got "${text}"` });
}

function checkKey(key: string, inputs: readonly string[]): void {
  const [source, name] = splitKey(key);
  if (key === "request" || (source === "header" && /^[A-Za-z0-9-]+$/.test(name))) return;
  if (source === "field" && inputs.includes(name)) return;
  const fields = inputs.map((input) => JSON.stringify(input)).join(", ");
  throw new MillraceError("USAGE", {
    reason: `--key must be request, header:NAME or field:NAME with one of ${fields}, got "${key}"`,
  });
}

async function describe(project: Project, rollout: Rollout, isRanking: boolean): Promise<DescribedRollout> {
  const tallies = await createRollouts(project.store, project.clock).tallies(rollout);
  const quality = isRanking ? [] : await labelTally(project, rollout);
  const tally = sumOfTallies([...[...tallies.values()].map((one) => one as Tally), quality]);
  const { model, sequence, plan, status, stepsAt, endedAt, reason } = rollout;
  const evidence = plan.kind === "canary" ? evidenceAgainst(tally, sharesOf(rollout)) : [];
  const [answers] = totalOf(tally, "compared");
  const compared = {
    answers,
    differing: isRanking ? null : totalOf(tally, "differing")[0],
    distance: isRanking ? null : totalOf(tally, "distance")[0] / Math.max(1, answers),
  };
  return {
    model,
    rollout: sequence,
    kind: plan.kind,
    status,
    percents: plan.percents,
    percent: plan.percents[stepsAt.length - 1]!,
    key: plan.key,
    startedAt: stepsAt[0]!,
    endedAt,
    reason,
    results: [resultOf(tally, 0, rollout.version), resultOf(tally, 1, rollout.champion)],
    evidence: Object.fromEntries(evidence.map(({ test, log }) => [test, Math.min(Number.MAX_VALUE, exp(log))])),
    compared: plan.kind === "shadow" ? compared : null,
  };
}

/** What labels say of the answers given while it ran. */
async function labelTally({ store }: Project, rollout: Rollout): Promise<Tally> {
  const until = rollout.endedAt ?? Infinity;
  const labelled = await readLabelledAnswers(store, rollout.model, { sinceMs: rollout.stepsAt[0]! });
  return qualityTally(
    labelled.filter(({ predictedAt }) => predictedAt <= until),
    rollout,
  );
}

function resultOf(tally: Tally, arm: 0 | 1, version: number): ArmResult {
  const count = (name: string): number => totalOf(tally, name)[arm];
  const [requests, errors, labelled] = [count("requests"), count("errors"), count("labelled")];
  const perAnswer = (sum: number): number | null => (requests > errors ? sum / (requests - errors) : null);
  return {
    version,
    requests,
    errors,
    latencyMs: perAnswer(count("latencyMs")),
    answer: perAnswer(count("value")),
    labelled,
    wrong: labelled > 0 ? count("wrong") / labelled : null,
  };
}
