/** Words of the control block every team shares. */
const arrivedWord = 0;
const generationWord = 1;
const failedWord = 2;
const stopWord = 3;
const doneWord = 4;
const sleepersWord = 5;

/** Length of the control block in 32-bit words. */
export const controlWords = 16;

/**
 * Spins before sleeping. Long enough to cover the usual gap between two threads that share a histogram, short enough
 * that a machine with fewer free cores than threads loses microseconds, not milliseconds.
 */
const spins = 1500;
const sleepMs = 200;

/** One thread's place in a team that runs the same program over shared memory (single program, multiple data). */
export interface Team {
  readonly thread: number;
  readonly threads: number;
  /** Returns once every thread of the team has called it; throws where another thread failed. */
  barrier(): void;
  /** Whether the owner asked the work to stop. Threads must agree: read it in one thread, share it, pass a barrier. */
  stopRequested(): boolean;
  /** Says how much is done, for the owner's progress. */
  report(done: number): void;
  /** Lets the owner's event loop run where this thread is the owner's; nothing in a worker. */
  pause(): Promise<void>;
}

/** The owner's view of the control block. */
export interface TeamControl {
  readonly words: Int32Array;
  stop(): void;
  fail(): void;
  done(): number;
}

/** A control block over shared (or, for one thread, any) memory; zeroed memory is a valid start. */
export function createControl(words: Int32Array): TeamControl {
  return {
    words,
    stop: () => {
      Atomics.store(words, stopWord, 1);
    },
    fail: () => failTeam(words),
    done: () => Atomics.load(words, doneWord),
  };
}

/** Wakes every thread that waits and makes its barrier throw. */
export function failTeam(words: Int32Array): void {
  Atomics.store(words, failedWord, 1);
  Atomics.notify(words, generationWord);
}

/** Joins a team as `thread` of `threads`. */
export function joinTeam(words: Int32Array, thread: number, threads: number, pause: () => Promise<void>): Team {
  return {
    thread,
    threads,
    barrier: threads === 1 ? () => {} : () => passBarrier(words, threads),
    stopRequested: () => Atomics.load(words, stopWord) === 1,
    report: (done) => {
      Atomics.store(words, doneWord, done);
    },
    pause,
  };
}

/**
 * Whether the team was asked to stop, the same answer for all its threads: every one calls it at the same place, or the
 * others would wait for ever. `flags`: one number they share.
 */
export function agreedToStop(team: Team, flags: Int32Array): boolean {
  if (team.thread === 0) flags[0] = team.stopRequested() ? 1 : 0;
  team.barrier();
  const isOver = flags[0] === 1;
  team.barrier();
  return isOver;
}

/** The last to arrive opens the next generation. A thread reads the generation before it counts itself in. */
function passBarrier(words: Int32Array, threads: number): void {
  const generation = Atomics.load(words, generationWord);
  if (Atomics.add(words, arrivedWord, 1) === threads - 1) {
    Atomics.store(words, arrivedWord, 0);
    Atomics.add(words, generationWord, 1);
    // Waking is a system call, and all wait for it. Who goes to sleep after this was read finds the next generation open.
    if (Atomics.load(words, sleepersWord) > 0) Atomics.notify(words, generationWord);
    return;
  }
  for (let spin = 0; spin < spins; ++spin) if (Atomics.load(words, generationWord) !== generation) return;
  Atomics.add(words, sleepersWord, 1);
  while (Atomics.load(words, generationWord) === generation) {
    if (Atomics.load(words, failedWord) === 1) throw new Error("another thread of the team failed");
    Atomics.wait(words, generationWord, generation, sleepMs);
  }
  Atomics.sub(words, sleepersWord, 1);
}
