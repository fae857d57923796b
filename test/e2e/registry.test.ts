import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadSqlite } from "../../src/store/sqlite.ts";
import { createProject, expectRefusal, isBuilt, type Project } from "./cli.ts";
import { housePipeline, houses } from "./data.ts";

describe.skipIf(!isBuilt)("the registry", () => {
  let project: Project;
  const ask = async (...args: readonly string[]): Promise<unknown> => {
    const answer = await project.run(...args, "--json");
    expect(answer.code, answer.stdout + answer.stderr).toBe(0);
    return answer.json();
  };
  beforeAll(async () => {
    project = createProject();
    project.write("data/houses.csv", houses(300));
    project.pipeline("houses", housePipeline());
    await ask("run", "houses");
  });
  afterAll(() => project.remove());

  it("keeps the champion where a version would refuse its callers, until a person forces it", async () => {
    project.pipeline("houses", housePipeline().replace("area: m.number({ min: 0 })", "area: m.number({ min: 1 })"));
    expect(await ask("run", "houses")).toMatchObject({
      version: 2,
      verdict: { passed: true },
      promoted: false,
      refusal: expect.stringContaining("area (min: 0 -> 1)"),
    });
    expectRefusal(await project.run("promote", "houses", "2", "--json"), "CONTRACT_INCOMPATIBLE", 3, "area");
    await ask("promote", "houses", "2", "--force", "--reason", "callers know");
    const { entries } = (await ask("audit", "--model", "houses")) as { entries: { action: string; details: object }[] };
    expect(entries.at(-1)).toMatchObject({
      action: "promote",
      details: { forced: true, reason: "callers know", breaks: [{ column: "area", rule: "min" }] },
    });
  });

  it("archives, tags, and tells what was at a time", async () => {
    const before = new Date().toISOString();
    expectRefusal(await project.run("archive", "houses", "2", "--json"), "ARCHIVE_REFUSED", 1);
    expect(await ask("archive", "houses", "1")).toEqual({ model: "houses", version: 1, archived: true });
    expectRefusal(await project.run("promote", "houses", "1", "--json"), "VERSION_ARCHIVED", 3);
    expect(await ask("tag", "houses", "2", "market=north")).toMatchObject({ tags: { market: "north" } });
    await ask("alias", "houses", "stable", "2");
    expect((await project.run("registry")).stdout).toContain("houses: champion 2, stable 2\n");
    const [one, two] = [{ version: 1 }, { version: 2 }];
    expect(await ask("registry")).toMatchObject({
      models: [
        {
          champion: 2,
          aliases: { stable: 2 },
          versions: [
            { ...one, isArchived: true },
            { ...two, tags: { market: "north" } },
          ],
        },
      ],
    });
    expect(await ask("registry", "--at", before)).toMatchObject({
      models: [
        {
          champion: 2,
          versions: [
            { ...one, isArchived: false },
            { ...two, tags: {} },
          ],
        },
      ],
    });
    expect(await ask("registry", "--at", "2020-01-01T00:00:00Z")).toMatchObject({ models: [] });
    expectRefusal(await project.run("registry", "--at", "soon", "--json"), "USAGE", 2);
    expectRefusal(await project.run("tag", "houses", "2", "north", "--json"), "USAGE", 2);
  });

  it("names the first entry altered in the database, and exits 1", async () => {
    expect(await ask("audit", "verify")).toMatchObject({ intact: true });
    const { DatabaseSync } = await loadSqlite();
    const database = new DatabaseSync(project.path(".millrace/metadata.sqlite"));
    database.exec("update audit set actor = 'nobody' where sequence = 2");
    database.close();
    const verdict = await project.run("audit", "verify", "--json");
    expect([verdict.code, verdict.json()]).toMatchObject([1, { intact: false, sequence: 2 }]);
  });
});
