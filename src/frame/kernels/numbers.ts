import { log } from "../../math/elementary.ts";

/*
 * Kernels over numbers. Missing is NaN. An operand is read with a step of 1 (a column) or 0 (a constant held once).
 * `r - r === 0` is true of finite numbers alone: results that are none (x / 0, overflow) become missing.
 */

export type ArithmeticOp = "add" | "sub" | "mul" | "div";
export type ComparisonOp = "gt" | "ge" | "lt" | "le" | "eq";

/** out[i] = a[i * aStep] op b[i * bStep], missing where the result is not finite. */
export function arithmetic(
  op: ArithmeticOp,
  a: Float64Array,
  aStep: number,
  b: Float64Array,
  bStep: number,
  n: number,
): Float64Array {
  const out = new Float64Array(n);
  let ia = 0;
  let ib = 0;
  switch (op) {
    case "add":
      for (let i = 0; i < n; ++i, ia += aStep, ib += bStep) {
        const r = a[ia]! + b[ib]!;
        out[i] = r - r === 0 ? r : NaN;
      }
      break;
    case "sub":
      for (let i = 0; i < n; ++i, ia += aStep, ib += bStep) {
        const r = a[ia]! - b[ib]!;
        out[i] = r - r === 0 ? r : NaN;
      }
      break;
    case "mul":
      for (let i = 0; i < n; ++i, ia += aStep, ib += bStep) {
        const r = a[ia]! * b[ib]!;
        out[i] = r - r === 0 ? r : NaN;
      }
      break;
    case "div":
      for (let i = 0; i < n; ++i, ia += aStep, ib += bStep) {
        const r = a[ia]! / b[ib]!;
        out[i] = r - r === 0 ? r : NaN;
      }
      break;
  }
  return out;
}

/** 1 or 0, 255 where an operand is missing. */
export function comparison(
  op: ComparisonOp,
  a: Float64Array,
  aStep: number,
  b: Float64Array,
  bStep: number,
  n: number,
): Uint8Array {
  const out = new Uint8Array(n);
  let ia = 0;
  let ib = 0;
  // gt and ge are lt and le with the operands exchanged; missing is told apart by x !== x.
  const swap = op === "gt" || op === "ge";
  const [x, xStep, y, yStep] = swap ? [b, bStep, a, aStep] : [a, aStep, b, bStep];
  const wanted = op === "eq" ? 0 : op === "gt" || op === "lt" ? 1 : 2;
  for (let i = 0; i < n; ++i, ia += xStep, ib += yStep) {
    const p = x[ia]!;
    const q = y[ib]!;
    if (p !== p || q !== q) out[i] = 255;
    else if (wanted === 1) out[i] = p < q ? 1 : 0;
    else if (wanted === 2) out[i] = p <= q ? 1 : 0;
    else out[i] = p === q ? 1 : 0;
  }
  return out;
}

/** Natural logarithm, bit for bit the same on every machine; missing for numbers that are not above 0. */
export function logarithm(a: Float64Array): Float64Array {
  const n = a.length;
  const out = new Float64Array(n);
  for (let i = 0; i < n; ++i) {
    const x = a[i]!;
    out[i] = x > 0 ? log(x) : NaN;
  }
  return out;
}

/** Square root, missing below 0. */
export function squareRoot(a: Float64Array): Float64Array {
  const n = a.length;
  const out = new Float64Array(n);
  for (let i = 0; i < n; ++i) out[i] = Math.sqrt(a[i]!);
  return out;
}

export function absolute(a: Float64Array): Float64Array {
  const n = a.length;
  const out = new Float64Array(n);
  for (let i = 0; i < n; ++i) out[i] = Math.abs(a[i]!);
  return out;
}

export function roundDown(a: Float64Array): Float64Array {
  const n = a.length;
  const out = new Float64Array(n);
  for (let i = 0; i < n; ++i) out[i] = Math.floor(a[i]!);
  return out;
}

/** The number, or the bound it is beyond; min is at most max. */
export function clip(a: Float64Array, min: number, max: number): Float64Array {
  const n = a.length;
  const out = new Float64Array(n);
  for (let i = 0; i < n; ++i) {
    const x = a[i]!;
    out[i] = x < min ? min : x > max ? max : x;
  }
  return out;
}

/** `value` where the number is missing. */
export function fill(a: Float64Array, value: number): Float64Array {
  const n = a.length;
  const out = new Float64Array(n);
  for (let i = 0; i < n; ++i) {
    const x = a[i]!;
    out[i] = x !== x ? value : x;
  }
  return out;
}

/** Number of edges that are at most x, by bisection: the position of x's half-open bin; -1 for missing. */
export function binCodes(a: Float64Array, edges: readonly number[]): Int32Array {
  const n = a.length;
  const out = new Int32Array(n);
  for (let i = 0; i < n; ++i) {
    const x = a[i]!;
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (edges[middle]! <= x) low = middle + 1;
      else high = middle;
    }
    out[i] = x !== x ? -1 : low;
  }
  return out;
}

const levelsOfEdges = new WeakMap<readonly number[], readonly string[]>();

/** Names of the bins between ascending edges: "<e0", "e0..e1", ..., ">=eN". */
export function binLevels(edges: readonly number[]): readonly string[] {
  let levels = levelsOfEdges.get(edges);
  if (!levels) {
    const inner = edges.slice(1).map((edge, i) => `${edges[i]}..${edge}`);
    levels = [`<${edges[0]}`, ...inner, `>=${edges.at(-1)}`];
    levelsOfEdges.set(edges, levels);
  }
  return levels;
}
