import type { Design } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import { type Moments, momentsInTeam, momentsOf } from "../moments.ts";
import { agreedToStop, type Team } from "../../threads/team.ts";
import { minimise, type Minimum, type SolverOptions } from "./lbfgs.ts";
import { createObjective, sumsLength } from "./objective.ts";
import { minimiseSparse } from "./owlqn.ts";
import type { LinearSolution } from "./predictor.ts";
import { type LinearLoss, regressionLossOf, startOf } from "./regression-loss.ts";
import { type Lead, leadOfSample, sampleMemory, type SampleMemory, takeSample } from "./sample.ts";

/** A fit by iterations as plain data, for every thread the same. */
export interface LinearProblem {
  readonly design: Design;
  readonly target: Target;
  readonly loss: LinearLoss;
  readonly l1: number;
  readonly l2: number;
  readonly maxIterations: number;
  readonly tolerance: number;
  /** Rows of a sample to begin with; 0 = none. */
  readonly sampleSize: number;
  /** Memory the threads of a team share; null for one alone, whose design may have sparse columns. */
  readonly shared: SharedSums | null;
}

interface SharedSums {
  /** `sumsLength` numbers. */
  readonly sums: Float64Array;
  /** One number a column each. */
  readonly means: Float64Array;
  readonly variances: Float64Array;
  /** Null where there is no sample. */
  readonly sample: SampleMemory | null;
  /** For `agreedToStop`. */
  readonly flags: Int32Array;
}

export interface LinearOutcome extends Pick<Minimum, "value" | "iterations" | "gradientSize"> {
  readonly solution: LinearSolution;
}

/** Null where the team was asked to stop. */
export async function runMember(payload: unknown, team: Team): Promise<LinearOutcome | null> {
  return solveProblem(payload as LinearProblem, team);
}

/**
 * Every thread runs the same solver on the same numbers: they share the work of an evaluation, which is nearly all there is,
 * and each adds up the sums of all in one order. So they walk in step, and none needs to tell the others where to go.
 */
export async function solveProblem(problem: LinearProblem, team: Team): Promise<LinearOutcome | null> {
  const { design, target, loss, l1, l2, maxIterations, tolerance, shared } = problem;
  const moments = shared ? momentsInTeam(design, target.weights, team, shared) : momentsOf(design, target.weights);
  const outputs = target.task === "multiclass" ? target.nLabels : 1;
  const sums = shared?.sums ?? new Float64Array(sumsLength(design, outputs));
  const objective = createObjective(design, target, l2, moments, regressionLossOf(loss), { team, sums });
  const lead = await leadOf(problem, moments, team);
  const options: SolverOptions = {
    maxIterations,
    tolerance,
    start: lead?.start ?? startOf(objective.nParameters, loss),
    afterIteration: async (iteration) => {
      if (team.thread === 0) team.report(iteration);
      await team.pause();
      // The solver knows no other way to be told.
      if (shared && agreedToStop(team, shared.flags)) throw stopped;
    },
  };
  const penalty = { l1: l1 / moments.totalWeight, nPenalised: objective.nParameters - outputs };
  try {
    const { parameters, ...minimum } =
      l1 > 0
        ? await minimiseSparse(objective, penalty, options)
        : await minimise({ ...objective, curvature: lead?.curvature ?? objective.curvature }, options);
    return { ...minimum, solution: objective.uncentre(parameters) };
  } catch (error) {
    if (error === stopped) return null;
    throw error;
  }
}

async function leadOf(problem: LinearProblem, moments: Moments, team: Team): Promise<Lead | null> {
  const { design, target, l2, sampleSize, shared } = problem;
  if (sampleSize === 0) return null;
  const memory = shared?.sample ?? sampleMemory(design, sampleSize);
  const sample = takeSample(design, sampleSize, team, memory);
  return leadOfSample(sample, target, l2, moments, { team, memory });
}

const stopped = Symbol("stopped");
