import { createFrame, columnOf, type Frame, takeFromColumn } from "../../frame/frame.ts";
import type { Model } from "../../model/model.ts";

/** What requests for the rows at `rows` would have sent: the model's inputs. */
export function inputFrame(model: Model, dataset: Frame, rows: Uint32Array): Frame {
  return createFrame(
    rows.length,
    model.inputs.map((name) => [name, takeFromColumn(columnOf(dataset, name), rows)] as const),
  );
}
