import fs from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { category, connect, csv, linear, number, pipeline, text, type MillraceError } from "../../src/index.ts";
import { createProject, isBuilt, until, type Project, type Running } from "./cli.ts";
import { housePipeline, houses, numbers } from "./data.ts";

/** The types of what housePipeline() writes. */
const typed = pipeline({
  name: "houses",
  data: csv("data/houses.csv"),
  schema: { id: text(), area: number({ min: 0 }), place: category(), price: number() },
  target: "price",
  id: "id",
  model: linear(),
});
type Houses = typeof typed;

interface Drift {
  readonly verdict: string;
  readonly nRows: number;
  readonly columns: readonly { readonly column: string; readonly reasons: readonly string[] }[];
}

/** Requests as houses() would send them; `shift` moves the areas away from what training saw. */
function requests(n: number, seed: number, shift = 0): { id: string; area: number; place: string }[] {
  const next = numbers(seed);
  return Array.from({ length: n }, (_, i) => ({
    id: `q${i}`,
    area: 40 + 160 * next() + shift,
    place: ["north", "south", "west"][Math.floor(3 * next())]!,
  }));
}

/** Runs a pipeline; the file of the model it made. */
async function trainedModel(project: Project, name: string): Promise<string> {
  const ran = await project.run("run", name, "--json");
  const { steps } = ran.json<{ steps: { step: string; outputs: { model: string } }[] }>();
  const hex = steps.find((s) => s.step === "train")!.outputs.model.slice(7);
  return project.path(`.millrace/artifacts/${hex.slice(0, 2)}/${hex.slice(2)}`);
}

async function listening(up: Running): Promise<string> {
  return (await up.heard(/on (http:\/\/127\.0\.0\.1:\d+)\n/))[1]!;
}

