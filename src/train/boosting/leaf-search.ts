import type { Team } from "../../threads/team.ts";
import { publish, takeBest } from "./candidate-exchange.ts";
import { type Candidate, emptyCandidate } from "./candidate.ts";
import type { Histograms } from "./histograms.ts";
import type { VectorKernels } from "./kernels/kernels.ts";
import { type Growth, type Leaf, maySplit } from "./leaf.ts";
import type { TrainingPlan } from "./plan.ts";
import { type SearchPlace, type SearchedLeaf, listNumbers, searchPair } from "./search-pair.ts";
import { searchFeatures, unsplitScore } from "./search.ts";

export interface SearchArgs {
  readonly plan: TrainingPlan;
  readonly place: SearchPlace;
  readonly team: Team;
  readonly histograms: Histograms;
}

/**
 * How one thread takes part in finding the best splits of leaves, of any features and under any constraints. Nothing is searched
 * for a leaf that may not be split.
 */
export class LeafSearch {
  readonly #args: SearchArgs;
  /** Reused by every search of this thread, one a child. */
  readonly #found: readonly [Candidate, Candidate];
  /** The best split of the leaf that owns a histogram; written over once that leaf is split. */
  readonly #best: Candidate[] = [];
  #growth: Growth | null = null;
  #listEnd = 0;

  constructor(args: SearchArgs) {
    this.#args = args;
    const { binRoom } = args.plan.shape;
    this.#found = [emptyCandidate(binRoom), emptyCandidate(binRoom)];
  }

  /** Makes ready for a tree. */
  begin(growth: Growth): void {
    this.#growth = growth;
    this.#listEnd = listNumbers(this.#args.place, growth.used);
  }

  /** Searches one leaf, or two siblings, among this thread's features. */
  search(first: Leaf, second: Leaf | null): void {
    const { plan, place, team } = this.#args;
    const { layout, constraints } = plan;
    const leaves = second === null ? [first] : [first, second];
    const { vector } = place.kernels;
    const isFree = constraints.direction === null && constraints.groups === null;
    if (vector !== null && isFree) this.#searchTogether(vector, leaves);
    else for (const [which, leaf] of leaves.entries()) this.#searchAlone(leaf, this.#found[which]!);
    for (const which of leaves.keys()) publish(place.view, layout, team.thread * 2 + which, this.#found[which]!);
  }

  /** Once all threads have searched, gives a leaf, the first or the second, the best split there is. */
  settle(leaf: Leaf, which: 0 | 1): void {
    const { plan, place, team } = this.#args;
    const best = (this.#best[leaf.slot] ??= emptyCandidate(plan.shape.binRoom));
    if (!takeBest(place.view, plan.layout, team.threads, which, best)) return;
    leaf.split = best;
    leaf.gain = best.score - unsplitScore(leaf, this.#growth!.rules, leaf.freedom.bounds);
  }

  #searchTogether(vector: VectorKernels, leaves: readonly Leaf[]): void {
    const { plan, place, histograms } = this.#args;
    const { used, rules } = this.#growth!;
    const [first, second] = this.#found;
    const searched = (leaf: Leaf, best: Candidate): SearchedLeaf => ({
      at: histograms.at(leaf.slot),
      totals: leaf,
      isOpen: maySplit(plan.settings, leaf),
      best,
    });
    const one = searched(leaves[0]!, first);
    const other = leaves[1] ? searched(leaves[1], second) : { ...one, isOpen: false, best: second };
    searchPair(place, vector, used, this.#listEnd, rules, [one, other]);
  }

  #searchAlone(leaf: Leaf, best: Candidate): void {
    const { plan, place, histograms } = this.#args;
    const { shape, features, settings, constraints } = plan;
    const { direction } = constraints;
    if (!maySplit(settings, leaf)) return;
    searchFeatures({
      histogram: { words: place.view.words, countShift: shape.countShift },
      at: histograms.at(leaf.slot) / 4,
      binOffsets: shape.binOffsets,
      features,
      used: leaf.freedom.used,
      order: direction && { direction, bounds: leaf.freedom.bounds },
      from: place.from,
      to: place.to,
      totals: leaf,
      rules: this.#growth!.rules,
      best,
    });
  }
}
