import type { Frame } from "../frame/frame.ts";
import type { Design } from "../model/design.ts";
import type { Model, Predictions } from "../model/model.ts";
import { designFor, predictionsOf } from "../model/predict.ts";
import type { Predictor } from "../model/predictor.ts";
import { outputsOf } from "../model/score.ts";
import { canUseWorkers, runCrew } from "../threads/crew.ts";
import { workerModule } from "../threads/location.ts";
import { rowsAtOnce, type Scoring } from "./member.ts";
import { copied, roomFor, sharedCopy, takeRoom } from "./shared-room.ts";

/** Steps of some 3 ns each from which on handing rows to threads takes less than it saves. */
const worthThreads = 5_000_000;

/** What `predict` gives, bit for bit, by up to `threads` worker threads where there are rows enough. */
export async function predictInThreads(model: Model, frame: Frame, threads: number): Promise<Predictions> {
  return predictionsOf(model, await outputsInThreads(model.predictor, designFor(model, frame), threads));
}

/** What `outputsOf` gives, bit for bit. Columns in shared memory are read where they stand, others are copied. */
export async function outputsInThreads(predictor: Predictor, design: Design, threads: number): Promise<Float64Array> {
  const { nRows } = design;
  const module = workerModule("member", import.meta.url);
  const most = Math.min(threads, Math.ceil(nRows / rowsAtOnce));
  if (most < 2 || module === null || !canUseWorkers() || nRows * stepsOf(predictor) < worthThreads)
    return outputsOf(predictor, design);
  const outputs = new Float64Array(nRows * predictor.outputs);
  const room = takeRoom(roomFor([design, outputs, taken]));
  const scoring: Scoring = {
    ...knownPredictor(predictor),
    design: copied(design, room.copy),
    outputs: room.copy(outputs),
    next: room.copy(taken),
  };
  try {
    await runCrew({ module, payload: scoring, threads: most, watch: () => {}, watchMs: 1000 });
    outputs.set(scoring.outputs);
    return outputs;
  } finally {
    room.giveBack();
  }
}

/** No row is taken. */
const taken = Int32Array.of(0);

/** About how many steps of 3 ns a row takes; 0 where reading the row is all there is to it. */
function stepsOf(predictor: Predictor): number {
  switch (predictor.kind) {
    case "trees":
      return predictor.treeOffsets.length;
    case "clusters":
      return predictor.centres.length / 4;
    case "network":
      return predictor.weights.length / 4;
    case "neighbors":
      return predictor.values.length;
    case "ensemble":
      return predictor.members.reduce((sum, member) => sum + stepsOf(member), 0);
    case "linear":
    case "bayes":
      return 0;
  }
}

const known = new WeakMap<Predictor, Pick<Scoring, "predictor" | "key">>();
let nKnown = 0;

function knownPredictor(predictor: Predictor): Pick<Scoring, "predictor" | "key"> {
  const own = known.get(predictor) ?? { predictor: copied(predictor, sharedCopy), key: ++nKnown };
  known.set(predictor, own);
  return own;
}
