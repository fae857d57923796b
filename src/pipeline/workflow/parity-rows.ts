import type { Rng } from "../../core/rng.ts";
import { createFrame, type Frame, takeColumn } from "../../frame/frame.ts";
import { rowsFromFrame } from "../../frame/rows.ts";
import type { Model } from "../../model/model.ts";
import { parityOf } from "../../model/parity.ts";
import { inputsRead } from "./input-frame.ts";

const nParityRows = 16;

/**
 * Requests whose answers are stored in the model and checked at every load. Each value is drawn from another training row:
 * the columns look like the data, but no row of them is the record of a person, who would travel with every copy of the model.
 * Columns that make no difference, such as the one that says who a person is, are missing.
 */
export function parityRowsOf(model: Model, dataset: Frame, rows: Uint32Array, rng: Rng): Model["parity"] {
  const n = Math.min(nParityRows, rows.length);
  const mixed = createFrame(
    n,
    inputsRead(model).map((name) => {
      const draw = rng.fork(name);
      const drawn = Uint32Array.from({ length: n }, () => rows[draw.integer(rows.length)]!);
      return [name, takeColumn(dataset, name, drawn)] as const;
    }),
  );
  return parityOf(model, rowsFromFrame(mixed));
}
