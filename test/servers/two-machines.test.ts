import fs from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { createProject, isBuilt, type Answer, type Project } from "../e2e/cli.ts";
import { housePipeline, houses } from "../e2e/data.ts";
import { startObjectStore } from "./start/object-store.ts";
import { startPostgres } from "./start/postgres.ts";

const postgres = isBuilt ? await startPostgres() : undefined;
const bucket = isBuilt ? await startObjectStore() : undefined;
const before = { ...process.env };
const projects: Project[] = [];
afterAll(async () => {
  process.env = before;
  for (const project of projects) project.remove();
  await postgres?.stop();
  await bucket?.stop();
});

/** A checkout of the same project with nothing kept in it. */
function machine(): Project {
  const project = createProject();
  projects.push(project);
  project.write("data/houses.csv", houses(150));
  project.pipeline("houses", housePipeline());
  return project;
}

function statuses(answer: Answer): string[] {
  expect(answer.code, answer.stderr).toBe(0);
  return answer.json<{ steps: readonly { status: string }[] }>().steps.map(({ status }) => status);
}

describe.skipIf(!postgres || !bucket)("two machines on one database and one bucket", () => {
  it("share runs, cache and models; either may go, and what it kept is garbage nowhere", async () => {
    Object.assign(process.env, bucket!.environment, {
      MILLRACE_STORE: postgres!.url,
      MILLRACE_ARTIFACTS: "s3://mill/shared",
    });
    const first = machine();
    const second = machine();
    expect(statuses(await first.run("run", "houses", "--json"))).toContain("ran");
    expect(fs.existsSync(second.path(".millrace"))).toBe(false);
    expect(new Set(statuses(await second.run("run", "houses", "--json")))).toEqual(new Set(["cached"]));
    first.remove();
    const answer = await second.run("predict", "houses", "data/houses.csv", "-o", "scores.csv");
    expect(answer.code, answer.stderr).toBe(0);
    expect((await second.run("runs", "--json")).json<{ runs: readonly object[] }>().runs).toHaveLength(2);
    expect((await second.run("gc", "--keep-runs", "1")).code).toBe(0);
    const third = machine();
    const verified = await third.run("verify");
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining("sound")]);
    expect(statuses(await third.run("run", "houses", "--json"))).toContain("cached");
  });
});
