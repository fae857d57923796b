import type { RunListener } from "./step.ts";

/** Tells a listener what happens in the order in which it does, and that a step ended only once that lasts. */
export interface Telling {
  /** What goes on in the steps of the run. */
  readonly steps: RunListener;
  /** Calls `tell` with what `lasting` gives; what happens from now on is told after it. Throws what the listener throws. */
  after<T>(lasting: Promise<T>, tell: (value: T) => void): Promise<void>;
  /** Resolves once nothing waits to be told. */
  allTold(): Promise<void>;
}

export function tellInOrder(listener: RunListener): Telling {
  /** The last of what waits; null where nothing does. */
  let last: Promise<void> | null = null;
  const inTurn = (tell: () => Promise<void> | void): Promise<void> => {
    const mine = (last ?? Promise.resolve()).then(tell).then(() => {
      if (last === mine) last = null;
    });
    last = mine;
    return mine;
  };
  const soon = (tell: () => void): void => {
    if (last === null) return tell();
    // Whoever waits for the next end hears what went wrong here.
    inTurn(tell).catch(() => {});
  };
  const { stepProgress } = listener;
  return {
    steps: {
      stepStarted: (event) => soon(() => listener.stepStarted?.(event)),
      // Who asks for none causes none to be gathered.
      ...(stepProgress ? { stepProgress: (event) => soon(() => stepProgress.call(listener, event)) } : {}),
      stepRetried: (event) => soon(() => listener.stepRetried?.(event)),
      stepLog: (event) => soon(() => listener.stepLog?.(event)),
    },
    after: (lasting, tell) => inTurn(() => lasting.then(tell)),
    async allTold() {
      // One that failed stays the last, and is waited for once.
      for (let seen: Promise<void> | null = null; last !== null && last !== seen;) await (seen = last).catch(() => {});
    },
  };
}
