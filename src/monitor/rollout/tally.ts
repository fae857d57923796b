/** A count or a sum for each arm. */
export type Pair = readonly [candidate: number, champion: number];

/** What was counted at one step of a rollout, by name. */
export type StepTally = Readonly<Record<string, Pair>>;

/** What one server, or all of them, counted in a rollout, by the number of the step. */
export type Tally = readonly StepTally[];

/** Counts one server keeps; plain sums, so that those of several servers add up in any order. */
export class TallyKeeper {
  readonly #steps: Map<string, [number, number]>[] = [];

  add(step: number, name: string, arm: 0 | 1, amount: number): void {
    while (this.#steps.length <= step) this.#steps.push(new Map());
    const pairs = this.#steps[step]!;
    const pair = pairs.get(name) ?? [0, 0];
    pairs.set(name, pair);
    pair[arm] += amount;
  }

  tally(): Tally {
    return this.#steps.map((pairs) =>
      Object.fromEntries([...pairs].map(([name, [candidate, champion]]) => [name, [candidate, champion] as const])),
    );
  }
}

/** All tallies as one. */
export function sumOfTallies(tallies: readonly Tally[]): Tally {
  const keeper = new TallyKeeper();
  for (const tally of tallies)
    for (const [step, pairs] of tally.entries())
      for (const [name, [candidate, champion]] of Object.entries(pairs)) {
        keeper.add(step, name, 0, candidate);
        keeper.add(step, name, 1, champion);
      }
  return keeper.tally();
}

/** A count over all steps. */
export function totalOf(tally: Tally, name: string): Pair {
  return tally.reduce<Pair>(
    ([candidate, champion], pairs) => {
      const [more, others] = pairs[name] ?? [0, 0];
      return [candidate + more, champion + others];
    },
    [0, 0],
  );
}
