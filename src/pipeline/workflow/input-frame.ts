import { createFrame, columnOf, type Frame, takeFromColumn } from "../../frame/frame.ts";
import type { Model, Predictions } from "../../model/model.ts";
import { predict } from "../../model/predict.ts";
import { blockRows, blocksOf } from "./blocks.ts";

/** What requests for the rows at `rows` would have sent: the model's inputs. */
export function inputFrame(model: Model, dataset: Frame, rows: Uint32Array): Frame {
  return createFrame(
    rows.length,
    model.inputs.map((name) => [name, takeFromColumn(columnOf(dataset, name), rows)] as const),
  );
}

/** What the model predicts for the rows at `rows`, a block at a time: a row gets the same bits in any batch. */
export function predictionsAt(model: Model, dataset: Frame, rows: Uint32Array): Predictions {
  if (rows.length <= blockRows) return predict(model, inputFrame(model, dataset, rows));
  let whole: Predictions | undefined;
  for (const { from, block } of blocksOf(rows)) {
    const part = predict(model, inputFrame(model, dataset, block));
    whole ??= {
      nRows: rows.length,
      width: part.width,
      values: new Float64Array(rows.length * part.width),
      labelIndex: part.labelIndex && new Int32Array(rows.length),
    };
    whole.values.set(part.values, from * part.width);
    if (part.labelIndex) whole.labelIndex?.set(part.labelIndex, from);
  }
  return whole!;
}
