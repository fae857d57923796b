/** Adam's memory: running means of gradients and of their squares. */
export interface AdamState {
  readonly mean: Float32Array;
  readonly square: Float32Array;
  step: number;
}

/** A state before the first step. */
export function createAdam(nParameters: number): AdamState {
  return { mean: new Float32Array(nParameters), square: new Float32Array(nParameters), step: 0 };
}

const decay = 0.9;
const squareDecay = 0.999;
const epsilon = 1e-8;

/** One step of Adam (Kingma and Ba 2015, with its constants): each parameter moves by about `rate`, against its gradient. */
export function stepAdam(state: AdamState, parameters: Float32Array, gradients: Float32Array, rate: number): void {
  const { mean, square } = state;
  state.step += 1;
  const { meanShare, squareShare } = seenShares(state.step);
  const scaledRate = rate / meanShare;
  const root = 1 / Math.sqrt(squareShare);
  for (let i = 0, n = parameters.length; i < n; ++i) {
    const gradient = gradients[i]!;
    const m = decay * mean[i]! + (1 - decay) * gradient;
    const v = squareDecay * square[i]! + (1 - squareDecay) * gradient * gradient;
    mean[i] = m;
    square[i] = v;
    parameters[i]! -= (scaledRate * m) / (Math.sqrt(v) * root + epsilon);
  }
}

/** How much of the running means is filled after so many steps: they began at 0. By repeated squaring: Math.pow is not portable. */
function seenShares(step: number): { meanShare: number; squareShare: number } {
  return { meanShare: 1 - power(decay, step), squareShare: 1 - power(squareDecay, step) };
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let factor = base, rest = exponent; rest > 0; rest = Math.floor(rest / 2), factor *= factor)
    if (rest % 2 === 1) result *= factor;
  return result;
}
