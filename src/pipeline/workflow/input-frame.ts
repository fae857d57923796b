import { type Frame, takeColumns } from "../../frame/frame.ts";
import { columnsRead } from "../../frame/expression-check.ts";
import type { Model, Predictions } from "../../model/model.ts";
import { designFor, predictionsOf } from "../../model/predict.ts";
import { outputsInThreads } from "../../predict/threads.ts";
import { blocksOf } from "./blocks.ts";

/** What requests for the rows at `rows` would have sent: the model's inputs. */
export function inputFrame(model: Model, dataset: Frame, rows: Uint32Array): Frame {
  return takeColumns(dataset, model.inputs, rows);
}

/** The inputs that make a difference to predictions: the features, and what derived ones are made from. */
export function inputsRead({ inputs, features, expressions }: Model): readonly string[] {
  const read = new Set(features.map(({ feature }) => feature));
  for (const { expression } of expressions) for (const name of columnsRead(expression)) read.add(name);
  return inputs.filter((name) => read.has(name));
}

/**
 * What the model predicts for the rows at `rows`, a block at a time: a row gets the same bits in any batch. While threads
 * score a block, the next is made ready here.
 */
export async function predictionsAt(
  model: Model,
  dataset: Frame,
  rows: Uint32Array,
  threads: number,
): Promise<Predictions> {
  const { predictor } = model;
  const outputs = new Float64Array(rows.length * predictor.outputs);
  let last = Promise.resolve();
  try {
    for (const { from, block } of blocksOf(rows)) {
      const design = designFor(model, inputFrame(model, dataset, block));
      await last;
      last = outputsInThreads(predictor, design, threads).then((part) => outputs.set(part, from * predictor.outputs));
    }
  } finally {
    // Not left to itself where the next block cannot be made ready: its failure would be nobody's, and end the process.
    await last;
  }
  return predictionsOf(model, outputs);
}