describe.skipIf(!isBuilt)("up", () => {
  let project: Project;
  let up: Running;
  let url: string;

  beforeAll(async () => {
    project = createProject();
    project.write("data/houses.csv", houses(400));
    project.pipeline("houses", housePipeline());
    expect((await project.run("run", "houses")).code).toBe(0);
    up = project.start("up", "--port", "0");
    url = await listening(up);
  });
  afterAll(async () => {
    await up?.stop();
    project.remove();
  });

  it("answers over HTTP and to the typed client what the command line answers", async () => {
    const client = connect<Houses>(url, "houses");
    const row = { id: "x", area: 77.5, place: "north" };
    const value = await client.predict(row);
    const { prediction } = (await project.run("predict", "houses", "--row", JSON.stringify(row), "--json")).json<{
      prediction: number;
    }>();
    expect(value).toBe(prediction);
    const many = requests(30, 4);
    const one = await Promise.all(many.map((r) => client.predict(r)));
    expect(await client.predictMany(many)).toEqual(one);
    expect(await connect<Houses>(url).predict(row)).toBe(value);
    const health = await Promise.all(["/healthz", "/readyz", "/docs", "/openapi.json"].map((p) => fetch(url + p)));
    expect(health.map((response) => response.status)).toEqual([200, 200, 200, 200]);
  });

  it("refuses what breaks the contract with a problem document, and answers on", async () => {
    const post = (name: string, body: string): Promise<Response> =>
      fetch(`${url}/v1/models/${name}/predict`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
    const bad = await post("houses", '{"rows":[{"id":"x","area":-1,"place":"north"}]}');
    expect([bad.status, bad.headers.get("content-type")]).toEqual([422, expect.stringContaining("problem+json")]);
    expect(await bad.json()).toMatchObject({ code: "REQUEST_INVALID" });
    const unknown = await post("hauses", '{"rows":[]}');
    expect([unknown.status, await unknown.text()]).toEqual([404, expect.stringContaining("houses")]);
    expect((await post("houses", "{")).status).toBe(400);
    const refused = connect<Houses>(url, "houses").predict({ id: "x", area: -1, place: "north" });
    await expect(refused).rejects.toMatchObject({ code: "CLIENT_REFUSED" } satisfies Partial<MillraceError>);
  });

  it("swaps to a new champion of another process under load without a failed request", async () => {
    const client = connect<Houses>(url, "houses");
    const [row] = requests(1, 9);
    const before = await client.predict(row!);
    const done = new AbortController();
    const answers = new Map<number, number>();
    const failures: unknown[] = [];
    const load = Array.from({ length: 4 }, async () => {
      while (!done.signal.aborted) {
        try {
          const answer = await client.predict(row!);
          answers.set(answer, (answers.get(answer) ?? 0) + 1);
        } catch (error) {
          failures.push(error);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    try {
      project.pipeline("houses", housePipeline({ model: "m.boosting({ trees: 40, minRows: 5 })" }));
      const ran = await project.run("run", "houses", "--json");
      expect(ran.json()).toMatchObject({ version: 2, promoted: true });
      await up.heard(/houses version 2 is live, in place of version 1/);
      await until(async () => (await client.predict(row!)) !== before, "an answer of version 2");
    } finally {
      done.abort();
      await Promise.all(load);
    }
    expect(failures).toEqual([]);
    const after = await client.predict(row!);
    expect([...answers.keys()].filter((answer) => answer !== before && answer !== after)).toEqual([]);
    expect(answers.get(before)).toBeGreaterThan(5);
  });

  it("logs what it answers: monitor says ok to rows like those of training, and drift to shifted ones", async () => {
    const other = createProject();
    other.write("data/houses.csv", houses(400));
    other.pipeline("houses", housePipeline());
    let server: Running | undefined;
    try {
      expect((await other.run("run", "houses")).code).toBe(0);
      const few = await other.run("monitor", "houses", "--json");
      expect([few.code, few.json<Drift>().verdict]).toEqual([0, "tooFewRows"]);
      server = other.start("serve", "--port", "0");
      const client = connect<Houses>(await listening(server), "houses");
      await client.predictMany(requests(600, 21));
      await until(async () => (await other.run("monitor", "houses", "--json")).json<Drift>().nRows >= 600, "the log");
      const calm = await other.run("monitor", "houses", "--json");
      expect([calm.code, calm.json<Drift>().verdict]).toEqual([0, "ok"]);
      await client.predictMany(requests(900, 22, 150));
      await server.stop();
      server = undefined;
      const shifted = await other.run("monitor", "houses", "--json");
      expect(shifted.code).toBe(4);
      const { verdict, nRows, columns } = shifted.json<Drift>();
      expect([verdict, nRows]).toEqual(["drift", 1500]);
      expect(columns.filter((c) => c.reasons.length > 0).map((c) => c.column)).toEqual(["area"]);
      expect((await other.run("monitor", "houses")).stdout).toMatch(/area/);
    } finally {
      await server?.stop();
      other.remove();
    }
  });

  it("ends with exit code 0 when asked to stop", async () => {
    expect(await up.stop()).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });
});

describe.skipIf(!isBuilt)("up, when something is wrong or has moved on", () => {
  it("serves the other models where one is damaged, and refuses that one", async () => {
    const project = createProject();
    let up: Running | undefined;
    try {
      project.write("data/houses.csv", houses(200));
      project.pipeline("houses", housePipeline());
      project.pipeline("copy", housePipeline().replace('"houses"', '"copy"'));
      const file = await trainedModel(project, "houses");
      expect((await project.run("run", "copy")).code).toBe(0);
      const bytes = fs.readFileSync(file);
      bytes[200]! ^= 4;
      fs.writeFileSync(file, bytes);
      up = project.start("up", "--port", "0");
      const url = await listening(up);
      expect(up.said()).toMatch(/houses version 1 does not load and never goes live \(ARTIFACT_DAMAGED/);
      const row = { id: "x", area: 50, place: "west" };
      expect(await connect<Houses>(url, "copy").predict(row)).toEqual(expect.any(Number));
      await expect(connect<Houses>(url, "houses").predict(row)).rejects.toMatchObject({ code: "CLIENT_REFUSED" });
    } finally {
      await up?.stop();
      project.remove();
    }
  });

  it("goes on answering where the file of a live model is deleted, which verify names", async () => {
    const project = createProject();
    let up: Running | undefined;
    try {
      project.write("data/houses.csv", houses(200));
      project.pipeline("houses", housePipeline());
      const file = await trainedModel(project, "houses");
      up = project.start("up", "--port", "0");
      const client = connect<Houses>(await listening(up), "houses");
      const row = { id: "x", area: 50, place: "west" };
      const before = await client.predict(row);
      fs.rmSync(file);
      expect(await client.predict(row)).toBe(before);
      const verified = await project.run("verify");
      expect([verified.code, verified.stdout + verified.stderr]).toEqual([1, expect.stringContaining(file.slice(-62))]);
      expect(await client.predict(row)).toBe(before);
    } finally {
      await up?.stop();
      project.remove();
    }
  });

  it("retrains on drift once the data has moved on, and the new version goes live in the same process", async () => {
    const project = createProject();
    let up: Running | undefined;
    try {
      project.write("data/houses.csv", houses(400));
      const watch = 'monitor: { every: "1s", window: "1h", minRows: 100 }, retrain: { onDrift: true },';
      project.pipeline("houses", housePipeline({ more: watch }));
      expect((await project.run("run", "houses")).code).toBe(0);
      project.write(
        "data/houses.csv",
        houses(400) + houses(500, { seed: 5, shift: 150 }).split("\n").slice(1).join("\n").replace(/^h/gm, "n"),
      );
      up = project.start("up", "--port", "0");
      const client = connect<Houses>(await listening(up), "houses");
      await client.predictMany(requests(600, 31, 150));
      await up.heard(/houses drifts: area/);
      await up.heard(/retraining houses \(drift\)/);
      await up.heard(/houses version 2 is live, in place of version 1/);
      await up.heard(/retrained houses/);
      const { models } = (await project.run("models", "houses", "--json")).json<{ models: object[] }>();
      expect(models).toMatchObject([{ champion: 2 }]);
    } finally {
      await up?.stop();
      project.remove();
    }
  });
});
