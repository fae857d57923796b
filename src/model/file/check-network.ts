import type { NetworkPredictor } from "../predictor.ts";
import { checkFinite, wrong } from "./checks.ts";

/** Checks that layers and tables fit each other, the design and their arrays; widths are bounded, so sums stay exact. */
export function checkNetwork(network: NetworkPredictor): void {
  const { link, outputs, nDense, nSparse, units, tableColumns, tableWidths, activation } = network;
  if (link !== "identity" && link !== "sigmoid" && link !== "softmax")
    wrong("predictor.link", "does not suit a network");
  if (activation !== "relu" && activation !== "tanh") wrong("predictor.activation", "is unknown");
  if (units.length === 0 || units.at(-1) !== outputs) wrong("predictor.units", "do not end with the outputs");
  if (units.some((width) => width === 0 || width > mostUnits)) wrong("predictor.units", "are of no width there can be");
  if (tableWidths.length !== tableColumns.length) wrong("predictor.tableWidths", "are not one a table");
  if (tableWidths.some((width) => width > mostUnits)) wrong("predictor.tableWidths", "are of no width there can be");
  if (sum(tableColumns) !== nSparse) wrong("predictor.tableColumns", "are not the sparse columns");
  let nEmbeddings = 0;
  for (let t = 0; t < tableColumns.length; ++t) nEmbeddings += tableColumns[t]! * tableWidths[t]!;
  checkFinite(network.embeddings, "predictor.embeddings", nEmbeddings);
  let nWeights = 0;
  let width = nDense + sum(tableWidths);
  for (const next of units) {
    nWeights += width * next;
    width = next;
  }
  checkFinite(network.weights, "predictor.weights", nWeights);
  checkFinite(network.biases, "predictor.biases", sum(units));
}

const mostUnits = 65_536;

function sum(counts: Uint32Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
