import type { BinRun } from "./bin-runs.ts";
import type { Histograms } from "./histograms.ts";
import { binRun, growthBytes, growthLeaf, growthState } from "./kernels/growth-state.ts";
import type { VectorKernels } from "./kernels/kernels.ts";
import { featuresOf, gatherBytes, histogramStep, packedStep } from "./kernels/shape.ts";
import type { Growth, RootRows, SummedLeaf } from "./leaf.ts";
import type { SearchArgs } from "./leaf-search.ts";
import type { Scales } from "./loss.ts";
import { foundBytes, type TrainingPlan } from "./plan.ts";
import { isListedAnew } from "./sampling.ts";
import { type SearchPlace, listNumbers, writePenalties } from "./search-pair.ts";
import { routeNumber } from "./search.ts";
import type { TreeSplitter } from "./splitter.ts";
import { type GrownTree, treeLayout } from "./tree.ts";
import { leftBytes } from "./turns.ts";

/**
 * Splits leaves of numbers, without constraints, by a few calls of kernels a tree: V8 would take longer to compile what drives it in
 * TypeScript than most trees take to grow.
 */
export class KernelSplitter implements TreeSplitter {
  readonly #plan: TrainingPlan;
  readonly #place: SearchPlace;
  /** Block that the kernel works on: see `growthState`. */
  readonly #state: number;
  readonly #functions: VectorKernels["functions"];
  readonly #thread: number;
  readonly #histograms: Histograms;
  /** The features whose runs are written. */
  #kept: readonly boolean[] | null = null;
  #nLeaves = 0;
  /** The features that are listed to be searched. */
  #listed: Uint8Array | null = null;

  constructor({ plan, place, team, histograms }: SearchArgs) {
    const { layout, shape, settings } = plan;
    const { thread } = team;
    this.#plan = plan;
    this.#place = place;
    this.#state = layout.growth + thread * growthBytes(settings.leaves);
    this.#functions = place.kernels.vector!.functions;
    this.#thread = thread;
    this.#histograms = histograms;
    const fields = {
      list: place.list,
      search: place.state,
      found: layout.foundSplits + thread * settings.leaves * foundBytes(shape),
      packed: layout.packedHistograms + thread * packedStep(shape),
      wide: layout.privateHistograms + thread * histogramStep(shape),
      summed: layout.perThread + 16 * thread,
      left: layout.left + thread * leftBytes,
      tree: layout.trees + thread * treeLayout(settings.leaves).bytes,
      gathered: layout.gathered + thread * gatherBytes(shape.stride),
      rootList: isListedAnew(plan) ? layout.index : layout.fullIndex,
    };
    this.#setFields(fields);
    this.#writeRuns();
  }

  #setFields(fields: Partial<Record<keyof typeof growthState, number>>): void {
    const { words } = this.#place.view;
    for (const [name, value] of Object.entries(fields))
      words[(this.#state + growthState[name as keyof typeof growthState]) / 4] = value;
  }

  /** Writes the runs of bins the kernel works on. */
  #writeRuns(): void {
    const { layout, shape } = this.#plan;
    const { words } = this.#place.view;
    const { ownRuns, wideRuns, packedRows, kept } = this.#histograms;
    const write = (runs: readonly BinRun[], from: number): number => {
      let at = from;
      for (const { isKept, from: first, to } of runs) {
        words[(at + binRun.isKept) / 4] = Number(isKept);
        words[(at + binRun.from) / 4] = first;
        words[(at + binRun.to) / 4] = to;
        at += binRun.bytes;
      }
      return at;
    };
    const room = featuresOf(shape) * binRun.bytes;
    const own = layout.binRuns + 2 * this.#thread * room;
    const wide = own + room;
    const [runsEnd, wideRunsEnd] = [write(ownRuns, own), write(wideRuns, wide)];
    this.#setFields({ runs: own, runsEnd, wideRuns: wide, wideRunsEnd, packedRows });
    this.#kept = kept;
  }

  /** As `Histograms.sumAll` into the first histogram, with the gradients of logistic loss; null where the loss is another, or rows have weights. */
  get sumLogistic(): ((scales: Scales, dither: number) => void) | null {
    const { sumTurns } = this.#functions;
    return sumTurns ? ({ gradient, hessian }, dither) => sumTurns(this.#state, gradient, hessian, dither) : null;
  }

  split(growth: Growth, { begin, own, restBegin, rest }: RootRows): void {
    const { tree, rules, scales, used } = growth;
    const place = this.#place;
    const { words, doubles } = place.view;
    const state = this.#state;
    if (this.#kept !== this.#histograms.kept) this.#writeRuns();
    if (used !== this.#listed) words[(state + growthState.listEnd) / 4] = listNumbers(place, used);
    this.#listed = used;
    writePenalties(place, rules, 0);
    writePenalties(place, rules, 1);
    doubles[(state + growthState.gradientScale) / 8] = scales.gradient;
    doubles[(state + growthState.hessianScale) / 8] = scales.hessian;
    this.#nLeaves = this.#functions["grow"]!(state, begin, own, restBegin, rest);
    tree.nNodes = 2 * this.#nLeaves - 1;
    if (this.#plan.nValidation > 0) this.#writeRoutes(tree);
  }

  /** Watched rows go by routes. */
  #writeRoutes(tree: GrownTree): void {
    const { nValues } = this.#plan.features;
    for (let node = 0; node < tree.nNodes; ++node) {
      const feature = tree.feature[node]!;
      if (feature < 0) continue;
      const routes = tree.routes.subarray(node << tree.routeBits, (node + 1) << tree.routeBits);
      routeNumber({ bin: tree.bin[node]!, missingLeft: tree.missingLeft[node]!, routes }, nValues[feature]!);
    }
  }

  setValues(): void {
    this.#functions["setValues"]!(this.#state, this.#nLeaves);
  }

  addScores({ output }: GrownTree): void {
    this.#functions["addScores"]!(this.#state, this.#nLeaves, this.#plan.layout.scores + output * 8);
  }

  get leaves(): readonly SummedLeaf[] {
    const { words, doubles } = this.#place.view;
    return Array.from({ length: this.#nLeaves }, (_, i) => {
      const at = this.#state + growthState.leaves + i * growthLeaf.bytes;
      return {
        gradient: doubles[(at + growthLeaf.gradient) / 8]!,
        hessian: doubles[(at + growthLeaf.hessian) / 8]!,
        node: words[(at + growthLeaf.node) / 4]!,
        begin: words[(at + growthLeaf.begin) / 4]!,
        own: words[(at + growthLeaf.own) / 4]!,
      };
    });
  }
}
