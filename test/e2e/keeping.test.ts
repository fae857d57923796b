import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeLine } from "../../src/monitor/log-line.fixtures.ts";
import { createProject, expectRefusal, isBuilt, until, type Project } from "./cli.ts";
import { housePipeline, houses } from "./data.ts";

interface Listed {
  readonly runs: readonly { readonly runId: string; readonly status: string; readonly attempt: number }[];
}

describe.skipIf(!isBuilt)("what a project keeps", () => {
  let project: Project;
  let first: string;
  beforeAll(async () => {
    project = createProject();
    project.write("data/houses.csv", houses(150));
    project.pipeline("houses", housePipeline());
    const pause = 'pause: { after: "validate", run: () => new Promise((resolve) => setTimeout(resolve, 1500)) }';
    project.pipeline("slow", housePipeline({ more: `steps: { ${pause} }` }).replace("houses", "slow"));
    const ran = await project.run("run", "houses", "--json");
    expect(ran.code, ran.stderr).toBe(0);
    first = ran.json<{ run: string }>().run;
  });
  afterAll(() => project.remove());

  const listed = async (...args: readonly string[]): Promise<Listed["runs"]> =>
    (await project.run("runs", "--json", ...args)).json<Listed>().runs;

  it("is verified, and a changed byte is named with exit code 1", async () => {
    const sound = await project.run("verify", "--json");
    expect([sound.code, sound.json()]).toMatchObject([0, { sound: true, faults: [], runs: 1 }]);
    const folder = project.path(".millrace/artifacts");
    const file = path.join(
      folder,
      fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).find((name) => /..\/.{62}$/.test(name))!,
    );
    const bytes = fs.readFileSync(file);
    fs.writeFileSync(file, Buffer.from(bytes.map((byte, i) => (i === 0 ? byte ^ 4 : byte))));
    const damaged = await project.run("verify");
    expect(damaged.code).toBe(1);
    expect(damaged.stdout).toContain(path.basename(file));
    fs.writeFileSync(file, bytes);
    expect((await project.run("verify")).code).toBe(0);
  });

  it("is sound where a crash or a copy cut entries of its prediction log, and not where one was changed", async () => {
    const [one, two, three] = [1, 2, 3].map((i) =>
      encodeLine({ id: `p${i}`, time: i, version: 1, inputs: { x: i }, output: i, latencyMs: 1 }),
    ) as [string, string, string];
    const file = ".millrace/predictions/houses/1-1-0.jsonl";
    const verified = async (...lines: readonly string[]): Promise<number> => {
      project.write(file, lines.join(""));
      return (await project.run("verify")).code;
    };
    expect(await verified(one, two, three, "\n")).toBe(0);
    expect(await verified(one, " ".repeat(9), two.slice(9), three)).toBe(0);
    expect(await verified(one, two.replace("p2", "pX"), three)).toBe(1);
    fs.rmSync(path.dirname(project.path(file)), { recursive: true });
  });

  it("runs again to the same artifacts on any number of threads", async () => {
    for (const threads of ["1", "2", "4"]) {
      const answer = await project.run("reproduce", first, "--threads", threads, "--json");
      expect([answer.code, answer.json()]).toMatchObject([0, { equal: true, runId: first }]);
    }
    expectRefusal(await project.run("reproduce", "20200101-000000-0000", "--json"), "RUN_NOT_FOUND", 2);
  });

  it("is listed, shown and compared", async () => {
    const again = await project.run("run", "houses", "--json");
    const second = again.json<{ run: string }>().run;
    expect(
      (await listed("--status", "succeeded", "--since", "1d", "--pipeline", "houses")).map((run) => run.runId),
    ).toEqual([second, first]);
    expect(await listed("--status", "failed")).toEqual([]);
    expect(await listed("--tag", "none")).toEqual([]);
    expectRefusal(await project.run("runs", "--status", "odd", "--json"), "USAGE", 2, "--status");
    expectRefusal(await project.run("runs", "--since", "odd", "--json"), "USAGE", 2, "--since");
    const shown = await project.run("show", first);
    expect(shown.stdout).toContain(`node ${process.version}`);
    const compared = await project.run("compare", first, second, "--json");
    const { metrics, parameters } = compared.json<{
      metrics: { isEqual: boolean }[];
      parameters: { isEqual: boolean }[];
    }>();
    expect(metrics.length).toBeGreaterThan(0);
    expect(parameters.every((fact) => fact.isEqual)).toBe(true);
    expect((await project.run("compare", first, second)).stdout).toContain("parameters: 0 of");
    expectRefusal(await project.run("compare", first, "--json"), "USAGE", 2, "two runs");
  });

  it("goes on after its process is killed, under the same id", async () => {
    const running = project.start("run", "slow", "--no-cache");
    const runId = await until(async () => (await listed("--status", "running"))[0]?.runId ?? null, "a run under way");
    running.child.kill("SIGKILL");
    const resumed = await project.run("resume", "--json");
    expect([resumed.code, resumed.json()]).toMatchObject([0, { resumed: [{ run: runId, status: "succeeded" }] }]);
    expect((await listed())[0]).toMatchObject({ runId, status: "succeeded", attempt: 2 });
    expectRefusal(await project.run("resume", runId, "--json"), "RUN_NOT_RESUMABLE", 1, "it has succeeded");
    expect((await project.run("resume")).stdout).toBe("no run was interrupted\n");
  });

  it("is resumed by `up` without being asked", async () => {
    const running = project.start("run", "slow", "--no-cache");
    const runId = await until(async () => (await listed("--status", "running"))[0]?.runId ?? null, "a run under way");
    running.child.kill("SIGKILL");
    await running.ended;
    const up = project.start("up", "--port", "0");
    await up.heard(new RegExp(`resumed run ${runId} of slow`));
    expect(await up.stop()).toBe(0);
    expect((await listed())[0]).toMatchObject({ runId, status: "succeeded", attempt: 2 });
  });

  it("is backed up, swept and restored", async () => {
    const backup = project.path("backup");
    // The one before it is from the cache too, and made no version: it may go.
    expect((await project.run("run", "houses")).code).toBe(0);
    expect((await project.run("backup", backup, "--json")).code).toBe(0);
    expectRefusal(await project.run("backup", backup, "--json"), "STORE_NOT_EMPTY", 2);
    const before = (await listed()).length;
    const planned = await project.run("gc", "--keep-runs", "1", "--dry-run", "--json");
    expect(planned.json()).toMatchObject({ dryRun: true });
    expect(await listed()).toHaveLength(before);
    expect((await project.run("gc", "--keep-runs", "1", "--json")).code).toBe(0);
    expect((await listed()).length).toBeLessThan(before);
    expect((await project.run("verify")).code).toBe(0);
    expectRefusal(await project.run("restore", backup, "--json"), "STORE_NOT_EMPTY", 2);
    expect((await project.run("restore", backup, "--force", "--json")).code).toBe(0);
    expect(await listed()).toHaveLength(before);
    expect((await project.run("verify")).code).toBe(0);
    expect((await project.run("predict", "houses", "--row", '{"id":"x","area":50,"place":"west"}')).code).toBe(0);
  });
});
