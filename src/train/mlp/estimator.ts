import { MillraceError } from "../../core/errors/error.ts";
import { type Rng, shuffle } from "../../core/rng.ts";
import type { Design, StreamedDesign } from "../../model/design.ts";
import type {
  EstimatorImplementation,
  FitContext,
  FitResult,
  HyperparameterValues,
  StreamedFitContext,
  Target,
} from "../../model/estimator.ts";
import { classFactors, refuseClassWeights, withFactors } from "../class-weights.ts";
import { requireTarget } from "../completeness.ts";
import { createPause } from "../pause.ts";
import { heldBlocks, type RowBlocks } from "../row-blocks.ts";
import { type AdamState, createAdam, stepAdam } from "./adam.ts";
import { mlpHyperparameters } from "./hyperparameters.ts";
import { type NetworkShape, tablesOf } from "./layout.ts";
import { type NetworkTarget, addLoss } from "./loss.ts";
import { type Network, backward, createNetwork, drawWeights, forward } from "./network.ts";
import { predictorOf } from "./predictor.ts";
import { type PackedRows, addEmbeddingGradients, fillBatch, packRows } from "./rows.ts";
import { type TargetScale, scaleOf, scaled } from "./scale.ts";

/**
 * A network of dense layers, learned by Adam from mini-batches in float32; targets of numbers are scaled first. One thread,
 * and every sum in a fixed order, so the model is the same bits everywhere. Notes: `epochs` (of the weights kept),
 * `trainLoss` (mean over the last epoch run), `validationLoss` (of the epoch kept): half the squared residual of the
 * scaled target, or log loss.
 */
export const mlpEstimator: EstimatorImplementation = Object.freeze({
  name: "mlp",
  tasks: Object.freeze(["regression", "binary", "multiclass"] as const),
  style: "dense",
  hyperparameters: mlpHyperparameters,
  fit: (design: Design, target: Target, hyperparameters: HyperparameterValues, context: FitContext) => {
    const { validation, ...tools } = context;
    const watched = validation && { rows: heldBlocks(validation.design), target: validation.target };
    return fitRows({ rows: heldBlocks(design), target }, watched, hyperparameters, tools);
  },
  // What is held of the rows are the numbers that batches read: four bytes a cell.
  fitStreamed: (
    design: StreamedDesign,
    target: Target,
    hyperparameters: HyperparameterValues,
    context: StreamedFitContext,
  ) => {
    const { validation, ...tools } = context;
    const watched = validation && { rows: validation.design, target: validation.target };
    return fitRows({ rows: design, target }, watched, hyperparameters, tools);
  },
});

interface GivenRows {
  readonly rows: RowBlocks;
  readonly target: Target;
}

type Tools = Omit<FitContext, "validation">;

/** Rows with what they are to give. */
interface Examples {
  readonly rows: PackedRows;
  readonly target: NetworkTarget;
  readonly order: Uint32Array;
}

interface Training {
  readonly network: Network;
  readonly adam: AdamState;
  readonly train: Examples;
  readonly watched: Examples | null;
  readonly settings: Settings;
}

interface Settings {
  readonly epochs: number;
  readonly learningRate: number;
  readonly l2: number;
  readonly dropout: number;
  readonly earlyStopping: number;
}

async function fitRows(
  given: GivenRows,
  validation: GivenRows | null,
  hyperparameters: HyperparameterValues,
  context: Tools,
): Promise<FitResult> {
  const { classWeights } = hyperparameters;
  refuseClassWeights("mlp", given.target, classWeights);
  const factors = classFactors(given.target, classWeights);
  const target = withFactors(given.target, factors);
  const pause = createPause(context, "fitting mlp()");
  requireTarget(target);
  const rows = await packRows(given.rows, pause);
  const settings = settingsOf(hyperparameters);
  const shape = shapeOf(rows, target, hyperparameters);
  const scale = scaleOf(target);
  const network = createNetwork(shape, settings.dropout > 0);
  drawWeights(network, context.rng.fork("weights"));
  const watches = settings.earlyStopping > 0 && validation !== null && validation.target.values.length > 0;
  if (watches) requireTarget(validation.target);
  const watched = watches
    ? examplesOf(await packRows(validation.rows, pause), withFactors(validation.target, factors), scale)
    : null;
  const train = examplesOf(rows, target, scale);
  const training = { network, adam: createAdam(network.parameters.length), train, watched, settings };
  const notes = await learn(training, context, pause);
  return { predictor: predictorOf(network, target, scale), notes };
}

