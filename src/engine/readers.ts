import type { Digest } from "../core/digest.ts";
import type { Step } from "./step.ts";

/** Every input of the steps with the number of those that read it. */
export function readersOf(steps: readonly Step[]): Map<string, number> {
  const readers = new Map<string, number>();
  for (const input of steps.flatMap((step) => step.inputs)) readers.set(input, (readers.get(input) ?? 0) + 1);
  return readers;
}

/** Notes that a step reads no more. */
export function endReading(readers: Map<string, number>, { inputs }: Step): void {
  for (const input of inputs) {
    const left = readers.get(input)! - 1;
    if (left > 0) readers.set(input, left);
    else readers.delete(input);
  }
}

/** Those of the known digests that are still read. */
export function neededStill(
  stillRead: ReadonlyMap<string, number>,
  digests: ReadonlyMap<string, Digest>,
): ReadonlySet<Digest> {
  const needed = new Set<Digest>();
  for (const [input, digest] of digests) if (stillRead.has(input)) needed.add(digest);
  return needed;
}
