import type { Design, StreamedDesign } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import { controlWords, joinTeam } from "../../threads/team.ts";
import { countMissing, requireNone } from "../completeness.ts";
import { type Moments, momentsOfBlocks } from "../moments.ts";
import { alignedBlocks, type RowBlocks } from "../row-blocks.ts";
import { minimise, type Minimum } from "./lbfgs.ts";
import { solveNormalEquations, suitsNormalEquations } from "./normal-equations.ts";
import { createStreamedObjective } from "./objective.ts";
import type { LinearSolution } from "./predictor.ts";
import type { LinearLoss } from "./regression-loss.ts";
import { leadOfSample, sampleMemory, sampleSize, takeStreamedSample } from "./sample.ts";

/** What a fit is to minimise, and where it stops. */
export interface WantedFit {
  readonly target: Target;
  readonly loss: LinearLoss;
  readonly settings: {
    readonly l1: number;
    readonly l2: number;
    readonly maxIterations: number;
    readonly tolerance: number;
  };
}

interface StreamedFit {
  /** The columns of all rows. */
  readonly layout: Pick<Design, "dense" | "sparse">;
  readonly solution: LinearSolution;
  /** Null where it was solved at once. */
  readonly minimum: Omit<Minimum, "parameters"> | null;
}

interface StreamedTools {
  report(done: number): void;
  pause(): Promise<void>;
}

/**
 * The same bits as from memory, of rows of which a block is there at a time, where few passes over them are enough: the normal
 * equations, or logistic regression led by a sample. Null for all else, and where columns are sparse.
 */
export async function fitBlocks(
  design: StreamedDesign,
  wanted: WantedFit,
  tools: StreamedTools,
): Promise<StreamedFit | null> {
  const { target, loss, settings } = wanted;
  const layout = layoutOf(design);
  if (layout === null || layout.sparse.names.length > 0) return null;
  const isSolved = loss.name === "squared" && suitsNormalEquations(design.nRows, layout);
  const size = settings.l1 > 0 ? 0 : sampleSize(layout, target);
  if (!isSolved && size === 0) return null;
  const rows = alignedBlocks(design);
  const moments = await momentsOfBlocks(rows, layout.dense.length, target.weights, tools.pause);
  // A missing value is in every sum it is a part of.
  if (!moments.means.every(Number.isFinite)) await refuseMissingOf(rows, layout, tools.pause);
  if (!isSolved) return descend(rows, layout, wanted, moments, size, tools);
  const solution = await solveNormalEquations(rows, target, settings, moments, tools.pause);
  return solution ? { layout, solution, minimum: null } : null;
}

/** The columns of a design, without values. */
function layoutOf({ blocks }: StreamedDesign): StreamedFit["layout"] | null {
  for (const { design } of blocks()) {
    const dense = design.dense.map((column) => ({ ...column, values: new Float64Array(0) }));
    return { dense, sparse: design.sparse };
  }
  return null;
}

async function refuseMissingOf(
  { nRows, blocks }: RowBlocks,
  { dense }: Pick<Design, "dense">,
  pause: () => Promise<void>,
): Promise<void> {
  const counts = dense.map(() => 0);
  for (const { design } of blocks()) {
    design.dense.forEach(({ values }, j) => (counts[j]! += countMissing(values)));
    await pause();
  }
  dense.forEach(({ name }, j) => requireNone({ estimator: "linear", column: name, nMissing: counts[j]!, nRows }));
}

/** As `solveProblem` does in memory, alone. */
async function descend(
  rows: RowBlocks,
  layout: StreamedFit["layout"],
  { target, settings: { l2, maxIterations, tolerance } }: WantedFit,
  moments: Moments,
  size: number,
  { report, pause }: StreamedTools,
): Promise<StreamedFit> {
  const team = joinTeam(new Int32Array(controlWords), 0, 1, pause);
  const memory = sampleMemory(layout, size);
  const sample = await takeStreamedSample(rows, layout, size, memory, pause);
  const lead = await leadOfSample(sample, target, l2, moments, { team, memory });
  const objective = createStreamedObjective(rows, target, l2, moments, pause);
  const { parameters, ...minimum } = await minimise(
    { ...objective, curvature: lead?.curvature ?? objective.curvature },
    {
      maxIterations,
      tolerance,
      start: lead?.start ?? new Float64Array(objective.nParameters),
      afterIteration: async (iteration) => report(iteration),
    },
  );
  return { layout, solution: objective.uncentre(parameters), minimum };
}
