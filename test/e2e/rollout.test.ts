import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DescribedRollout } from "../../src/app/rollout.ts";
import { createProject, expectRefusal, isBuilt, type Project, type Running, until } from "./cli.ts";
import { housePipeline, houses } from "./data.ts";

describe.skipIf(!isBuilt)("millrace rollout", () => {
  let project: Project;
  let server: Running;
  let url = "";
  beforeAll(async () => {
    project = createProject();
    project.write("data/houses.csv", houses(150));
    for (const model of ["m.linear()", "m.linear({ l2: 0.5 })"]) {
      project.pipeline("houses", housePipeline({ model }));
      await project.run("run", "houses");
    }
    await project.run("rollback", "houses");
    server = project.start("serve", "--port", "0");
    url = (await server.heard(/http:\/\/\S+:\d+/))[0];
  });
  afterAll(async () => {
    await server?.stop();
    project.remove();
  });

  const show = async (): Promise<DescribedRollout> => {
    const answer = await project.run("rollout", "houses", "--json");
    return answer.json<{ rollouts: DescribedRollout[] }>().rollouts[0]!;
  };
  const post = async <T>(route: string, body: unknown, headers: Record<string, string> = {}): Promise<T> => {
    const all = { "content-type": "application/json", ...headers };
    const response = await fetch(url + route, { method: "POST", headers: all, body: JSON.stringify(body) });
    expect(response.status).toBe(200);
    return (await response.json()) as T;
  };
  interface Answered {
    readonly version: number;
    readonly predictions: readonly number[];
    readonly predictionIds: readonly string[];
  }
  const predict = (headers?: Record<string, string>): Promise<Answered> =>
    post("/v1/models/houses/predict", { rows: [{ id: "x", area: 60, place: "west" }] }, headers);
  const ask = async (headers?: Record<string, string>): Promise<number> => (await predict(headers)).version;

  it("gives users of a running server their version, and tells results by version", async () => {
    const done = await project.run("rollout", "houses", "2", "--split", "50", "--key", "header:x-user", "--json");
    expect(done.json()).toMatchObject({ kind: "split", status: "running", percents: [50] });
    await server.heard(/split of houses version 2 is under way/);
    const versions: number[] = [];
    for (let user = 0; user < 30; ++user) versions.push(await ask({ "x-user": `u${user}` }));
    expect(new Set(versions)).toEqual(new Set([1, 2]));
    expect(await ask({ "x-user": "u7" })).toBe(versions[7]);
    const { results } = await until(async () => {
      const shown = await show();
      return shown.results[0].requests + shown.results[1].requests >= 30 && shown;
    }, "the counts of the server");
    expect(results.map(({ version }) => version)).toEqual([2, 1]);
    expect(results[0].requests).toBeGreaterThanOrEqual(versions.filter((version) => version === 2).length);
    expect(results[0].answer).toBeGreaterThan(1000);
    const stopped = await project.run("rollout", "houses", "--stop", "--reason", "seen enough", "--json");
    expect(stopped.json()).toMatchObject({ status: "stopped", reason: "seen enough" });
  });

  it("rolls a canary back by itself whose answers turn out wrong", async () => {
    expect((await project.run("rollout", "houses", "2", "--steps", "50,100")).code).toBe(0);
    await server.heard(/canary of houses version 2 is under way/);
    const answers: Answered[] = [];
    for (let i = 0; i < 150; ++i) answers.push(await predict());
    const feedback = answers.map(({ version, predictions: [value], predictionIds: [predictionId] }) => {
      return { predictionId, actual: version === 2 ? value! + 500 : value! };
    });
    const told = await post<{ feedback: { status: string }[] }>("/v1/feedback", { model: "houses", feedback });
    expect(new Set(told.feedback.map(({ status }) => status))).toEqual(new Set(["recorded"]));
    const ended = await until(async () => {
      const shown = await show();
      return shown.status !== "running" && shown;
    }, "the canary's end");
    expect(ended).toMatchObject({ status: "rolledBack", reason: "worse in quality" });
    expect(ended.evidence.quality).toBeGreaterThan(400);
    expect(await ask()).toBe(1);
  });

  it("makes a canary champion that is no worse", async () => {
    const options = ["--steps", "50,100", "--bake", "10ms", "--min-requests", "5"];
    expect((await project.run("rollout", "houses", "2", ...options)).code).toBe(0);
    await until(async () => {
      await ask();
      return (await show()).status === "promoted";
    }, "the canary's end");
    await until(async () => (await ask()) === 2, "the new champion");
    const history = (await project.run("audit", "--model", "houses", "--json")).json<{
      entries: { action: string }[];
    }>();
    expect(history.entries.slice(-3).map(({ action }) => action)).toEqual(["rollout", "promote", "rolloutEnd"]);
    expect((await project.run("verify")).code).toBe(0);
  });

  it("refuses with a code what makes no sense", async () => {
    const refusal = (...args: readonly string[]): ReturnType<Project["run"]> =>
      project.run("rollout", ...args, "--json");
    expectRefusal(await refusal("houses", "2"), "ROLLOUT_REFUSED", 1, "it is the champion");
    expectRefusal(await refusal("houses", "9"), "VERSION_NOT_FOUND", 2);
    expectRefusal(await refusal("nothing"), "MODEL_NOT_FOUND", 2);
    expectRefusal(await refusal("houses", "--stop"), "ROLLOUT_MISSING", 2);
    for (const [option, value] of [
      ["--steps", "25,5"],
      ["--steps", "100"],
      ["--steps", "0,5"],
      ["--split", "100"],
      ["--bake", "soon"],
      ["--key", "field:price"],
      ["--min-requests", "0"],
    ] as const)
      expectRefusal(await refusal("houses", "1", option, value), "USAGE", 2, option);
    expectRefusal(await refusal("houses", "1", "--shadow", "--split", "5"), "USAGE", 2, "three ways");
  });
});
