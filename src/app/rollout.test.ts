import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { housesModel } from "../../test/serve/served-models.ts";
import { fixedClock } from "../core/clock.ts";
import type { Task } from "../model/model.ts";
import { createRollouts } from "../registry/rollouts.ts";
import { feedbackDigest } from "../store/feedback.ts";
import type { Project } from "./project.ts";
import { memoryProject, registerModel } from "./project.fixtures.ts";
import { type DescribedRollout, describeRollouts, startRollout } from "./rollout.ts";

const clock = fixedClock(1_000_000);
let project: Project;

beforeEach(async () => {
  project = await memoryProject(clock);
});
afterEach(() => project.close());

/** A shadow of two versions for the task, which the counts and a wrong label of its servers are kept of. */
async function shadowed(task: Task): Promise<readonly [begun: DescribedRollout, running: DescribedRollout]> {
  for (const number of [1, 2]) await registerModel(project, { ...housesModel(number).model, task });
  const { store } = project;
  await project.registry.promote("houses", 1, { by: "ann", reason: "" });
  const options = { steps: undefined, bake: undefined, minRequests: undefined, split: undefined, key: undefined };
  const begun = await startRollout(project, "houses", 2, { ...options, shadow: true, reason: "", force: false });
  const rollouts = createRollouts(store, clock);
  const [rollout] = await rollouts.list("houses");
  await rollouts.keepTally(rollout!, "server", [{ compared: [4, 0], differing: [2, 0], distance: [8, 0] }]);
  const times = { predicted_at: clock.now(), received_at: clock.now() };
  const label = { model: "houses", version: 1, prediction_id: "a", ...times, output: "1004", actual: "7" };
  await store.database
    .insertInto("feedback")
    .values({ ...label, digest: feedbackDigest(label) })
    .execute();
  const [running] = await describeRollouts(project, "houses");
  return [begun, running!];
}

describe("a rollout that is described", () => {
  it("tells how answers differ, and what labels say of them", async () => {
    const [begun, running] = await shadowed("regression");
    expect(begun.compared).toEqual({ answers: 0, differing: 0, distance: 0 });
    expect(running.compared).toEqual({ answers: 4, differing: 2, distance: 2 });
    expect(running.results.map(({ labelled }) => labelled)).toEqual([0, 1]);
  });

  it("tells neither of a ranking, whose scores have no scale", async () => {
    const [begun, running] = await shadowed("ranking");
    expect(begun.compared).toEqual({ answers: 0, differing: null, distance: null });
    expect(running.compared).toEqual({ answers: 4, differing: null, distance: null });
    expect(running.results.map(({ labelled, wrong }) => [labelled, wrong])).toEqual([
      [0, null],
      [0, null],
    ]);
  });

  it("is told of a champion whose artifact is gone", async () => {
    await shadowed("regression");
    const champion = (await project.registry.champion("houses"))!;
    await project.store.artifacts.remove([champion.digest]);
    expect((await describeRollouts(project, "houses"))[0]!.compared).toMatchObject({ answers: 4, differing: 2 });
  });
});
