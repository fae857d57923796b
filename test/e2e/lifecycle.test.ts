import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, expectRefusal, isBuilt, type Project } from "./cli.ts";
import { housePipeline, houses } from "./data.ts";

interface Ran {
  readonly status: string;
  readonly version: number;
  readonly promoted: boolean;
  readonly verdict: { readonly passed: boolean; readonly reasons: readonly object[] };
  readonly report: { readonly metrics: Record<string, number>; readonly baseline: Record<string, number> };
  readonly steps: readonly {
    readonly step: string;
    readonly status: string;
    readonly outputs: Record<string, string>;
  }[];
}

interface Models {
  readonly models: readonly {
    readonly champion: number | null;
    readonly versions: readonly { readonly version: number }[];
  }[];
}

const fast = "m.boosting({ trees: 20, minRows: 5 })";

describe.skipIf(!isBuilt)("the life of a model", () => {
  let project: Project;
  const ranSteps = (ran: Ran): string[] => ran.steps.filter((s) => s.status === "ran").map((s) => s.step);
  const run = async (): Promise<Ran & { code: number }> => {
    const answer = await project.run("run", "houses", "--json");
    return { ...answer.json<Ran>(), code: answer.code };
  };
  const champion = async (): Promise<number | null> =>
    (await project.run("models", "houses", "--json")).json<Models>().models[0]!.champion;

  beforeAll(() => {
    project = createProject();
    project.write("data/houses.csv", houses(300));
    project.pipeline("houses", housePipeline());
  });
  afterAll(() => project.remove());

  it("runs every step once, then answers from the cache", async () => {
    const first = await run();
    expect(first).toMatchObject({ code: 0, status: "succeeded", version: 1, promoted: true });
    expect(first.steps.map((s) => s.step)).toEqual([
      "ingest",
      "validate",
      "split",
      "audit",
      "tune",
      "features",
      "train",
      "evaluate",
      "explain",
      "gate",
      "register",
      "promote",
    ]);
    expect(ranSteps(first)).toHaveLength(12);
    expect(first.report.metrics["rmse"]).toBeLessThan(first.report.baseline["rmse"]! / 4);
    const second = await run();
    expect(ranSteps(second)).toEqual([]);
    expect(second).toMatchObject({ code: 0, version: 1, promoted: true });
    expect(second.steps.map((s) => s.outputs)).toEqual(first.steps.map((s) => s.outputs));
  });

  it("repeats everything with --no-cache and comes to the same bits", async () => {
    const before = await run();
    const again = await project.run("run", "houses", "--json", "--no-cache");
    const ran = again.json<Ran>();
    expect(ranSteps(ran)).toHaveLength(12);
    expect(ran.version).toBe(1);
    expect(ran.steps.find((s) => s.step === "train")!.outputs).toEqual(
      before.steps.find((s) => s.step === "train")!.outputs,
    );
  });

  it("repeats only what depends on a changed hyperparameter", async () => {
    project.pipeline("houses", housePipeline({ model: fast }));
    const ran = await run();
    expect(ran.code).toBe(0);
    expect(ran.steps.filter((s) => s.status === "cached").map((s) => s.step)).toEqual([
      "ingest",
      "validate",
      "split",
      "audit",
    ]);
    expect(ran).toMatchObject({ version: 2, promoted: true });
  });

  it("repeats what depends on the data once the file changes, and nothing when only its time does", async () => {
    project.write("data/houses.csv", houses(300));
    expect(ranSteps(await run())).toEqual([]);
    project.write("data/houses.csv", houses(320, { seed: 8 }));
    const ran = await run();
    expect(ranSteps(ran)).toContain("ingest");
    expect(ranSteps(ran)).toContain("train");
    expect(ran).toMatchObject({ version: 3, promoted: true });
  });

  it("registers a version whose gate failed, exits 3, and does not promote it", async () => {
    project.pipeline("houses", housePipeline({ gate: '[m.atLeast("r2", 0.99999)]', model: fast, more: "seed: 5," }));
    const failed = await run();
    expect(failed).toMatchObject({ code: 3, status: "succeeded", version: 4, promoted: false });
    expect(failed.verdict.passed).toBe(false);
    expect(await champion()).toBe(3);
    const again = await run();
    expect(again).toMatchObject({ code: 3, version: 4, promoted: false });
    expectRefusal(await project.run("promote", "houses", "4", "--json"), "PROMOTION_REFUSED", 3, "gate");
    expectRefusal(await project.run("promote", "houses", "4", "--force", "--json"), "USAGE", 2, "--reason");
    expect(await champion()).toBe(3);
    const forced = await project.run("promote", "houses", "4", "--force", "--reason", "only we know why", "--json");
    expect(forced.json()).toMatchObject({ model: "houses", version: 4 });
    expect(await champion()).toBe(4);
  });

  it("rolls back to the champion before, and on a run of the same definition does not bring back what was rolled back", async () => {
    const back = await project.run("rollback", "houses", "--reason", "complaints", "--json");
    expect(back.json()).toMatchObject({ model: "houses", version: 3 });
    expect(await champion()).toBe(3);
    project.pipeline("houses", housePipeline({ model: fast }));
    const ran = await run();
    expect(ran).toMatchObject({ code: 0, version: 3, promoted: true });
    await project.run("rollback", "houses", "--json");
    expect(await champion()).toBe(2);
    const after = await run();
    expect(after).toMatchObject({ code: 0, version: 3, promoted: false });
    expect(await champion()).toBe(2);
    expect((await project.run("promote", "houses", "3", "--json")).code).toBe(0);
    expect(await run()).toMatchObject({ version: 3, promoted: true });
  });

  it("judges again and promotes again where an earlier version comes back as the candidate", async () => {
    project.pipeline("houses", housePipeline());
    const other = await run();
    expect(other).toMatchObject({ code: 0, promoted: true });
    project.pipeline("houses", housePipeline({ model: fast }));
    expect(await run()).toMatchObject({ version: 3, promoted: true });
    expect(await champion()).toBe(3);
    project.pipeline("houses", housePipeline());
    expect(await run()).toMatchObject({ version: other.version, promoted: true });
    expect(await champion()).toBe(other.version);
    project.pipeline("houses", housePipeline({ model: fast }));
    expect(await run()).toMatchObject({ version: 3, promoted: true });
    expect(await champion()).toBe(3);
  });

  it("rolls back no further than the first champion", async () => {
    let last = await project.run("rollback", "houses", "--json");
    for (let i = 0; i < 10 && last.code === 0; ++i) last = await project.run("rollback", "houses", "--json");
    expectRefusal(last, "ROLLBACK_IMPOSSIBLE", 1, "first champion");
  });

  it("lists runs and shows one with the artifacts it read and wrote", async () => {
    const { runs } = (await project.run("runs", "--limit", "3", "--json")).json<{ runs: { runId: string }[] }>();
    expect(runs).toHaveLength(3);
    const shown = await project.run("show", runs[0]!.runId, "--json");
    const details = shown.json<{ steps: { step: string; inputs: object[]; outputs: object[] }[] }>();
    const train = details.steps.find((s) => s.step === "train")!;
    expect(train.inputs.length).toBeGreaterThan(2);
    expect(train.outputs).toMatchObject([{ name: "model", type: "model" }]);
    expectRefusal(await project.run("show", `${runs[0]!.runId.slice(0, -1)}x`, "--json"), "RUN_NOT_FOUND", 2);
  });

  it("stops when interrupted, whatever a step is at, and goes on where it was", async () => {
    const nap = "await new Promise((resolve) => setTimeout(resolve, 600_000));";
    const body = (run: string): string =>
      housePipeline({ more: `seed: 11, steps: { nap: { after: "evaluate", async run() { ${run} } } },` });
    project.pipeline("houses", body(nap));
    const running = project.start("run", "houses");
    await running.heard(/evaluate +ran/);
    running.child.kill("SIGINT");
    expect(await running.ended).toBe(1);
    expect(running.said()).toContain("CANCELLED");
    const { runs } = (await project.run("runs", "--limit", "1", "--json")).json<{ runs: { status: string }[] }>();
    expect(runs).toMatchObject([{ status: "cancelled" }]);
    project.pipeline("houses", body(""));
    const ran = await run();
    expect(ran.code).toBe(0);
    expect(ran.steps.filter((s) => s.status === "cached").map((s) => s.step)).toContain("evaluate");
    expect(ranSteps(ran)).toContain("nap");
  });
});
