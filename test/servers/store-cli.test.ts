import fs from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, expectRefusal, isBuilt, until, type Project } from "../e2e/cli.ts";
import { housePipeline, houses } from "../e2e/data.ts";
import { startPostgres } from "./start/postgres.ts";

const server = await startPostgres();
const before = process.env["MILLRACE_STORE"];
if (server) process.env["MILLRACE_STORE"] = `${server.url}?schema=project`;
afterAll(async () => {
  delete process.env["MILLRACE_STORE"];
  if (before !== undefined) process.env["MILLRACE_STORE"] = before;
  await server?.stop();
});

interface Ran {
  readonly run: string;
  readonly version: number;
  readonly steps: readonly { readonly step: string; readonly status: string }[];
}

describe.skipIf(!isBuilt || !server)("a project whose metadata is in PostgreSQL", () => {
  let project: Project;
  const runs: string[] = [];
  const ok = async (...args: readonly string[]) => {
    const answer = await project.run(...args);
    expect(answer.code, `millrace ${args.join(" ")}: ${answer.stdout} ${answer.stderr}`).toBe(0);
    return answer;
  };
  const champion = async (): Promise<number | null> =>
    (await ok("models", "houses", "--json")).json<{ models: { champion: number | null }[] }>().models[0]!.champion;

  beforeAll(() => {
    project = createProject();
    project.write("data/houses.csv", houses(150));
  });
  afterAll(() => project.remove());

  it("is made by init, run, and answered from the cache", async () => {
    await ok("init", "data/houses.csv", "--target", "price");
    project.pipeline("houses", housePipeline());
    for (const status of ["ran", "cached"]) {
      const ran = (await ok("run", "houses", "--json")).json<Ran>();
      expect(new Set(ran.steps.map((step) => step.status))).toEqual(new Set([status]));
      runs.push(ran.run);
    }
    expect(fs.existsSync(project.path(".millrace/metadata.sqlite"))).toBe(false);
    expect((await ok("doctor")).stdout).toMatch(/postgres:\/\/127\.0\.0\.1:\d+\/postgres\?schema=project/);
  });

  it("lists, shows, compares and explains its runs", async () => {
    const { runs: listed } = (await ok("runs", "--json")).json<{ runs: { runId: string; startedAt: number }[] }>();
    expect(listed.map(({ runId }) => runId)).toEqual(runs.toReversed());
    expect(typeof listed[0]!.startedAt).toBe("number");
    expect((await ok("show", runs[0]!)).stdout).toContain("train");
    expect((await ok("compare", ...runs)).code).toBe(0);
    expect((await ok("why", runs[1]!, "train")).stdout).toContain("nothing it depends on changed");
  });

  it("promotes, rolls back and predicts", async () => {
    project.pipeline(
      "houses",
      housePipeline({ model: "m.boosting({ trees: 10, minRows: 5 })", gate: '[m.atLeast("r2", 0)]' }),
    );
    const ran = (await ok("run", "houses", "--json")).json<Ran>();
    expect([ran.version, await champion()]).toEqual([2, 2]);
    await ok("promote", "houses", "1");
    expect(await champion()).toBe(1);
    await ok("rollback", "houses");
    expect(await champion()).toBe(2);
    await ok("predict", "houses", "--row", '{"id": "h", "area": 100, "place": "north"}');
  });

  it("is verified, cleared of what nothing needs, and backed up", async () => {
    expect((await ok("verify", "--json")).json()).toMatchObject({ sound: true, faults: [], runs: 3 });
    await ok("gc");
    await ok("backup", "copy");
    delete process.env["MILLRACE_STORE"];
    try {
      const other = createProject();
      expect((await other.run("restore", project.path("copy"))).code).toBe(0);
      const restored = (await other.run("runs", "--json")).json<{ runs: { runId: string }[] }>();
      expect(restored.runs).toHaveLength(3);
      expect((await other.run("verify")).code).toBe(0);
      other.remove();
    } finally {
      process.env["MILLRACE_STORE"] = `${server!.url}?schema=project`;
    }
  });

  it("takes a backup back, over what is there only where that is wanted", async () => {
    expectRefusal(await project.run("restore", "copy", "--json"), "STORE_NOT_EMPTY", 2, "postgres://127.0.0.1");
    const shown = (await ok("show", runs[0]!, "--json")).json();
    for (const schema of ["project", "moved"]) {
      process.env["MILLRACE_STORE"] = `${server!.url}?schema=${schema}`;
      const folder = schema === "project" ? project : createProject();
      const answer = await folder.run("restore", project.path("copy"), ...(schema === "project" ? ["--force"] : []));
      expect(answer.code, answer.stdout + answer.stderr).toBe(0);
      expect((await folder.run("verify", "--json")).json()).toMatchObject({ sound: true, runs: 3 });
      expect((await folder.run("show", runs[0]!, "--json")).json()).toEqual(shown);
      if (folder !== project) folder.remove();
    }
    process.env["MILLRACE_STORE"] = `${server!.url}?schema=project`;
  });

  it("goes on with a run that was killed, and with one of a workflow of its own", async () => {
    project.write(
      "pipelines/letters.ts",
      `import { existsSync, writeFileSync } from "node:fs";
      import { step, workflow } from "millrace";
      const letters = step({ name: "letters", run: () => ["a", "b"] });
      const held = step({ name: "held", inputs: { letters: letters.output }, run: async ({ inputs }) => {
        writeFileSync("here", "");
        while (existsSync("hold")) await new Promise((done) => setTimeout(done, 20));
        return inputs.letters;
      } });
      export default workflow({ name: "letters", steps: [held] });`,
    );
    project.write("hold", "");
    const running = project.start("run", "letters");
    await until(() => fs.existsSync(project.path("here")), "the held step");
    running.child.kill("SIGKILL");
    await running.ended;
    fs.rmSync(project.path("hold"));
    const [resumed] = (await ok("resume", "--json")).json<{ resumed: Ran[] }>().resumed;
    expect(resumed!.steps.map(({ step, status }) => `${step} ${status}`)).toEqual(["letters cached", "held ran"]);
    await ok("reproduce", resumed!.run);
  });

  it("swaps the served champion when another process moves it", async () => {
    const up = project.start("up", "--port", "0");
    await up.heard(/http:\/\/127\.0\.0\.1:\d+/);
    await ok("promote", "houses", "1");
    await up.heard(/houses version 1 is live, in place of version 2/);
    expect(await up.stop()).toBe(0);
  });

  it("says what is wrong with an address, and never the password", async () => {
    const right = process.env["MILLRACE_STORE"]!;
    const wrong: readonly (readonly [string, string, number])[] = [
      [right.replace("mill:mill@", "mill:hush-hush@"), "STORE_DENIED", 1],
      [right.replace(/@.*\//, "@127.0.0.1:1/").replace("mill:mill@", "mill:hush-hush@"), "STORE_UNREACHABLE", 1],
      [right.replace("/postgres?", "/nowhere?"), "STORE_DENIED", 1],
      ["mysql://root:hush-hush@localhost/x", "STORE_ADDRESS_INVALID", 2],
      ["postgres://root:hush-hush@localhost", "STORE_ADDRESS_INVALID", 2],
      [".millrace/other.sqlite", "STORE_ADDRESS_INVALID", 2],
    ];
    try {
      for (const [address, code, exit] of wrong) {
        process.env["MILLRACE_STORE"] = address;
        const answer = await project.run("runs", "--json");
        expectRefusal(answer, code, exit);
        expect(answer.stdout + answer.stderr).not.toContain("hush");
      }
    } finally {
      process.env["MILLRACE_STORE"] = right;
    }
  });
});
