import { afterAll, describe, expect, it } from "vitest";
import { sharedDesign } from "../../test/support/shared-design.ts";
import { randomDesign, randomTrees } from "../../test/models/random-predictors.ts";
import { createRng } from "../core/rng.ts";
import type { Design } from "../model/design.ts";
import type { EnsemblePredictor, Predictor, TreesPredictor } from "../model/predictor.ts";
import { outputsOf } from "../model/score.ts";
import { dismissIdleWorkers } from "../threads/crew.ts";
import { workerModule } from "../threads/location.ts";
import { rowsAtOnce } from "./member.ts";
import { outputsInThreads } from "./threads.ts";

/** Some whole turns and a short one, too short for QuickScorer. */
const nRows = 3 * rowsAtOnce + 17;

/** Whether this thread did all the work: nothing else had its turn meanwhile. */
async function isAloneDuring(work: () => Promise<unknown>): Promise<boolean> {
  let hadTurn = false;
  setImmediate(() => {
    hadTurn = true;
  });
  await work();
  return !hadTurn;
}

const treesOf = (design: Design, options: { outputs: number; trees: number; leaves?: number }): TreesPredictor =>
  randomTrees(createRng(5), design, options);

describe.skipIf(workerModule("member", import.meta.url) === null)(
  "outputs by several threads (skipped without dist/)",
  () => {
    afterAll(dismissIdleWorkers);
    const design = randomDesign(createRng(4), nRows, { sparse: 5 });

    const stack = (members: readonly TreesPredictor[]): EnsemblePredictor => ({
      kind: "ensemble",
      link: "softmax",
      outputs: 3,
      method: "stack",
      members,
      spans: Uint32Array.of(0, 3, 0, 5, 0, 3, 1, 4),
      weights: Float64Array.from({ length: 18 }, (_, i) => (i - 7) / 10),
      intercept: Float64Array.of(0.1, 0, -0.1),
      knotOffsets: new Uint32Array(0),
      knots: new Float64Array(0),
    });
    const narrow: Design = { ...design, sparse: { ...design.sparse, names: design.sparse.names.slice(1, 4) } };

    it.each<[string, Predictor]>([
      ["trees that QuickScorer takes", treesOf(design, { outputs: 1, trees: 210 })],
      [
        "trees of 40 leaves, added in float32",
        { ...treesOf(design, { outputs: 3, trees: 210, leaves: 40 }), sums: "float32" },
      ],
      [
        "members that read some of the sparse columns",
        stack([treesOf(design, { outputs: 3, trees: 120 }), treesOf(narrow, { outputs: 3, trees: 120 })]),
      ],
    ])("are the bits of one thread: %s", async (_, predictor) => {
      const alone = outputsOf(predictor, design);
      for (const threads of [2, 3]) expect(await outputsInThreads(predictor, design, threads)).toEqual(alone);
    });

    it("are the same for another predictor after the first, and for the first again", async () => {
      const predictors = [0.5, 2].map((base) => ({
        ...treesOf(design, { outputs: 1, trees: 210 }),
        base: Float64Array.of(base),
      }));
      for (const predictor of [...predictors, ...predictors])
        expect(await outputsInThreads(predictor, design, 2)).toEqual(outputsOf(predictor, design));
    });

    it("are the same for calls at once, of other sizes, and for those after them", async () => {
      const predictor = treesOf(design, { outputs: 1, trees: 210 });
      const designs = [design, ...[2 * nRows, nRows].map((n) => randomDesign(createRng(6), n, { sparse: 5 }))];
      const alone = designs.map((one) => outputsOf(predictor, one));
      for (let turn = 0; turn < 2; ++turn)
        expect(await Promise.all(designs.map((one) => outputsInThreads(predictor, one, 2)))).toEqual(alone);
    });

    it("are of ordinary memory, and leave the design as it was", async () => {
      const shared = sharedDesign(nRows, 3);
      const before = shared.dense.map(({ values }) => values.slice());
      const outputs = await outputsInThreads(treesOf(shared, { outputs: 1, trees: 210 }), shared, 2);
      expect(outputs.buffer).toBeInstanceOf(ArrayBuffer);
      expect(shared.dense.map(({ values }) => values.slice())).toEqual(before);
    });

    it("come from other threads only where there is work enough", async () => {
      const predictor = treesOf(design, { outputs: 1, trees: 210 });
      const few = randomDesign(createRng(4), rowsAtOnce, { sparse: 5 });
      expect(await isAloneDuring(() => outputsInThreads(predictor, design, 2))).toBe(false);
      expect(await isAloneDuring(() => outputsInThreads(predictor, design, 1))).toBe(true);
      expect(await isAloneDuring(() => outputsInThreads(predictor, few, 2))).toBe(true);
    });
  },
);
