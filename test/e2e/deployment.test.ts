import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, expectRefusal, isBuilt, type Project, type Running } from "./cli.ts";
import { housePipeline, houses } from "./data.ts";

describe.skipIf(!isBuilt)("a deployment", () => {
  let project: Project;
  let server: Running;
  let url: string;
  let key: string;
  const ask = async <T = unknown>(...args: readonly string[]): Promise<T> => {
    const answer = await project.run(...args, "--json");
    expect(answer.code, answer.stdout + answer.stderr).toBe(0);
    return answer.json<T & Record<string, never>>();
  };
  const send = async <T>(path: string, body?: unknown, bearer = key): Promise<T> => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${bearer}` };
    const init = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
    return (await (await fetch(url + path, init)).json()) as T;
  };
  beforeAll(async () => {
    project = createProject();
    project.write("data/houses.csv", houses(300));
    const more = 'approvals: { risk: { by: ["ann", "bob"] } }, monitor: { redact: ["id"] },';
    project.pipeline("houses", housePipeline({ more }));
  });
  afterAll(async () => {
    await server?.stop();
    project.remove();
  });

  it("waits for its reviewers, whatever the gate says", async () => {
    expect(await ask("run", "houses")).toMatchObject({
      version: 1,
      verdict: { passed: true },
      promoted: false,
      refusal: expect.stringContaining("risk (ann, bob)"),
    });
    expectRefusal(
      await project.run("promote", "houses", "1", "--force", "--reason", "now", "--json"),
      "APPROVAL_MISSING",
      3,
      "ann, bob",
    );
    expectRefusal(await project.run("approve", "houses", "1", "--by", "eve", "--json"), "APPROVAL_REFUSED", 1, "eve");
    expect(await ask("approve", "houses", "1", "--by", "ann", "--reason", "looked")).toMatchObject({ missing: [] });
    // What was missing is there now: the same run promotes, and is no longer answered from the cache.
    expect(await ask("run", "houses")).toMatchObject({ version: 1, promoted: true, refusal: null });
  });

  it("listens beyond this machine once there is a key, and asks for it", async () => {
    expectRefusal(await project.run("serve", "--host", "0.0.0.0", "--port", "0", "--json"), "ADDRESS_REFUSED", 2);
    ({ key } = await ask<{ key: string }>("keys", "add", "shop", "--role", "predict", "--expires", "1d"));
    server = project.start("serve", "--host", "0.0.0.0", "--port", "0", "--log", "sync", "--keep-days", "30");
    const [, port] = await server.heard(/serving houses on http:\/\/\S+:(\d+)/);
    url = `http://127.0.0.1:${port}`;
    expect(await send("/v1/models", undefined, "nothing")).toMatchObject({ code: "KEY_REQUIRED" });
    expect(await send("/metrics")).toMatchObject({ code: "ROLE_INSUFFICIENT" });
    expect(await send("/v1/models")).toMatchObject({ models: [{ name: "houses", version: 1 }] });
    expect((await ask<{ keys: object[] }>("keys")).keys).toMatchObject([{ name: "shop", state: "valid" }]);
    expect(JSON.stringify([...project.snapshot()]) + server.said()).not.toContain(key.split("_")[2]);
  });

  it("records what it answers, learns what became true, and tells how good it is", async () => {
    const rows = [80, 120].map((area, i) => ({ id: `secret-${i}`, area, place: "north" }));
    const answer = await send<{ predictionIds: string[]; predictions: number[] }>("/v1/models/houses/predict", {
      rows,
    });
    const logged = await ask<{ models: { predictions: { id: string; inputs: object }[] }[] }>(
      "predictions",
      "houses",
      "--since",
      "1h",
      "--where",
      "area>=100 and place=north",
    );
    expect(logged.models[0]!.predictions).toMatchObject([
      { id: answer.predictionIds[1], inputs: { area: 120, place: "north" }, redacted: ["id"] },
    ]);
    expect(JSON.stringify(await ask("predictions"))).not.toContain("secret");
    const feedback = answer.predictionIds.map((predictionId, i) => ({
      predictionId,
      actual: answer.predictions[i]! + (i === 0 ? 3 : -3),
    }));
    expect(await send("/v1/feedback", { feedback })).toMatchObject({
      feedback: [{ status: "recorded" }, { status: "recorded" }],
    });
    const report = await ask<{ metrics: { rmse: number } }>("quality", "houses", "--by", "day");
    expect(report).toMatchObject({ nRows: 2, groups: [{ nRows: 2 }], champion: { version: 1 } });
    expect(report.metrics.rmse).toBeCloseTo(3, 9);
    expect(await ask("gc", "--keep-days", "1")).toMatchObject({ predictions: { segments: 0 } });
    expect(await ask("verify")).toMatchObject({ sound: true });
  });

  it("answers under a name that people gave a version, and follows it", async () => {
    await ask("alias", "houses", "stable", "1", "--reason", "known");
    const row = { rows: [{ id: "x", area: 80, place: "north" }] };
    await expect
      .poll(() => send("/v1/models/houses@stable/predict", row))
      .toMatchObject({ model: "houses", version: 1 });
    await ask("alias", "houses", "stable", "--remove");
    await expect.poll(() => send("/v1/models/houses@stable/predict", row)).toMatchObject({ code: "MODEL_NOT_FOUND" });
  });

  it("describes itself from what is recorded, on the command line and as a page", async () => {
    const run = await project.run("card", "houses");
    expect(run.code).toBe(0);
    const card = await ask<{ version: number; sections: { heading: string; table: { rows: string[][] } | null }[] }>(
      "card",
      "houses",
      "1",
    );
    expect(card.sections.map(({ heading }) => heading)).toEqual([
      "What it does",
      "Data",
      "What checking the data found",
      "Columns of the snapshot",
      "What a request must hold",
      "What it leans on",
      "How good it is",
      "Gate",
      "Leakage audit",
      "Limits",
      "Lineage",
      "Approvals",
    ]);
    const sectionOf = (heading: string): string => run.stdout.split(`## ${heading}\n`)[1]!.split("\n## ")[0]!;
    expect(sectionOf("What checking the data found")).toContain("300 rows in = 300 ok + 0 quarantined");
    expect(sectionOf("What a request must hold")).toContain("| area | number | never | at least 0 |");
    expect(sectionOf("Gate")).toContain("passed");
    expect(sectionOf("Approvals")).toContain("ann for risk");
    const { models } = await ask<{ models: { versions: { digest: string; metrics: { r2: number } }[] }[] }>("models");
    const { digest, metrics } = models[0]!.versions[0]!;
    expect(sectionOf("Lineage")).toContain(digest);
    expect(sectionOf("How good it is")).toContain(`| r2 | ${metrics.r2.toFixed(4)} |`);
    const headers = { authorization: `Bearer ${key}` };
    expect(await (await fetch(`${url}/v1/models/houses/card`, { headers })).text()).toBe(run.stdout);
    expect(await (await fetch(`${url}/models/houses/card`, { headers })).text()).toContain("<h2>Lineage</h2>");
    expectRefusal(await project.run("card", "houses", "7", "--json"), "VERSION_NOT_FOUND", 2);
  });

  it("prints clients of what it serves", async () => {
    const python = await ask<{ code: string }>("client", "houses", "--lang", "python", "--url", url);
    expect(python.code).toContain('"area": float');
    expect((await project.run("client", "houses", "--lang", "curl")).stdout).toContain("predict-houses");
    expectRefusal(await project.run("client", "houses", "--lang", "perl", "--json"), "USAGE", 2, "perl");
  });

  it("refuses a revoked key within a second", async () => {
    await ask("keys", "revoke", "shop");
    await expect
      .poll(() => send("/v1/models"), { timeout: 3_000, interval: 100 })
      .toMatchObject({ code: "KEY_REQUIRED" });
  });
});
