import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readVectors } from "../vectors/read.ts";
import { createProject, expectRefusal, isBuilt, type Project } from "./cli.ts";

const { cases } = readVectors<{
  readonly cases: readonly { readonly name: string; readonly ubj: string; readonly answers: readonly number[] }[];
}>("xgboost");
const binary = cases.find(({ name }) => name === "binary")!;

describe.skipIf(!isBuilt)("models of other trainers", () => {
  let project: Project;
  const ask = async (...args: readonly string[]): Promise<unknown> => {
    const answer = await project.run(...args, "--json");
    expect(answer.code, answer.stdout + answer.stderr).toBe(0);
    return answer.json();
  };
  beforeAll(() => {
    project = createProject();
    project.write("model.ubj", Buffer.from(binary.ubj, "base64"));
  });
  afterAll(() => project.remove());

  it("become versions that are promoted, answer, and are known again", async () => {
    const args = ["import", "model.ubj", "--as", "churn", "--target", "churned", "--labels", '["no","yes"]'];
    const first = (await ask(...args)) as { run: string };
    expect(first).toMatchObject({
      model: "churn",
      version: 1,
      from: "xgboost",
      task: "binary",
      inputs: ["a", "b", "c", "level"],
    });
    expect(await ask(...args)).toMatchObject({ version: 1 });
    expect(await ask("show", first.run)).toMatchObject({ workflow: "import", status: "succeeded" });
    await ask("promote", "churn", "1", "--reason", "as it scores today");
    const row = JSON.stringify({ a: 0.5, b: 1, c: -2, level: "green" });
    expect(await ask("predict", "churn", "--row", row)).toMatchObject({
      version: 1,
      prediction: { label: expect.stringMatching(/^(no|yes)$/) as string },
    });
    expect(await ask("verify")).toMatchObject({ sound: true });
  });

  it("are refused with a code where they are damaged, and leave no version", async () => {
    project.write("cut.ubj", Buffer.from(binary.ubj, "base64").subarray(0, 900));
    expectRefusal(
      await project.run("import", "cut.ubj", "--as", "cut", "--json"),
      "MODEL_IMPORT_REFUSED",
      1,
      "cut.ubj",
    );
    expectRefusal(await project.run("models", "cut", "--json"), "MODEL_NOT_FOUND", 2);
    expectRefusal(await project.run("import", "model.ubj", "--json"), "USAGE", 2, "--as");
    expectRefusal(await project.run("import", "model.ubj", "--as", "A b", "--json"), "USAGE", 2, "A b");
    expectRefusal(await project.run("import", "no.ubj", "--as", "a", "--json"), "SOURCE_NOT_FOUND", 1);
  });

  it("come from scikit-learn through a script that the command line prints", async () => {
    const answer = await project.run("import", "--exporter");
    expect(answer.code).toBe(0);
    expect(answer.stdout).toContain("def export_model(model, path, names=None):");
  });
});
