import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, isBuilt, type Project } from "../e2e/cli.ts";
import { csvOf } from "../e2e/data.ts";

/** More rows than the kernels keep to one thread. */
const nRows = 24_000;

describe.skipIf(!isBuilt)("the same bits for any number of threads", () => {
  let project: Project;
  const before = process.env["MILLRACE_THREADS"];

  beforeAll(() => {
    project = createProject();
    const text = csvOf(nRows, (_, next) => {
      const [a, b, c] = [next() * 10, next(), next() < 0.1 ? null : next() ** 3];
      const kind = `k${Math.floor(40 * next() ** 2)}`;
      const score = Math.sin(a) + 2 * b * (kind < "k2" ? 1 : -1) + (c ?? 1) + next();
      return { a, b, c, kind, y: score, third: score > 1.5 ? "much" : score > 0.5 ? "some" : "none" };
    });
    project.write("data.csv", text);
    const columns = (target: string, kind: string): string =>
      `name: "${target}", data: m.csv("data.csv"), target: "${target}",
       schema: { a: m.number(), b: m.number(), c: m.number({ missing: 0.2 }), kind: m.category(), ${target}: ${kind} },`;
    project.pipeline(
      "y",
      `{ ${columns("y", "m.number()")} model: m.boosting({ trees: 10, rowShare: 0.9, columnShare: 0.8 }) }`,
    );
    project.pipeline("third", `{ ${columns("third", "m.category()")} model: m.linear() }`);
  });
  afterAll(() => {
    if (before === undefined) delete process.env["MILLRACE_THREADS"];
    else process.env["MILLRACE_THREADS"] = before;
    project.remove();
  });

  it.each(["y", "third"])("trains %s to one digest with one and with two threads", async (name) => {
    const digests = new Set<string>();
    for (const threads of ["1", "2"]) {
      process.env["MILLRACE_THREADS"] = threads;
      const answer = await project.run("run", name, "--no-cache", "--json");
      expect(answer.code, answer.stdout).toBe(0);
      const { steps } = answer.json<{ steps: { step: string; outputs: Record<string, string> }[] }>();
      digests.add(steps.find((s) => s.step === "train")!.outputs["model"]!);
    }
    expect([...digests]).toHaveLength(1);
  });
});
