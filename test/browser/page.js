// The page under test: a module script that imports the built runtime by URL, with no bundler between.
import { answersOf, decodeModel, predictRows } from "./dist/runtime.js";

/** Predicts rows (JSON text) with the model at `address`: hex of the Float64 bytes and the first answer, or the error's code. */
globalThis.predictWith = async (address, rows) => {
  try {
    const model = decodeModel(new Uint8Array(await (await fetch(address)).arrayBuffer()));
    const { predictions } = predictRows(model, JSON.parse(rows));
    const bytes = new Uint8Array(predictions.values.buffer);
    const values = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return { values, first: JSON.stringify(answersOf(model, predictions)[0]) };
  } catch (error) {
    return { code: error.code ?? String(error) };
  }
};

/** Answers rows (JSON text) with the exported module at `address`, as JSON text. */
globalThis.answerFrom = async (address, rows) => {
  const { predictMany } = await import(address);
  return JSON.stringify(predictMany(JSON.parse(rows)));
};
