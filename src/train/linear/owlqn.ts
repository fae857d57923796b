import { addScaled, descentDirection, dot, evaluateAt, largest, remember } from "./lbfgs.ts";
import type { Correction, Minimum, Point, SolverOptions } from "./lbfgs.ts";
import type { Minimisable } from "./objective.ts";

const maxSearchSteps = 40;

/**
 * Minimises a smooth convex objective plus `l1` times the sum of the absolute values of its first `nPenalised` parameters
 * (orthant-wise limited-memory quasi-Newton, Andrew and Gao 2007): L-BFGS directions of the pseudo-gradient, and steps
 * that stop where a parameter would change its sign, which makes it exactly 0. Ends as `minimise` does.
 */
export async function minimiseSparse(
  objective: Minimisable,
  penalty: { readonly l1: number; readonly nPenalised: number },
  options: SolverOptions,
): Promise<Minimum> {
  let at = await evaluateAt(objective, options.start ?? new Float64Array(objective.nParameters));
  const past: Correction[] = [];
  let iterations = 0;
  let slopes = pseudoGradient(at, penalty);
  while (iterations < options.maxIterations && largest(slopes) > options.tolerance) {
    const direction = descentDirection(slopes, past, objective.curvature);
    // Where the quasi-Newton step goes uphill along an axis, it does not go there at all.
    for (let i = 0; i < direction.length; ++i) if (direction[i]! * slopes[i]! >= 0) direction[i] = 0;
    const next = await search(objective, at, direction, slopes, penalty);
    if (next === undefined) break;
    ++iterations;
    remember(past, at, next);
    const [before, after] = [totalOf(at, penalty), totalOf(next, penalty)];
    at = next;
    slopes = pseudoGradient(at, penalty);
    await options.afterIteration(iterations);
    if (before - after <= 1e-16 * Math.max(Math.abs(before), Math.abs(after), 1)) break;
  }
  return { parameters: at.parameters, value: totalOf(at, penalty), iterations, gradientSize: largest(slopes) };
}

interface Penalty {
  readonly l1: number;
  readonly nPenalised: number;
}

function totalOf({ value, parameters }: Point, { l1, nPenalised }: Penalty): number {
  let absolute = 0;
  for (let i = 0; i < nPenalised; ++i) absolute += Math.abs(parameters[i]!);
  return value + l1 * absolute;
}

/** The steepest slope downhill, without sign where a parameter is 0 and the penalty holds it there. */
function pseudoGradient({ parameters, gradient }: Point, { l1, nPenalised }: Penalty): Float64Array {
  const slopes = gradient.slice();
  for (let i = 0; i < nPenalised; ++i) {
    const slope = gradient[i]!;
    if (parameters[i]! > 0) slopes[i] = slope + l1;
    else if (parameters[i]! < 0) slopes[i] = slope - l1;
    else slopes[i] = slope + l1 < 0 ? slope + l1 : slope - l1 > 0 ? slope - l1 : 0;
  }
  return slopes;
}

/** Halves the step until the total falls enough; undefined where rounding leaves nothing to gain. */
async function search(
  objective: Pick<Minimisable, "evaluate">,
  at: Point,
  direction: Float64Array,
  slopes: Float64Array,
  penalty: Penalty,
): Promise<Point | undefined> {
  const from = totalOf(at, penalty);
  for (let i = 0, step = 1; i < maxSearchSteps; ++i, step /= 2) {
    const parameters = at.parameters.slice();
    addScaled(parameters, direction, step);
    for (let j = 0; j < penalty.nPenalised; ++j) {
      const sign = at.parameters[j] === 0 ? -slopes[j]! : at.parameters[j]!;
      if (parameters[j]! * sign <= 0) parameters[j] = 0;
    }
    const next = await evaluateAt(objective, parameters);
    const moved = parameters.map((value, j) => value - at.parameters[j]!);
    if (totalOf(next, penalty) <= from + 1e-4 * dot(slopes, moved)) return next;
  }
  return undefined;
}
