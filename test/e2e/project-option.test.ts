import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createProject, isBuilt } from "./cli.ts";

describe.skipIf(!isBuilt)("--project", () => {
  const project = createProject();
  afterAll(() => project.remove());

  it("takes a folder relative to the current one, as typed at a prompt", async () => {
    project.write("inner/pipelines/small.ts", definition);
    project.write("inner/small.csv", "a,b\n1,2\n");
    const answer = await project.run("check", "small", "--project", "inner", "--json");
    expect(answer.code, answer.stdout + answer.stderr).toBe(0);
    const dotted = await project.run("check", "small", "--project", path.join(".", "inner", "..", "inner"), "--json");
    expect(dotted.code, dotted.stdout + dotted.stderr).toBe(0);
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