async function learn(training: Training, context: Tools, pause: () => Promise<void>): Promise<Record<string, number>> {
  const { network, watched, settings } = training;
  const { epochs, earlyStopping } = settings;
  let best = { epoch: epochs, loss: Infinity, parameters: null as Float32Array | null };
  let trainLoss = 0;
  for (let epoch = 1; epoch <= epochs; ++epoch) {
    trainLoss = await runEpoch(training, context.rng.fork(`epoch ${epoch}`), pause);
    if (!network.parameters.every(Number.isFinite)) {
      if (best.parameters !== null) break;
      throw new MillraceError("TRAINING_DIVERGED", { estimator: "mlp", epoch, learningRate: settings.learningRate });
    }
    context.progress.report(epoch, epochs, "epochs");
    if (watched === null) continue;
    const loss = meanLoss(network, watched);
    if (loss < best.loss) best = { epoch, loss, parameters: network.parameters.slice() };
    else if (epoch - best.epoch >= earlyStopping && best.parameters !== null) break;
  }
  if (best.parameters === null) return { epochs, trainLoss };
  network.parameters.set(best.parameters);
  return { epochs: best.epoch, trainLoss, validationLoss: best.loss };
}

/** One pass over the training rows in a new order; returns their mean loss, each as it was before its step. */
async function runEpoch(
  { network, adam, train, settings }: Training,
  rng: Rng,
  pause: () => Promise<void>,
): Promise<number> {
  const { rows, target, order } = train;
  const { learningRate, l2, dropout } = settings;
  const { batchRows } = network.shape;
  shuffle(order, rng.fork("order"));
  const silencing = dropout > 0 ? { share: dropout, rng: rng.fork("dropout") } : null;
  let total = 0;
  for (let start = 0; start < order.length; start += batchRows) {
    const end = Math.min(order.length, start + batchRows);
    fillBatch(network, rows, order, start, end);
    forward(network, end - start, silencing);
    total += addLoss(network, target, order, { start, end, divisor: end - start });
    backward(network, end - start, dropout);
    addEmbeddingGradients(network, rows, order, start, end);
    addPenalty(network, l2);
    stepAdam(adam, network.parameters, network.gradients, learningRate);
    await pause();
  }
  return total / order.length;
}

/** Mean loss of rows that are not learned from. */
function meanLoss(network: Network, { rows, target, order }: Examples): number {
  const { batchRows } = network.shape;
  let total = 0;
  for (let start = 0; start < order.length; start += batchRows) {
    const end = Math.min(order.length, start + batchRows);
    fillBatch(network, rows, order, start, end);
    forward(network, end - start, null);
    total += addLoss(network, target, order, { start, end, divisor: 1 });
  }
  return total / order.length;
}

/** Adds the gradient of l2 / 2 times the squared weights. */
function addPenalty({ layout, parameters, gradients }: Network, l2: number): void {
  if (l2 === 0) return;
  for (const { weights, biases } of layout.layers)
    for (let i = weights; i < biases; ++i) gradients[i]! += l2 * parameters[i]!;
}

function examplesOf(rows: PackedRows, target: Target, scale: TargetScale): Examples {
  const order = Uint32Array.from({ length: rows.nRows }, (_, row) => row);
  return { rows, target: scaled(target, scale), order };
}

function shapeOf(rows: PackedRows, target: Target, given: HyperparameterValues): NetworkShape {
  const layers = given["layers"] as readonly number[];
  return {
    nDense: rows.nDense,
    ...tablesOf(rows, Number(given["embedding"])),
    units: [...layers, target.task === "multiclass" ? target.nLabels : 1],
    activation: given["activation"] === "tanh" ? "tanh" : "relu",
    batchRows: Math.max(1, Math.min(Number(given["batchRows"]), rows.nRows)),
  };
}

function settingsOf(given: HyperparameterValues): Settings {
  return {
    epochs: Number(given["epochs"]),
    learningRate: Number(given["learningRate"]),
    l2: Number(given["l2"]),
    dropout: Number(given["dropout"]),
    earlyStopping: Number(given["earlyStopping"]),
  };
}
