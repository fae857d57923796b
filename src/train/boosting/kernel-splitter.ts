import type { BinRun } from "./bin-runs.ts";
import type { Histograms } from "./histograms.ts";
import { binRun, growthBytes, growthLeaf, growthSplit, growthSplitsAt, growthState } from "./kernels/growth-state.ts";
import { featuresOf, gatherBytes, histogramStep, packedStep } from "./kernels/shape.ts";
import { type Growth, type Leaf, openNode } from "./leaf.ts";
import type { SearchArgs } from "./leaf-search.ts";
import { foundBytes, type TrainingPlan } from "./plan.ts";
import { isListedAnew } from "./sampling.ts";
import { type SearchPlace, listNumbers, writePenalties } from "./search-pair.ts";
import { routeNumber } from "./search.ts";
import { leftBytes } from "./turns.ts";

/**
 * Splits leaves of numbers, without constraints, by one call of a kernel a tree: V8 would take longer to compile what drives it in
 * TypeScript than most trees take to grow.
 */
export class KernelSplitter {
  readonly #plan: TrainingPlan;
  readonly #place: SearchPlace;
  /** Block that the kernel works on: see `growthState`. */
  readonly #state: number;
  readonly #grow: (state: number) => number;

  constructor({ plan, place, team, histograms }: SearchArgs) {
    const { layout, shape, settings } = plan;
    const { thread } = team;
    this.#plan = plan;
    this.#place = place;
    this.#state = layout.growth + thread * growthBytes(settings.leaves);
    this.#grow = place.kernels.vector!.functions["grow"]!;
    const fields = {
      list: place.list,
      search: place.state,
      found: layout.foundSplits + thread * settings.leaves * foundBytes(shape),
      packed: layout.packedHistograms + thread * packedStep(shape),
      wide: layout.privateHistograms + thread * histogramStep(shape),
      summed: layout.perThread + 16 * thread,
      left: layout.left + thread * leftBytes,
      gathered: layout.gathered + thread * gatherBytes(shape.stride),
      ...this.#writeRuns(thread, histograms),
      packedRows: histograms.packedRows,
      rootList: isListedAnew(plan) ? layout.index : layout.fullIndex,
    };
    const { words } = place.view;
    for (const [name, value] of Object.entries(fields))
      words[(this.#state + growthState[name as keyof typeof fields]) / 4] = value;
  }

  /** Writes the runs of bins the kernel works on; returns where they stand. */
  #writeRuns(
    thread: number,
    { ownRuns, wideRuns }: Histograms,
  ): Record<"runs" | "runsEnd" | "wideRuns" | "wideRunsEnd", number> {
    const { layout, shape } = this.#plan;
    const { words } = this.#place.view;
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
    const [own, wide] = [layout.binRuns + 2 * thread * room, layout.binRuns + (2 * thread + 1) * room];
    return { runs: own, runsEnd: write(ownRuns, own), wideRuns: wide, wideRunsEnd: write(wideRuns, wide) };
  }

  /** As `Splitter.split`. */
  split(growth: Growth, root: Leaf): Leaf[] {
    const place = this.#place;
    const state = this.#state;
    place.view.words[(state + growthState.listEnd) / 4] = listNumbers(place, growth.used);
    for (const lane of [0, 1]) writePenalties(place, growth.rules, lane);
    this.#writeRoot(root);
    const nLeaves = this.#grow(state);
    const nodes = this.#writeNodes(growth, nLeaves);
    return nodes.map((node, i) => this.#leafAt(state + growthState.leaves + i * growthLeaf.bytes, node, root));
  }

  #writeRoot(root: Leaf): void {
    const { words, doubles } = this.#place.view;
    const at = this.#state + growthState.leaves;
    for (const name of ["gradient", "hessian", "count", "gain"] as const)
      doubles[(at + growthLeaf[name]) / 8] = root[name];
    for (const name of ["begin", "own", "restBegin", "rest", "slot", "depth"] as const)
      words[(at + growthLeaf[name]) / 4] = root[name];
  }

  /** Writes the splits to the tree, with routes where rows are watched, which go by them; returns the node of each leaf. */
  #writeNodes(growth: Growth, nLeaves: number): number[] {
    const { tree, scales } = growth;
    const { words, doubles } = this.#place.view;
    const { settings, features, nValidation } = this.#plan;
    const nodes = [0];
    let at = this.#state + growthSplitsAt(settings.leaves);
    for (; nodes.length < nLeaves; at += growthSplit.bytes) {
      const position = words[(at + growthSplit.leaf) / 4]! / growthLeaf.bytes;
      const node = nodes[position]!;
      const split = {
        feature: words[(at + growthSplit.feature) / 4]!,
        bin: words[(at + growthSplit.bin) / 4]!,
        missingLeft: words[(at + growthSplit.missingLeft) / 4]!,
      };
      if (nValidation > 0) {
        const routes = tree.routes.subarray(node << tree.routeBits, (node + 1) << tree.routeBits);
        routeNumber({ ...split, routes }, features.nValues[split.feature]!);
      }
      const left = openNode(growth, node, split, doubles[(at + growthSplit.gain) / 8]!);
      tree.cover[left] = doubles[(at + growthSplit.leftHessian) / 8]! / scales.hessian;
      tree.cover[left + 1] = doubles[(at + growthSplit.rightHessian) / 8]! / scales.hessian;
      nodes[position] = left;
      nodes.push(left + 1);
    }
    return nodes;
  }

  #leafAt(at: number, node: number, { freedom }: Leaf): Leaf {
    const { words, doubles } = this.#place.view;
    return {
      gradient: doubles[(at + growthLeaf.gradient) / 8]!,
      hessian: doubles[(at + growthLeaf.hessian) / 8]!,
      count: doubles[(at + growthLeaf.count) / 8]!,
      gain: 0,
      begin: words[(at + growthLeaf.begin) / 4]!,
      own: words[(at + growthLeaf.own) / 4]!,
      restBegin: words[(at + growthLeaf.restBegin) / 4]!,
      rest: words[(at + growthLeaf.rest) / 4]!,
      slot: words[(at + growthLeaf.slot) / 4]!,
      depth: words[(at + growthLeaf.depth) / 4]!,
      node,
      split: null,
      freedom,
    };
  }
}
