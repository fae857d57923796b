import { readFile, writeFile } from "node:fs/promises";
import type { Codec, Step, Workflow } from "../../src/engine/step.ts";

export const bytes: Codec<Uint8Array> = {
  type: "bytes",
  format: 1,
  write: (value, path) => writeFile(path, value),
  read: (path) => readFile(path),
};

/** The inputs of each of eight steps, by position: a chain with two joins. */
const edges: readonly (readonly number[])[] = [[], [0], [1], [0, 2], [3], [4], [2, 5], [6]];

/**
 * Eight steps that write real files, each of `nBytes`, from their inputs and their random stream. `started` hears of each
 * step as it runs, which waits for what it returns.
 */
export function eightSteps(started: (step: string) => unknown, nBytes = 150_000): Workflow {
  const steps = edges.map((sources, position): Step => {
    const inputs = sources.map((source) => `step-${source}.bytes`);
    return {
      name: `step-${position}`,
      inputs,
      outputs: ["bytes"],
      params: { position },
      code: "1",
      readsInputsOnly: true,
      async run(context) {
        await started(`step-${position}`);
        const made = new Uint8Array(nBytes);
        for (let i = 0; i < made.length; ++i) made[i] = context.rng.integer(256);
        for (const input of inputs) {
          const read = await context.read(input, bytes);
          for (let i = 0; i < made.length; ++i) made[i] = made[i]! ^ read[i]!;
        }
        // As a codec writes a file, and as what a user's step returns is written.
        if (position % 2 === 0) await context.write("bytes", bytes, made);
        else await context.writeBytes("bytes", bytes, made);
        context.record({ first: made[0]! });
      },
    };
  });
  return { name: "eight", seed: 11, steps };
}

/** The same with a seed; where that is odd, with files so small that they last by their commits. */
export function seededSteps(seed: number, started: (step: string) => unknown = () => {}): Workflow {
  return { ...eightSteps(started, seed % 2 === 1 ? 5_000 : undefined), seed };
}
