import { MillraceError } from "../core/errors/error.ts";
import type { JsonObject } from "../core/json.ts";
import type { Model, ParityRows } from "./model.ts";
import { predictRows } from "./predict.ts";

/** The parity rows of a model: request rows with what it predicts for them now (`Predictions.values`, row-major). */
export function parityOf(model: Model, rows: readonly JsonObject[]): ParityRows {
  return Object.freeze({ rows: Object.freeze([...rows]), outputs: predictRows(model, rows).predictions.values });
}

/** Throws MODEL_PARITY_BROKEN where the model does not predict its parity rows bit for bit. */
export function checkParity(model: Model): void {
  if (model.parity === null) return;
  const { rows, outputs } = model.parity;
  const { values, width } = predictRows(model, rows).predictions;
  for (let i = 0; i < Math.max(values.length, outputs.length); ++i)
    if (!Object.is(values[i], outputs[i]))
      throw new MillraceError("MODEL_PARITY_BROKEN", {
        row: Math.floor(i / width),
        expected: String(outputs[i]),
        actual: String(values[i]),
      });
}
