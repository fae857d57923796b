import type { Curvature } from "./curvature.ts";
import type { Minimisable } from "./objective.ts";

const memory = 10;
const maxSearchSteps = 30;

export interface Minimum {
  readonly parameters: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** Largest component of the gradient there, without sign. */
  readonly gradientSize: number;
}

export interface SolverOptions {
  readonly maxIterations: number;
  readonly tolerance: number;
  /** Where to begin; all zeros where left out. */
  readonly start?: Float64Array;
  afterIteration(iteration: number): Promise<void>;
}

/**
 * Minimises a smooth convex objective: L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4) with
 * the last ten steps as memory, started from the objective's estimated curvature, and a line search for the weak
 * Wolfe conditions by bisection. Stops where the largest gradient component is at most `tolerance`, where the value no
 * longer falls by more than rounding, or after `maxIterations`. `afterIteration` may throw to stop.
 */
export async function minimise(objective: Minimisable, options: SolverOptions): Promise<Minimum> {
  let at = await evaluateAt(objective, options.start ?? new Float64Array(objective.nParameters));
  const past: Correction[] = [];
  let iterations = 0;
  while (iterations < options.maxIterations && largest(at.gradient) > options.tolerance) {
    const direction = descentDirection(at.gradient, past, objective.curvature);
    const next = await search(objective, at, direction);
    if (next === undefined) break;
    ++iterations;
    remember(past, at, next);
    const fall = at.value - next.value;
    const scale = Math.max(Math.abs(at.value), Math.abs(next.value), 1);
    at = next;
    await options.afterIteration(iterations);
    if (fall <= 1e-15 * scale) break;
  }
  return { parameters: at.parameters, value: at.value, iterations, gradientSize: largest(at.gradient) };
}

export interface Point {
  readonly parameters: Float64Array;
  readonly gradient: Float64Array;
  readonly value: number;
}

/** A step, the change of the gradient over it, and 1 / their product. */
export interface Correction {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly rho: number;
}

export async function evaluateAt(objective: Pick<Minimisable, "evaluate">, parameters: Float64Array): Promise<Point> {
  const gradient = new Float64Array(parameters.length);
  const value = await objective.evaluate(parameters, gradient);
  return { parameters, gradient, value };
}

/** Two-loop recursion: minus the inverse Hessian estimate times the gradient. */
export function descentDirection(
  gradient: Float64Array,
  past: readonly Correction[],
  curvature: Curvature,
): Float64Array {
  const q = gradient.slice();
  const alphas = new Float64Array(past.length);
  for (let i = past.length - 1; i >= 0; --i) {
    const { step, change, rho } = past[i]!;
    alphas[i] = rho * dot(step, q);
    addScaled(q, change, -alphas[i]!);
  }
  const scale = curvatureScale(past, curvature);
  for (let i = 0; i < q.length; ++i) q[i]! *= scale;
  curvature.divide(q);
  for (let i = 0; i < past.length; ++i) {
    const { step, change, rho } = past[i]!;
    addScaled(q, step, alphas[i]! - rho * dot(change, q));
  }
  for (let i = 0; i < q.length; ++i) q[i] = -q[i]!;
  return q;
}

/** How much shorter or longer the last step was than the curvature would have it. */
function curvatureScale(past: readonly Correction[], curvature: Curvature): number {
  const last = past.at(-1);
  return last === undefined ? 1 : 1 / (last.rho * curvature.inverseSquare(last.change));
}

/**
 * A step along `direction` that lowers the value enough and flattens the slope enough (weak Wolfe, 1e-4 and 0.9), found
 * by doubling and bisection; too long steps shrink to the minimum of the parabola through value and slope first.
 * Undefined where rounding leaves nothing to gain.
 */
async function search(
  objective: Pick<Minimisable, "evaluate">,
  at: Point,
  direction: Float64Array,
): Promise<Point | undefined> {
  const slope = dot(at.gradient, direction);
  if (!(slope < 0)) return undefined;
  let low = 0;
  let high = Infinity;
  let step = 1;
  let lowest: Point | undefined;
  for (let i = 0; i < maxSearchSteps; ++i) {
    const parameters = at.parameters.slice();
    addScaled(parameters, direction, step);
    const next = await evaluateAt(objective, parameters);
    const isLower = next.value <= at.value + 1e-4 * step * slope;
    if (isLower && dot(next.gradient, direction) >= 0.9 * slope) return next;
    if (isLower) {
      lowest = next;
      low = step;
      step = high === Infinity ? 2 * step : (low + high) / 2;
    } else {
      high = step;
      const parabola = (-slope * step * step) / (2 * (next.value - at.value - slope * step));
      step = low === 0 && parabola > 0.05 * step && parabola < 0.7 * step ? parabola : (low + high) / 2;
    }
  }
  return lowest;
}

export function remember(past: Correction[], from: Point, to: Point): void {
  const step = difference(to.parameters, from.parameters);
  const change = difference(to.gradient, from.gradient);
  const product = dot(step, change);
  if (!(product > 1e-300)) return;
  past.push({ step, change, rho: 1 / product });
  if (past.length > memory) past.shift();
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  const result = new Float64Array(a.length);
  for (let i = 0; i < a.length; ++i) result[i] = a[i]! - b[i]!;
  return result;
}

export function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; ++i) total += a[i]! * b[i]!;
  return total;
}

export function addScaled(target: Float64Array, source: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; ++i) target[i]! += factor * source[i]!;
}

export function largest(values: Float64Array): number {
  let result = 0;
  for (let i = 0; i < values.length; ++i) result = Math.max(result, Math.abs(values[i]!));
  return result;
}
