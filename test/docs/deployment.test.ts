import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, dist, isBuilt, type Project } from "../e2e/cli.ts";
import { csvOf } from "../e2e/data.ts";

const text = fs.readFileSync(path.resolve(import.meta.dirname, "../../docs/deployment.md"), "utf8");
const snippets = (language: string): string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map((match) => match[1]!);

const definition = `{
  name: "churn",
  data: m.csv("data/churn.csv"),
  schema: {
    tenure: m.number({ min: 0 }),
    contract: m.category(["monthly", "yearly"]),
    charges: m.number({ missing: 1 }),
    left: m.category(["no", "yes"]),
  },
  target: "left",
  model: m.linear(),
}`;

const customers = csvOf(300, (_, next) => {
  const contract = next() < 0.5 ? "monthly" : "yearly";
  const tenure = Math.round(60 * next());
  const left = next() < (contract === "monthly" ? 0.8 : 0.2) * (1 - tenure / 90) ? "yes" : "no";
  return { tenure, contract, charges: 20 + 80 * next(), left };
});

describe.skipIf(!isBuilt)("docs/deployment.md", () => {
  let project: Project;
  beforeAll(async () => {
    project = createProject();
    project.write("data/churn.csv", customers);
    project.pipeline("churn", definition);
    for (let run = 0; run < 3; ++run) {
      project.pipeline("churn", definition.replace("m.linear()", `m.linear({ l2: ${run + 1} })`));
      expect((await project.run("run", "churn")).code).toBe(0);
    }
    // Versions 2 and 3 are there to be tried beside the first.
    await project.run("rollback", "churn");
    await project.run("rollback", "churn");
  });
  afterAll(() => project.remove());

  it("gives commands that run as they stand", async () => {
    const commands = snippets("sh").flatMap((block) =>
      block.split("\n").filter((line) => line.startsWith("millrace ")),
    );
    expect(commands.length).toBeGreaterThan(1);
    for (const command of commands) {
      const words = command.replace(/\s+#.*$/, "").match(/"[^"]*"|\S+/g)!;
      const answer = await project.run(...words.slice(1).map((word) => word.replaceAll('"', "")));
      expect(answer.code, `${command}: ${answer.stderr}`).toBe(0);
    }
  });

  it("shows a module, a worker and a function of Lambda that answer", async () => {
    const [first, worker, lambda] = snippets("js");
    const said: unknown[][] = [];
    const console = { log: (...words: unknown[]) => void said.push(words) };
    (globalThis as Record<string, unknown>)["docsConsole"] = console;
    project.write("first.mjs", `const console = globalThis.docsConsole;\n${first!}`);
    project.write("worker.mjs", worker!);
    await import(pathToFileURL(project.path("first.mjs")).href);
    expect(said[0]).toEqual(["churn", 3, ["tenure", "contract", "charges"]]);
    expect(said[1]![0]).toMatchObject({ label: "yes", probabilities: { no: expect.any(Number) } });
    expect(said[2]).toEqual([2]);
    expect(said[3]![0]).toMatchObject([{ code: "min" }, { code: "levels" }]);
    const { default: handler } = (await import(pathToFileURL(project.path("worker.mjs")).href)) as {
      default: { fetch(request: Request): Promise<Response> };
    };
    const ask = async (rows: unknown): Promise<[number, unknown]> => {
      const request = new Request("http://edge/", { method: "POST", body: JSON.stringify({ rows }) });
      const response = await handler.fetch(request);
      return [response.status, await response.json()];
    };
    expect(await ask([{ tenure: 3, contract: "monthly" }])).toEqual([200, { predictions: [expect.any(Object)] }]);
    expect(await ask([{ contract: "monthly" }])).toMatchObject([422, { code: "REQUEST_INVALID", issues: [{}] }]);

    project.write("lambda.mjs", lambda!);
    const { handler: answering } = (await import(pathToFileURL(project.path("lambda.mjs")).href)) as {
      handler(event: object): Promise<{ statusCode: number; body: string }>;
    };
    const body = JSON.stringify({ rows: [{ tenure: 3, contract: "monthly" }] });
    const plain = await answering({ body, isBase64Encoded: false });
    expect(plain).toMatchObject({ statusCode: 200, body: expect.stringContaining('"label":"yes"') });
    expect(await answering({ body: Buffer.from(body).toString("base64"), isBase64Encoded: true })).toEqual(plain);
    for (const [bad, statusCode] of [
      ["{", 400],
      ['{"rows":[{}]}', 422],
    ] as const)
      expect(await answering({ body: bad, isBase64Encoded: false })).toMatchObject({ statusCode });
  });

  it("reads the model file as it shows", async () => {
    const { models } = (await project.run("models", "churn", "--json")).json<{
      models: { versions: { digest: string }[] }[];
    }>();
    const digest = models[0]!.versions[0]!.digest.replace("sha256:", "");
    const said: unknown[][] = [];
    (globalThis as Record<string, unknown>)["docsConsole"] = { log: (...words: unknown[]) => void said.push(words) };
    const source = snippets("ts")[0]!
      .replace(
        /".millrace[^"]*"/,
        JSON.stringify(project.path(`.millrace/artifacts/${digest.slice(0, 2)}/${digest.slice(2)}`)),
      )
      .replace("millrace/runtime", pathToFileURL(path.join(dist, "runtime.js")).href);
    project.write("file.mjs", `const console = globalThis.docsConsole;\n${source}`);
    await import(pathToFileURL(project.path("file.mjs")).href);
    expect(said).toMatchObject([
      [[], [{ label: expect.any(String), probabilities: { no: expect.any(Number) } }]],
      [[{ contributions: { tenure: expect.any(Number) } }], [{ feature: expect.any(String) }, {}, {}]],
    ]);
  });
});
