import { afterAll, describe, expect, it } from "vitest";
import { createProject, isBuilt } from "./cli.ts";

describe.skipIf(!isBuilt)("--project", () => {
  const project = createProject();
  afterAll(() => project.remove());

  it("takes a folder relative to the current one", async () => {
    project.write("inner/pipelines/small.ts", definition);
    const rows = Array.from({ length: 200 }, (_, i) => `${i % 10},${(i % 10) + ((i * 37) % 101)}`);
    project.write("inner/small.csv", `a,b\n${rows.join("\n")}\n`);
    for (const folder of ["inner", "./inner/../inner"]) {
      const answer = await project.run("run", "small", "--project", folder, "--json");
      expect(answer.code, answer.stdout + answer.stderr).toBe(0);
    }
  });
});

const definition = `import { csv, linear, number, pipeline } from "millrace";
export default pipeline({
  name: "small",
  data: csv("small.csv"),
  schema: { a: number(), b: number() },
  target: "b",
  model: linear(),
});
`;
