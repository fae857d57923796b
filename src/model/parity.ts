import { MillraceError } from "../core/errors/error.ts";
import type { JsonObject } from "../core/json.ts";
import type { Model, ParityRows } from "./model.ts";
import { predictRows } from "./predict.ts";

/** The parity rows of a model: request rows with what it predicts for them now (`Predictions.values`, row-major). */
export function parityOf(model: Model, rows: readonly JsonObject[]): ParityRows {
  return Object.freeze({ rows: Object.freeze([...rows]), outputs: predictRows(model, rows).predictions.values });
}

/** Throws MODEL_PARITY_BROKEN where the model does not predict its parity rows bit for bit; one row is a piece. */
export function* parityPieces(model: Model): Generator<undefined> {
  if (model.parity === null) return;
  const { rows, outputs } = model.parity;
  let at = 0;
  for (const [row, inputs] of rows.entries()) {
    for (const value of predictRows(model, [inputs]).predictions.values) requireEqual(row, outputs[at++], value);
    yield;
  }
  if (at < outputs.length) requireEqual(rows.length, outputs[at], undefined);
}

function requireEqual(row: number, expected: number | undefined, actual: number | undefined): void {
  if (!Object.is(expected, actual))
    throw new MillraceError("MODEL_PARITY_BROKEN", { row, expected: String(expected), actual: String(actual) });
}
