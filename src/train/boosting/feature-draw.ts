import { createRng, shuffle } from "../../core/rng.ts";
import type { TrainingPlan } from "./plan.ts";

/** The features a tree may split on: all of them, or a share drawn without replacement. */
export class FeatureDraw {
  readonly #plan: TrainingPlan;
  readonly #all: Uint8Array;

  constructor(plan: TrainingPlan) {
    this.#plan = plan;
    this.#all = new Uint8Array(plan.features.nValues.length).fill(1);
  }

  /** A byte a feature: 1 where the tree of a round and an output may split on it. The same array wherever that is all of them. */
  of(round: number, output: number): Uint8Array {
    const { seed, settings } = this.#plan;
    const nFeatures = this.#all.length;
    if (settings.columnShare === 1) return this.#all;
    const used = new Uint8Array(nFeatures);
    const order = Uint32Array.from({ length: nFeatures }, (_, f) => f);
    shuffle(order, createRng(seed).fork(`columns of tree ${round}.${output}`));
    for (const f of order.subarray(0, Math.ceil(settings.columnShare * nFeatures))) used[f] = 1;
    return used;
  }
}
