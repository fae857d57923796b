import { describe, expect, it } from "vitest";
import { hostileModel, housesModel } from "../../test/serve/served-models.ts";
import type { ServedModel } from "./model-source.ts";
import { houses, problemIn, startServer } from "../../test/serve/listening-server.ts";

describe("the state of the server", () => {
  it("lists and describes models, without what only the owner should know", async () => {
    const { url } = await startServer();
    const list = (await (await fetch(`${url}/v1/models`)).json()) as { models: { name: string }[] };
    expect(list.models.map(({ name }) => name)).toEqual(["customer-churn", "houses", hostileModel().model.name]);
    const text = await (await fetch(`${url}/v1/models/customer-churn`)).text();
    expect(JSON.parse(text)).toMatchObject({
      version: 3,
      threshold: 0.4,
      labels: ["stays", "leaves"],
      metrics: { auc: 0.8412 },
    });
    expect((JSON.parse(text) as { contract: { columns: unknown[] } }).contract.columns).toHaveLength(8);
    expect(text).not.toContain("secret");
  });

  it("is ready only with a model", async () => {
    let models: readonly ServedModel[] = [];
    const { url } = await startServer({ models: { list: () => models, get: () => undefined } });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await problemIn(await fetch(`${url}/readyz`))).code).toBe("NOT_READY");
    models = [housesModel(1)];
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it("counts what happens", async () => {
    const { url, post } = await startServer();
    await post(houses, { rows: [{ rooms: 2 }, { rooms: 3 }] });
    await post(houses, { rows: [{ rooms: -2 }] });
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('millrace_predictions_total{model="houses",version="1"} 2');
    expect(text).toContain('millrace_rejected_rows_total{model="houses",version="1"} 1');
    expect(text).toContain('millrace_requests_total{route="/v1/models/:name/predict",method="POST",status="422"} 1');
    expect(text).toContain('millrace_model_version{model="houses"} 1');
    expect(text).toContain("millrace_prediction_log_dropped 0");
  });
});
