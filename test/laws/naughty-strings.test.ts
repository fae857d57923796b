import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPredictionFile } from "../../src/app/prediction-writer.ts";
import { systemClock } from "../../src/core/clock.ts";
import { columnNameFault } from "../../src/frame/column-name.ts";
import { predictRows } from "../../src/model/predict.ts";
import { readPredictionLog } from "../../src/monitor/log-reader.ts";
import { openPredictionLogs } from "../../src/monitor/prediction-logs.ts";
import type { PredictionLogs } from "../../src/monitor/prediction-logs.ts";
import { fixedModels } from "../../src/serve/model-source.ts";
import type { ServedModel } from "../../src/serve/model-source.ts";
import { parseCsv } from "../../src/serve/protocols/csv-rows.ts";
import { createServer } from "../../src/serve/server.ts";
import type { Server } from "../../src/serve/server.ts";
import { modelNamedBy } from "../serve/served-models.ts";
import { naughtyStrings } from "../support/naughty-strings.ts";

/*
 * What callers and data say stays text, wherever it goes: through requests of every protocol, into the log, into problem
 * documents and into CSV. Pages in a browser have a test of their own in test/browser.
 */

const folder = await mkdtemp(join(tmpdir(), "millrace-naughty-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Those that may be a name. */
const names = naughtyStrings.filter((text) => columnNameFault(text) === undefined);

const everyWhere = { sinceMs: -Infinity, untilMs: Infinity, limit: 1_000_000 };

/** What no answer may hold: where code lies, a stack, a query. */
const leak = /\/node_modules\/|\.[jt]s:\d+|\n {4}at |select .* from|millrace-naughty-/i;

describe("a naughty string in a request", () => {
  const plain = modelNamedBy("plain");
  let server: Server;
  let log: PredictionLogs;
  let url: string;
  const faults: unknown[] = [];

  beforeAll(async () => {
    log = openPredictionLogs(folder, { clock: systemClock });
    server = await createServer({
      models: fixedModels([plain]),
      clock: systemClock,
      version: "1",
      port: 0,
      log,
      feedback: async (_, items) => items.map(() => "unknown" as const),
      onFault: (error) => faults.push(error),
    });
    ({ url } = await server.listen());
  });
  afterAll(async () => {
    await server.close();
    await log.close();
  });

  /** The status and the body of an answer, which must be JSON that nobody takes for a page, and leak nothing. */
  async function send(target: string, body: string, type = "application/json"): Promise<[number, string]> {
    const answer = await fetch(url + target, { method: "POST", headers: { "content-type": type }, body });
    const text = await answer.text();
    expect(answer.headers.get("content-type")).toMatch(
      /^application\/(problem\+)?json|^application\/x-ndjson|^text\/csv/,
    );
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(text.replaceAll(body, "")).not.toMatch(leak);
    expect(answer.status).toBeLessThan(500);
    return [answer.status, text];
  }
  const row = (more: readonly (readonly [string, unknown])[]): Record<string, unknown> =>
    Object.fromEntries([["plain", 1], ["level plain", "other"], ["note plain", "x"], ...more]);
  const predict = (one: unknown): Promise<[number, string]> =>
    send("/v1/models/plain/predict", JSON.stringify({ rows: [one] }));

  it("comes out of the log as it came in, by every protocol", async () => {
    const fields = (text: string): string => `1,other,"${text.replaceAll('"', '""')}"\n`;
    for (const text of naughtyStrings) {
      const one = row([["note plain", text]]);
      const tensors = [
        { name: "plain", shape: [1], datatype: "FP64", data: [1] },
        { name: "level plain", shape: [1], datatype: "BYTES", data: ["other"] },
        { name: "note plain", shape: [1], datatype: "BYTES", data: [text] },
      ];
      expect((await predict(one))[0]).toBe(200);
      expect((await send("/v2/models/plain/infer", JSON.stringify({ inputs: tensors })))[0]).toBe(200);
      expect((await send("/score", JSON.stringify({ data: [one] })))[0]).toBe(200);
      // An empty field of a CSV is a missing value.
      if (text !== "") expect((await send("/invocations", fields(text), "text/csv"))[0]).toBe(200);
    }
    const lines = naughtyStrings.map((text) => `${JSON.stringify(row([["note plain", text]]))}\n`).join("");
    const [, said] = await send("/v1/models/plain/batch", lines, "application/x-ndjson");
    expect(said).toContain(`"answered":${naughtyStrings.length}`);
    await log.flush();
    const { entries } = await readPredictionLog(folder, "plain", everyWhere);
    const counts = new Map<unknown, number>();
    for (const { inputs } of entries) counts.set(inputs["note plain"], (counts.get(inputs["note plain"]) ?? 0) + 1);
    expect(counts).toEqual(new Map(naughtyStrings.map((text) => [text, text === "" ? 4 : 5])));
  });

  it("is named in the refusal it causes, as a level, a column, a model, a member or an id", async () => {
    for (const text of naughtyStrings) {
      const [status, said] = await predict(row([["level plain", text]]));
      expect([status, JSON.parse(said)]).toMatchObject([
        422,
        { code: "REQUEST_INVALID", issues: [{ column: "level plain" }] },
      ]);
      const column = text.length > 200 ? `${text.slice(0, 200)}...` : text;
      const stranger = await predict(row([[text, text]]));
      expect([stranger[0], JSON.parse(stranger[1])]).toMatchObject([422, { issues: [{ column }] }]);
      expect((await send(`/v1/models/${encodeURIComponent(text)}/predict`, '{"rows":[{}]}'))[0]).toBe(404);
      const member = JSON.stringify(
        Object.fromEntries([
          ["rows", [row([])]],
          [text, 1],
        ]),
      );
      expect((await send("/v1/models/plain/predict", member))[0]).toBe(400);
      const told = { feedback: [{ predictionId: text, actual: text }] };
      expect([400, 422]).toContain((await send("/v1/feedback", JSON.stringify(told)))[0]);
    }
  });

  it("is no body, of whatever type", async () => {
    for (const text of naughtyStrings) {
      expect((await send("/v1/models/plain/predict", text))[0], text).toBe(400);
      expect([400, 422]).toContain((await send("/invocations", text, "text/csv"))[0]);
      for (const type of ["application/x-ndjson", "text/csv"]) {
        const [status, said] = await send("/v1/models/plain/batch", text, type);
        expect(status).toBe(200);
        expect(said).not.toContain('"prediction"');
      }
    }
  });

  it("is no fault of the server, and changes no prototype", async () => {
    const before = Reflect.ownKeys(Object.prototype);
    for (const text of naughtyStrings) await predict(row([[text, { [text]: text }]]));
    expect(Reflect.ownKeys(Object.prototype)).toEqual(before);
    expect(faults).toEqual([]);
  });
});

describe("a naughty string in an export to CSV", () => {
  const formula = /^[=+\-@\t\r]/;

  /** A cell is the text, or the text after an apostrophe where a spreadsheet would run it. */
  function expectCell(cell: string | undefined, text: string): void {
    expect([text, `'${text}`]).toContain(cell);
    if (formula.test(cell!)) expect(Number(cell), text).not.toBeNaN();
  }

  it("stays one cell, and is no formula, as a label and as a feature", async () => {
    for (const text of names) {
      const { model } = modelNamedBy(text);
      const { predictions } = predictRows(model, model.parity!.rows);
      const path = join(folder, "out.csv");
      const file = await openPredictionFile(path, model, false);
      await file.add({ predictions, explained: null, firstRow: 0 });
      await file.finish();
      const [head, cells] = parseCsv(await readFile(path, "utf8"));
      expect(head).toEqual(["label", "probability no", `probability ${text}`]);
      expectCell(cells![0], text);
      expect(cells!.slice(1).map(Number)).toEqual([...predictions.values]);
    }
  });

  it("stays one cell, and is no formula, in a batch over HTTP", async () => {
    const models: ServedModel[] = names.map((text, i) => {
      const served = modelNamedBy(text);
      return { ...served, model: { ...served.model, name: `m${i}` } };
    });
    const server = await createServer({ models: fixedModels(models), clock: systemClock, version: "1", port: 0 });
    const { url } = await server.listen();
    for (const [i, text] of names.entries()) {
      const rows = models[i]!.model.parity!.rows.map((row) => JSON.stringify(row));
      const answer = await fetch(`${url}/v1/models/m${i}/batch`, {
        method: "POST",
        headers: { "content-type": "application/x-ndjson", accept: "text/csv" },
        body: [...rows, JSON.stringify(Object.fromEntries([[text, text]]))].join("\n"),
      });
      const [head, cells, refused] = parseCsv(await answer.text());
      expect(head).toEqual(["row", "label", "probability no", `probability ${text}`, "predictionId", "error"]);
      expectCell(cells![1], text);
      expect([cells!.length, refused!.length]).toEqual([6, 6]);
      expect(formula.test(refused![5]!)).toBe(false);
    }
    await server.close();
  });
});
