// Small models as plain data: enough of a contract to show every kind of field, and answers that can be computed by hand.
import { sha256 } from "../../src/core/digest.ts";
import type { Contract, ContractColumn } from "../../src/frame/contract.ts";
import type { Model } from "../../src/model/model.ts";
import type { LinearPredictor } from "../../src/model/predictor.ts";
import type { ServedModel } from "../../src/serve/model-source.ts";

function linear(coefficients: number[], intercept: number, link: LinearPredictor["link"]): LinearPredictor {
  return {
    kind: "linear",
    link,
    outputs: 1,
    nDense: coefficients.length,
    nSparse: 0,
    coefficients: Float64Array.from(coefficients),
    intercept: Float64Array.of(intercept),
  };
}

function column(name: string, kind: ContractColumn["kind"], more: Partial<ContractColumn> = {}): ContractColumn {
  return { name, kind, missing: 0, onViolation: "fail", ...more };
}

const noRoles = { target: null, id: null, time: null, group: null, weight: null, sensitive: [] };

/** price = 1000 * version + rooms; the version can be told from any answer. */
export function housesModel(version: number): ServedModel {
  const contract: Contract = {
    columns: [column("rooms", "number", { min: 0, max: 100 }), column("price", "number", { min: 0 })],
  };
  const model: Model = {
    name: "houses",
    task: "regression",
    contract,
    roles: { ...noRoles, target: "price" },
    inputs: ["rooms"],
    expressions: [],
    features: [{ feature: "rooms", steps: [{ kind: "keep" }] }],
    predictor: linear([1], 1000 * version, "identity"),
    labels: [],
    threshold: null,
    reference: null,
    parity: { rows: [{ rooms: 4 }], outputs: Float64Array.of(1000 * version + 4) },
    provenance: { seed: version },
  };
  return { model, version, digest: sha256(`houses ${version}`), metrics: { r2: 0.83, rmse: 47_310.2 } };
}

/** Whether a customer leaves; reads the number of calls, all other columns are there to be shown. */
export function churnModel(): ServedModel {
  const contract: Contract = {
    columns: [
      column("customer", "text", { maxLength: 12 }),
      column("calls", "number", { min: 0, max: 50, integer: true }),
      column("monthly_charge", "number", { missing: 0.1, min: 0 }),
      column("plan", "category", { levels: ["basic", "plus", "business"] }),
      column("region", "category", { missing: 0.2 }),
      column("paperless", "boolean"),
      column("since", "timestamp", { after: Date.UTC(2000, 0, 1) }),
      column("last_complaint", "text", { missing: 0.5 }),
      column("leaves", "category"),
    ],
  };
  const row = {
    customer: "C-1042",
    calls: 7,
    monthly_charge: 74.5,
    plan: "plus",
    region: "north",
    paperless: true,
    since: "2021-03-14T09:26:53.000Z",
    last_complaint: "The line drops every evening.",
  };
  const model: Model = {
    name: "customer-churn",
    task: "binary",
    contract,
    roles: { ...noRoles, target: "leaves", id: "customer" },
    inputs: contract.columns.slice(0, -1).map(({ name }) => name),
    expressions: [],
    features: [{ feature: "calls", steps: [{ kind: "keep" }] }],
    predictor: linear([0.35], -1.9, "sigmoid"),
    labels: ["stays", "leaves"],
    threshold: 0.4,
    reference: {
      nRows: 1000,
      columns: [
        {
          form: "levels",
          column: "region",
          missing: 0.1,
          levels: ["north", "south"],
          shares: [0.5, 0.3],
          other: 0.1,
          known: ["east", "north", "south", "west"],
        },
      ],
      prediction: { form: "bins", column: "prediction", missing: 0, edges: [0.5], shares: [0.6, 0.4] },
    },
    parity: { rows: [row], outputs: Float64Array.of(0.36586440898919936, 0.6341355910108007) },
    provenance: { source: "/home/somebody/data/secret.csv" },
  };
  return { model, version: 3, digest: sha256("churn 3"), metrics: { auc: 0.8412, logLoss: 0.4127, accuracy: 0.802 } };
}

/** A model whose names are what an attacker would choose. */
export function hostileModel(): ServedModel {
  const markup = `"><img src=x onerror=alert(1)><script>alert(2)</script>'`;
  const contract: Contract = {
    columns: [
      column(markup, "category", { levels: [markup, "</option></select><svg onload=alert(3)>"] }),
      column("__proto__", "number", { missing: 1 }),
      column("constructor", "text", { missing: 1 }),
    ],
  };
  const model: Model = {
    ...housesModel(1).model,
    name: `x ${markup}`,
    contract,
    roles: noRoles,
    inputs: contract.columns.map(({ name }) => name),
    features: [{ feature: "__proto__", steps: [{ kind: "impute", value: 7, indicator: false }] }],
    predictor: linear([1], 0, "identity"),
    parity: null,
  };
  return { model, version: 1, digest: sha256("hostile"), metrics: { [markup]: 1 } };
}

/** A model that bears `text` in every place that holds a name or a value of somebody's choice: it answers `text` from a 0 on. */
export function modelNamedBy(text: string): ServedModel {
  const level = `level ${text}`;
  const note = `note ${text}`;
  const contract: Contract = {
    columns: [
      column(text, "number", { missing: 1, max: 50 }),
      column(level, "category", { levels: [text, "other"] }),
      column(note, "text", { maxLength: 2000 }),
      column(`target ${text}`, "category"),
    ],
  };
  const model: Model = {
    ...housesModel(1).model,
    name: text,
    task: "binary",
    contract,
    roles: { ...noRoles, target: `target ${text}` },
    inputs: [text, level, note],
    features: [{ feature: text, steps: [{ kind: "impute", value: 7, indicator: false }] }],
    predictor: linear([1], 0, "sigmoid"),
    labels: ["no", text],
    threshold: 0.5,
    parity: {
      rows: [
        Object.fromEntries([
          [text, 5],
          [level, text],
          [note, text],
        ]),
      ],
      outputs: Float64Array.of(0, 1),
    },
  };
  return { model, version: 1, digest: sha256(text), metrics: Object.fromEntries([[text, 0.5]]) };
}
