import type { Team } from "../../threads/team.ts";
import { publish, takeBest } from "./candidate-exchange.ts";
import { type Candidate, emptyCandidate } from "./candidate.ts";
import type { Histograms } from "./histograms.ts";
import { foundSplit } from "./kernels/scan-state.ts";
import { type Growth, type Leaf, maySplit } from "./leaf.ts";
import { foundBytes, type TrainingPlan } from "./plan.ts";
import { type SearchPlace, type SearchedLeaf, listNumbers, searchPair, writePenalties } from "./search-pair.ts";
import { searchFeatures, unsplitScore } from "./search.ts";

/** How one thread takes part in finding the best splits of leaves. Nothing is searched for a leaf that may not be split. */
export interface LeafSearch {
  /** Makes ready for a tree. */
  begin(growth: Growth): void;
  /** Searches one leaf, or two siblings, among this thread's features. */
  search(first: Leaf, second: Leaf | null): void;
  /** Once all threads have searched, gives a leaf, the first or the second, the best split there is. */
  settle(leaf: Leaf, which: 0 | 1): void;
}

export interface SearchArgs {
  readonly plan: TrainingPlan;
  readonly place: SearchPlace;
  readonly team: Team;
  readonly histograms: Histograms;
}

/** Numbers without constraints are searched by kernels alone; all else needs plain TypeScript. */
export function createSearch(args: SearchArgs): LeafSearch {
  const { constraints, features } = args.plan;
  const isPlain = constraints.direction === null && constraints.groups === null && !features.isCategory.includes(1);
  return isPlain ? new KernelSearch(args) : new GeneralSearch(args);
}

/** A call a search and one a leaf: V8 would spend more time on compiling what does this in TypeScript than on doing it. */
class KernelSearch implements LeafSearch {
  readonly #args: SearchArgs;
  /** The best split of the leaf that owns a histogram, as read from memory; written over once that leaf is split. */
  readonly #best: Candidate[] = [];
  /** Where this thread keeps them there. */
  readonly #found: number;
  #growth: Growth | null = null;
  #listEnd = 0;

  constructor(args: SearchArgs) {
    const { plan, team } = args;
    this.#args = args;
    this.#found = plan.layout.foundSplits + team.thread * plan.settings.leaves * foundBytes(plan.shape);
  }

  begin(growth: Growth): void {
    const { place } = this.#args;
    this.#growth = growth;
    this.#listEnd = listNumbers(place, growth.used);
    for (const lane of [0, 1]) writePenalties(place, growth.rules, lane);
  }

  search(first: Leaf, second: Leaf | null): void {
    const { plan, place, histograms } = this.#args;
    const { settings } = plan;
    const other = second ?? first;
    const count = maySplit(settings, first) ? first.count : -1;
    const otherCount = second !== null && maySplit(settings, second) ? second.count : -1;
    place.kernels.searchPair(
      place.list,
      this.#listEnd,
      histograms.at(first.slot),
      histograms.at(other.slot),
      place.state,
      settings.minRows,
      first.gradient,
      first.hessian,
      count,
      other.gradient,
      other.hessian,
      otherCount,
    );
  }

  settle(leaf: Leaf, which: 0 | 1): void {
    const { plan, place, histograms } = this.#args;
    const { kernels, view } = place;
    const { bytes, doubles, words } = view;
    const at = this.#found + leaf.slot * foundBytes(plan.shape);
    const states = plan.layout.scanStates + 8 * which;
    if (kernels.takeSplit(states, histograms.at(leaf.slot), leaf.count, at) === 0) return;
    const { binRoom } = plan.shape;
    const routes = (): Uint8Array => bytes.subarray(at + foundSplit.routes, at + foundSplit.routes + binRoom);
    const best = (this.#best[leaf.slot] ??= { ...emptyCandidate(0), routes: routes() });
    best.score = doubles[(at + foundSplit.score) / 8]!;
    best.gradient = doubles[(at + foundSplit.gradient) / 8]!;
    best.hessian = doubles[(at + foundSplit.hessian) / 8]!;
    best.count = doubles[(at + foundSplit.count) / 8]!;
    best.feature = words[(at + foundSplit.feature) / 4]!;
    best.bin = words[(at + foundSplit.bin) / 4]!;
    best.missingLeft = words[(at + foundSplit.missingLeft) / 4]!;
    leaf.split = best;
    leaf.gain = best.score - unsplitScore(leaf, this.#growth!.rules, leaf.freedom.bounds);
  }
}

class GeneralSearch implements LeafSearch {
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

  begin(growth: Growth): void {
    this.#growth = growth;
    this.#listEnd = listNumbers(this.#args.place, growth.used);
  }

  search(first: Leaf, second: Leaf | null): void {
    const { plan, place, team } = this.#args;
    const { layout, constraints } = plan;
    const leaves = second === null ? [first] : [first, second];
    if (constraints.direction === null && constraints.groups === null) this.#searchTogether(leaves);
    else for (const [which, leaf] of leaves.entries()) this.#searchAlone(leaf, this.#found[which]!);
    for (const which of leaves.keys()) publish(place.view, layout, team.thread * 2 + which, this.#found[which]!);
  }

  settle(leaf: Leaf, which: 0 | 1): void {
    const { plan, place, team } = this.#args;
    const best = (this.#best[leaf.slot] ??= emptyCandidate(plan.shape.binRoom));
    if (!takeBest(place.view, plan.layout, team.threads, which, best)) return;
    leaf.split = best;
    leaf.gain = best.score - unsplitScore(leaf, this.#growth!.rules, leaf.freedom.bounds);
  }

  #searchTogether(leaves: readonly Leaf[]): void {
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
    searchPair(place, used, this.#listEnd, rules, [one, other]);
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
