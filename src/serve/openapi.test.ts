import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { churnModel, hostileModel, housesModel } from "../../test/serve/served-models.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { frameFromRows } from "../frame/rows.ts";
import { answersOf, predictRows } from "../model/predict.ts";
import { exampleRow, predictionSchema, rowSchema } from "./contract-schema.ts";
import { defaultLimits } from "./limits.ts";
import { openApiOf } from "./openapi.ts";

interface Validator {
  compile(schema: unknown): (value: unknown) => boolean;
}

// The JSON Schema validator that Fastify brings; what we hand out is read by tools like it.
const require = createRequire(createRequire(import.meta.url).resolve("fastify"));
const { Ajv2020 } = require("ajv/dist/2020.js") as { Ajv2020: new (options: object) => Validator };
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, formats: { "date-time": true } });

const models = [churnModel(), housesModel(1), hostileModel()];
const document = JSON.parse(
  JSON.stringify(openApiOf({ models, version: "1.2.3", limits: defaultLimits })),
) as JsonObject;

function* walk(value: JsonValue): Generator<JsonObject> {
  if (value === null || typeof value !== "object") return;
  if (!Array.isArray(value)) yield value as JsonObject;
  for (const member of Object.values(value)) yield* walk(member);
}

function at(pointer: string): unknown {
  return pointer
    .slice(2)
    .split("/")
    .reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], document);
}

describe("openApiOf", () => {
  it("has what OpenAPI 3.1 requires, and only references that lead somewhere", () => {
    expect(document).toMatchObject({ openapi: "3.1.0", info: { title: "Millrace", version: "1.2.3" } });
    const references = [...walk(document)].flatMap((object) =>
      typeof object["$ref"] === "string" ? [object["$ref"]] : [],
    );
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) expect(at(reference)).toBeTypeOf("object");
    for (const name of Object.keys((document["components"] as JsonObject)["schemas"] as JsonObject))
      expect(name).toMatch(/^[a-zA-Z0-9._-]+$/);
  });

  it("names every operation once, with answers, and declares the parameters of its path", () => {
    const ids: JsonValue[] = [];
    for (const [path, methods] of Object.entries(document["paths"] as JsonObject)) {
      expect(path).toMatch(/^\//);
      for (const operation of Object.values(methods as JsonObject) as JsonObject[]) {
        ids.push(operation["operationId"]!);
        expect(Object.keys(operation["responses"] as JsonObject).length).toBeGreaterThan(0);
        for (const answer of Object.values(operation["responses"] as JsonObject))
          expect(answer).toHaveProperty("description");
        const declared = ((operation["parameters"] ?? []) as JsonObject[]).map(({ name }) => name);
        expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((found) => found[1]));
      }
    }
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("has schemas that a strict JSON Schema validator takes", () => {
    // Not the hostile one: Ajv passes over a property called __proto__.
    for (const { model } of models.slice(0, 2)) {
      expect(ajv.compile(rowSchema(model))(JSON.parse(JSON.stringify(exampleRow(model))))).toBe(true);
      const { predictions } = predictRows(model, [exampleRow(model)]);
      expect(ajv.compile(predictionSchema(model))(answersOf(model, predictions)[0])).toBe(true);
    }
  });

  it.each(["fail", "quarantine", "warn"] as const)("accepts the very rows the contract accepts: %s", (onViolation) => {
    const { model: plain } = churnModel();
    const model = { ...plain, contract: { columns: plain.contract.columns.map((one) => ({ ...one, onViolation })) } };
    const accepts = ajv.compile(rowSchema(model));
    const values: Record<string, readonly JsonValue[]> = {
      customer: ["", "C-1", "x".repeat(13), 5, null],
      calls: [0, 50, 51, -1, 1.5, "3", null],
      monthly_charge: [0, 12.5, -0.5, null, true],
      plan: ["basic", "gold", null, 1],
      region: ["anything", null, 3],
      paperless: [true, "true", null],
      last_complaint: ["", null, 1],
      stranger: [1],
    };
    const cells = fc.constantFrom(
      ...Object.entries(values).flatMap(([name, all]) => all.map((value) => [name, value] as const)),
    );
    const absent = fc.subarray(model.inputs.slice(), { maxLength: 2 });
    fc.assert(
      fc.property(fc.array(cells, { maxLength: 2 }), absent, (changes, left) => {
        const row: Record<string, JsonValue> = { ...model.parity!.rows[0], ...Object.fromEntries(changes) };
        for (const name of left) delete row[name];
        const { nIssues } = frameFromRows([row], model.contract, model.inputs);
        expect([row, accepts(row)]).toEqual([row, nIssues === 0]);
      }),
      { numRuns: 500 },
    );
  });
});
