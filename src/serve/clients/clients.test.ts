import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { churnModel, hostileModel, housesModel } from "../../../test/serve/served-models.ts";
import { systemClock } from "../../core/clock.ts";
import { defaultLimits } from "../limits.ts";
import { fixedModels } from "../model-source.ts";
import { openApiOf } from "../openapi.ts";
import { createServer } from "../server.ts";
import type { Server } from "../server.ts";
import { curlClient } from "./curl.ts";
import { pythonClient } from "./python.ts";

const run = promisify(execFile);
const has = (program: string): boolean => spawnSync(program, ["--version"]).status === 0;
const [hasPython, hasCurl] = [has("python3"), has("curl")];
if (!hasPython) console.warn("skipped: there is no python3 to run the Python client with");
if (!hasCurl) console.warn("skipped: there is no curl to run the shell client with");

const models = [housesModel(1), churnModel(), hostileModel()];
const documentOf = (i: number): ReturnType<typeof openApiOf> =>
  openApiOf({ models: [models[i]!], version: "1", limits: defaultLimits });
let server: Server;
let url: string;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "millrace-clients-"));
  server = await createServer({
    models: fixedModels(models),
    clock: systemClock,
    version: "1",
    port: 0,
    feedback: async (_, items) => items.map(({ actual }) => (actual === 3 ? "recorded" : "unknown")),
  });
  ({ url } = await server.listen());
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(!hasPython)("the Python client", () => {
  const python = async (module: string, code: string): Promise<string> => {
    await writeFile(path.join(folder, "client.py"), module);
    return (await run("python3", ["-W", "error", "-c", code], { cwd: folder })).stdout.trim();
  };

  it("predicts, tells what became true, and raises what the server refuses", async () => {
    const module = pythonClient(documentOf(0), "houses", url);
    const code = `
import client, json
houses = client.Client()
predictions, ids = houses.predict_with_ids([{"rooms": 4}, {"rooms": 5}])
try:
    houses.predict([{"rooms": -1}])
except client.MillraceError as error:
    refused = [error.status, error.code, error.issues[0]["column"]]
print(json.dumps([predictions, len(set(ids)), houses.feedback([(ids[0], 3), (ids[1], 4)]), refused]))`;
    expect(JSON.parse(await python(module, code))).toEqual([
      [1004, 1005],
      2,
      ["recorded", "unknown"],
      [422, "REQUEST_INVALID", "rooms"],
    ]);
  });

  it("knows the kinds of columns, and takes any name as data", async () => {
    const code = "import client; print(sorted((k, str(v)) for k, v in client.Row.__annotations__.items()))";
    const churn = await python(pythonClient(documentOf(1), "customer-churn", url), code);
    expect(churn).toContain("('calls', \"<class 'int'>\")");
    expect(churn).toContain("typing.Literal['basic', 'plus', 'business']");
    expect(churn).toContain("('monthly_charge', 'typing.Optional[float]')");
    const hostile = models[2]!.model;
    const asked = `import client, json; print(json.dumps([client.MODEL, list(client.Row.__annotations__)]))`;
    expect(JSON.parse(await python(pythonClient(documentOf(2), hostile.name, url), asked))).toEqual([
      hostile.name,
      hostile.inputs,
    ]);
  });
});

describe.skipIf(!hasCurl)("the shell client", () => {
  const ask = async (script: string, ...args: readonly string[]): Promise<string> => {
    await writeFile(path.join(folder, "client.sh"), script);
    return (await run("sh", ["client.sh", ...args], { cwd: folder })).stdout;
  };

  it("sends an example or a file, a batch, and says which operations there are", async () => {
    const script = curlClient(documentOf(0), url);
    expect(JSON.parse(await ask(script, "predict-houses"))).toMatchObject({ predictions: [1004] });
    await writeFile(path.join(folder, "rows.json"), '{"rows":[{"rooms":7}]}');
    expect(JSON.parse(await ask(script, "predict-houses", "rows.json"))).toMatchObject({ predictions: [1007] });
    await writeFile(path.join(folder, "rows.jsonl"), '{"rooms":7}\n{"rooms":8}\n');
    expect((await ask(script, "batch-houses", "rows.jsonl")).trimEnd().split("\n")).toHaveLength(3);
    await writeFile(path.join(folder, "rows.csv"), "rooms\n7\n");
    expect(await ask(script, "batch-houses", "rows.csv")).toMatch(/^row,prediction,predictionId,error\n0,1007,/);
    expect(JSON.parse(await ask(script, "listModels"))).toMatchObject({ models: [{}, {}, {}] });
    await expect(ask(script, "nothing")).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("predict-houses"),
    });
  });

  it("sends what comes by standard input, with the key", async () => {
    const echo = createHttpServer((request, answer) => {
      void text(request).then((body) => answer.end(JSON.stringify([request.headers.authorization ?? null, body])));
    });
    await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
    const { port } = echo.address() as AddressInfo;
    await writeFile(path.join(folder, "client.sh"), curlClient(documentOf(0), `http://127.0.0.1:${port}`));
    const pipe = async (input: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<unknown> => {
      const running = run("sh", ["client.sh", ...args], { cwd: folder, env: { PATH: process.env["PATH"], ...env } });
      running.child.stdin!.end(input);
      return JSON.parse((await running).stdout);
    };
    const lines = '{"rooms":7}\n{"rooms":8}\n';
    expect(await pipe(lines, ["batch-houses"], { MILLRACE_KEY: "abc" })).toEqual(["Bearer abc", lines]);
    expect(await pipe(lines, ["batch-houses", "-"], {})).toEqual([null, lines]);
    const body = '{"rows":[{"rooms":7}]}';
    expect(await pipe(body, ["predict-houses", "-"], { MILLRACE_KEY: "abc" })).toEqual(["Bearer abc", body]);
    await new Promise((resolve) => echo.close(resolve));
  });

  it("fails where the server refuses, and takes any name as data", async () => {
    await writeFile(path.join(folder, "bad.json"), '{"rows":[{"rooms":-7}]}');
    await expect(ask(curlClient(documentOf(0), url), "predict-houses", "bad.json")).rejects.toMatchObject({
      stdout: expect.stringContaining("REQUEST_INVALID"),
    });
    const script = curlClient(documentOf(2), url);
    await writeFile(path.join(folder, "client.sh"), script);
    expect(spawnSync("sh", ["-n", "client.sh"], { cwd: folder }).status).toBe(0);
    const [id] = /predict-[^\s']+/.exec(script)!;
    expect(JSON.parse(await ask(script, id))).toMatchObject({ model: models[2]!.model.name });
  });
});
