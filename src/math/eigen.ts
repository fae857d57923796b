/** Eigenvalues in descending order; `vectors` row-major, row k the unit vector of values[k]. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

const epsilon = 2 ** -52;
const negligible = 2 ** -200;
const mostSteps = 60;

/**
 * All eigenvalues and eigenvectors of a symmetric matrix (row-major, n by n, read whole), by Householder's reduction to
 * tridiagonal form and QL steps with implicit shifts (Bowdler, Martin, Reinsch and Wilkinson 1968, as in EISPACK's tred2 and
 * tql2). Of each vector the entry of largest size is positive, the first of equals. Takes time by n^3; the same bits on every
 * machine. Throws RangeError where the matrix holds anything but finite numbers.
 */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  let largest = 0;
  for (const value of matrix) {
    if (!Number.isFinite(value)) throw new RangeError("eigenvalues of a matrix that is not finite");
    largest = Math.max(largest, Math.abs(value));
  }
  // Of size 1, so that no square overflows, and without numbers too small to keep their places when they are multiplied.
  // Symmetric, so that rows may stand for columns: row j is column j throughout.
  const vectors = matrix.map((value) => (Math.abs(value) <= largest * negligible ? 0 : value / largest));
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  if (n > 0) {
    tridiagonalise(vectors, n, diagonal, beside);
    accumulate(vectors, n, diagonal);
    beside[0] = 0;
    diagonalise(vectors, n, diagonal, beside);
  }
  const order = Array.from(diagonal.keys()).sort((a, b) => diagonal[b]! - diagonal[a]! || a - b);
  const sorted = new Float64Array(n * n);
  order.forEach((from, k) => sorted.set(facing(vectors.subarray(from * n, (from + 1) * n)), k * n));
  return { values: Float64Array.from(order, (k) => diagonal[k]! * largest), vectors: sorted };
}

function facing(vector: Float64Array): Float64Array {
  let longest = 0;
  for (let i = 1; i < vector.length; ++i) if (Math.abs(vector[i]!) > Math.abs(vector[longest]!)) longest = i;
  return vector[longest]! < 0 ? vector.map((value) => -value) : vector;
}

/** Reflections that leave a matrix with a diagonal `d` and one beside it, `e`; `v` keeps what undoes them. */
function tridiagonalise(v: Float64Array, n: number, d: Float64Array, e: Float64Array): void {
  for (let j = 0; j < n; ++j) d[j] = v[j * n + n - 1]!;
  for (let i = n - 1; i > 0; --i) {
    let scale = 0;
    let h = 0;
    for (let k = 0; k < i; ++k) scale += Math.abs(d[k]!);
    if (scale === 0) {
      e[i] = d[i - 1]!;
      for (let j = 0; j < i; ++j) {
        d[j] = v[j * n + i - 1]!;
        v[j * n + i] = 0;
        v[i * n + j] = 0;
      }
      d[i] = 0;
      continue;
    }
    for (let k = 0; k < i; ++k) {
      d[k]! /= scale;
      h += d[k]! * d[k]!;
    }
    const last = d[i - 1]!;
    const root = last > 0 ? -Math.sqrt(h) : Math.sqrt(h);
    e[i] = scale * root;
    h -= last * root;
    d[i - 1] = last - root;
    e.fill(0, 0, i);
    for (let j = 0; j < i; ++j) {
      const f = d[j]!;
      v[i * n + j] = f;
      let g = e[j]! + v[j * n + j]! * f;
      for (let k = j + 1; k < i; ++k) {
        g += v[j * n + k]! * d[k]!;
        e[k]! += v[j * n + k]! * f;
      }
      e[j] = g;
    }
    let along = 0;
    for (let j = 0; j < i; ++j) {
      e[j]! /= h;
      along += e[j]! * d[j]!;
    }
    for (let j = 0; j < i; ++j) e[j]! -= (along / (h + h)) * d[j]!;
    for (let j = 0; j < i; ++j) {
      const f = d[j]!;
      const g = e[j]!;
      for (let k = j; k < i; ++k) v[j * n + k]! -= f * e[k]! + g * d[k]!;
      d[j] = v[j * n + i - 1]!;
      v[j * n + i] = 0;
    }
    d[i] = h;
  }
}

/** The product of the reflections, in place of what was kept of them; `d` gets the diagonal. */
function accumulate(v: Float64Array, n: number, d: Float64Array): void {
  for (let i = 0; i < n - 1; ++i) {
    const next = (i + 1) * n;
    v[i * n + n - 1] = v[i * n + i]!;
    v[i * n + i] = 1;
    const h = d[i + 1]!;
    if (h !== 0) {
      for (let k = 0; k <= i; ++k) d[k] = v[next + k]! / h;
      for (let j = 0; j <= i; ++j) {
        let g = 0;
        for (let k = 0; k <= i; ++k) g += v[next + k]! * v[j * n + k]!;
        for (let k = 0; k <= i; ++k) v[j * n + k]! -= g * d[k]!;
      }
    }
    v.fill(0, next, next + i + 1);
  }
  for (let j = 0; j < n; ++j) {
    d[j] = v[j * n + n - 1]!;
    v[j * n + n - 1] = 0;
  }
  v[n * n - 1] = 1;
}

/** Rotates what stands beside the diagonal away; eigenvalues in `d`, in no order, their vectors in the rows of `v`. */
function diagonalise(v: Float64Array, n: number, d: Float64Array, e: Float64Array): void {
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  let shifted = 0;
  let size = 0;
  for (let l = 0; l < n; ++l) {
    size = Math.max(size, Math.abs(d[l]!) + Math.abs(e[l]!));
    let m = l;
    while (Math.abs(e[m]!) > epsilon * size) ++m;
    for (let step = 0; m > l && step < mostSteps && (step === 0 || Math.abs(e[l]!) > epsilon * size); ++step) {
      let g = d[l]!;
      let p = (d[l + 1]! - g) / (2 * e[l]!);
      const root = p < 0 ? -length(p, 1) : length(p, 1);
      d[l] = e[l]! / (p + root);
      d[l + 1] = e[l]! * (p + root);
      const second = d[l + 1]!;
      const shift = g - d[l]!;
      for (let i = l + 2; i < n; ++i) d[i]! -= shift;
      shifted += shift;
      p = d[m]!;
      let [c, c2, c3, s, s2] = [1, 1, 1, 0, 0];
      const beside = e[l + 1]!;
      for (let i = m - 1; i >= l; --i) {
        c3 = c2;
        c2 = c;
        s2 = s;
        g = c * e[i]!;
        const h = c * p;
        const r = length(p, e[i]!);
        e[i + 1] = s * r;
        s = e[i]! / r;
        c = p / r;
        p = c * d[i]! - s * g;
        d[i + 1] = h + s * (c * g + s * d[i]!);
        const [a, b] = [i * n, (i + 1) * n];
        for (let k = 0; k < n; ++k) {
          const x = v[b + k]!;
          v[b + k] = s * v[a + k]! + c * x;
          v[a + k] = c * v[a + k]! - s * x;
        }
      }
      p = (-s * s2 * c3 * beside * e[l]!) / second;
      e[l] = s * p;
      d[l] = c * p;
    }
    d[l]! += shifted;
    e[l] = 0;
  }
}

/** Of a vector of two, whose squares may overflow; not Math.hypot, which need not be the same everywhere. */
function length(a: number, b: number): number {
  const large = Math.max(Math.abs(a), Math.abs(b));
  const small = Math.min(Math.abs(a), Math.abs(b));
  return large === 0 ? 0 : large * Math.sqrt(1 + (small / large) * (small / large));
}
