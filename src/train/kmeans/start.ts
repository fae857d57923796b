import type { Rng } from "../../core/rng.ts";
import { log } from "../../math/elementary.ts";
import type { Design } from "../../model/design.ts";
import { type Parts, partsOf } from "../parts.ts";
import { agreedToStop, type Team } from "../../threads/team.ts";
import { type Candidates, createCandidates } from "./candidates.ts";
import { halfLengths, type PointRows } from "./nearest.ts";
import type { RankingPlan } from "./ranking.ts";
import { scoredAtOnce } from "./ranking-kernel.ts";

/** Writes the values of `row` as centre number `centre`. */
export function placeCentre(design: Design, row: number, centres: Float64Array, centre: number): void {
  const { dense, sparse } = design;
  const nColumns = dense.length + sparse.names.length;
  const at = centre * nColumns;
  centres.fill(0, at, at + nColumns);
  for (let j = 0; j < dense.length; ++j) centres[at + j] = dense[j]!.values[row]!;
  const end = sparse.offsets[row + 1]!;
  for (let e = sparse.offsets[row]!; e < end; ++e) centres[at + dense.length + sparse.indices[e]!] = sparse.values[e]!;
}

/** Centres at `clusters` different rows, drawn uniformly. */
export function randomStart(design: Design, clusters: number, rng: Rng): Float64Array {
  const centres = new Float64Array(clusters * (design.dense.length + design.sparse.names.length));
  const taken = new Set<number>();
  while (taken.size < clusters) {
    const row = rng.integer(design.nRows);
    if (taken.has(row)) continue;
    placeCentre(design, row, centres, taken.size);
    taken.add(row);
  }
  return centres;
}

/** The rows that centres are drawn from, and room that the threads of a team share. */
export interface StartField {
  readonly design: Design;
  readonly rows: PointRows;
  /** Over the rows; null where they are scored without one. */
  readonly kernel: RankingPlan | null;
  readonly weights: Float64Array | null;
  /** Squared length of every row. */
  readonly norms: Float64Array;
  readonly parts: Parts;
  /** By row: the squared distance from the nearest centre so far. */
  readonly nearest: Float64Array;
  /** By part: `startSums` of them. */
  readonly sums: Float64Array;
  /** For `agreedToStop`. */
  readonly flags: Int32Array;
}

/** Rows measured side by side as candidates for a centre. */
const side = 4;
/** About 2 + ln(clusters) in whole fours: what Arthur and Vassilvitskii tried, and scikit-learn does. */
const candidatesFor = (clusters: number): number => side * Math.ceil(Math.floor(2 + log(clusters)) / side);
/** Numbers a part: the chance of its rows, and what would be left of it with each candidate. */
export const startSums = (clusters: number): number => 1 + candidatesFor(clusters);

/** Of rows that one thread alone starts from. */
export function soloField(of: Pick<StartField, "design" | "rows" | "weights" | "norms">, clusters: number): StartField {
  const parts = partsOf(of.norms.length);
  const sums = new Float64Array(parts.nParts * startSums(clusters));
  return { ...of, kernel: null, parts, nearest: new Float64Array(of.norms.length), sums, flags: new Int32Array(1) };
}

/**
 * Greedy k-means++ (Arthur and Vassilvitskii 2007): rows are drawn with probability in proportion to their weight times their
 * squared distance from the centres so far; of several so drawn that one is the next centre that leaves the least sum of
 * these. All threads of a team call it alike and get the same; null where they were asked to stop.
 */
export async function plusPlusStart(
  field: StartField,
  clusters: number,
  rng: Rng,
  team: Team,
): Promise<Float64Array | null> {
  const { design, nearest, parts } = field;
  const nColumns = design.dense.length + design.sparse.names.length;
  const centres = new Float64Array(clusters * nColumns);
  const candidates = new Float64Array(candidatesFor(clusters) * nColumns);
  const measured = createCandidates(field.rows, field.kernel, team.thread);
  forParts(parts, team, (part, from, to) => {
    nearest.fill(1, from, to);
    sumChances(field, part, from, to);
  });
  for (let c = 0; c < clusters; ++c) {
    const nDrawn = c === 0 ? 1 : candidatesFor(clusters);
    const drawn = Array.from({ length: nDrawn }, () => drawInProportion(field, rng));
    drawn.forEach((row, i) => placeCentre(design, row, candidates, i));
    // Nobody may move the distances on while another thread still draws by them.
    team.barrier();
    if (nDrawn > 1)
      forParts(parts, team, (part, from, to) => weighCandidates(field, measured, candidates, part, from, to));
    placeCentre(design, drawn[leastLeft(field, nDrawn)]!, centres, c);
    forParts(parts, team, (part, from, to) => {
      if (c === 0) nearest.fill(Infinity, from, to);
      bringNearer(field, measured, centres.subarray(c * nColumns, (c + 1) * nColumns), part, from, to);
    });
    await team.pause();
    if (agreedToStop(team, field.flags)) return null;
  }
  return centres;
}

/** Does this thread's parts of the work and waits for the others'. */
function forParts(parts: Parts, team: Team, work: (part: number, from: number, to: number) => void): void {
  for (let part = team.thread; part < parts.nParts; part += team.threads) work(part, ...parts.rangeOf(part));
  team.barrier();
}

/** Numbers a part, as `startSums` gives them. */
function widthOf({ sums, parts }: StartField): number {
  return sums.length / parts.nParts;
}

function sumChances(field: StartField, part: number, from: number, to: number): void {
  const { weights, nearest, sums } = field;
  let total = 0;
  for (let row = from; row < to; ++row) total += (weights === null ? 1 : weights[row]!) * nearest[row]!;
  sums[part * widthOf(field)] = total;
}

/** A row, with probability in proportion to its chance; any row where all chances are 0. */
function drawInProportion(field: StartField, rng: Rng): number {
  const { weights, nearest, parts, sums } = field;
  const step = widthOf(field);
  let total = 0;
  for (let part = 0; part < parts.nParts; ++part) total += sums[part * step]!;
  const wanted = rng.next() * total;
  if (!(total > 0)) return rng.integer(nearest.length);
  let chosen = 0;
  let passed = 0;
  let end = 0;
  for (let part = 0; part < parts.nParts && wanted >= end; ++part) {
    const own = sums[part * step]!;
    if (own === 0) continue;
    [chosen, passed, end] = [part, end, end + own];
  }
  const [from, to] = parts.rangeOf(chosen);
  let last = from;
  for (let row = from; row < to; ++row) {
    const chance = (weights === null ? 1 : weights[row]!) * nearest[row]!;
    if (chance === 0) continue;
    last = row;
    passed += chance;
    if (passed > wanted) return row;
  }
  return last;
}

/** Sums up for each candidate what chances it would leave to the rows of a part. */
function weighCandidates(
  field: StartField,
  measured: Candidates,
  candidates: Float64Array,
  part: number,
  from: number,
  to: number,
): void {
  const { norms, weights, nearest, sums } = field;
  const { scores } = measured;
  const nCandidates = widthOf(field) - 1;
  const halves = halfLengths(candidates, nCandidates);
  for (let first = 0; first < nCandidates; first += side) {
    measured.aim(candidates, halves, first, side);
    let [left0, left1, left2, left3] = [0, 0, 0, 0];
    for (let start = from; start < to; start += scoredAtOnce) {
      const end = Math.min(to, start + scoredAtOnce);
      measured.score(start, end);
      for (let row = start, at = 0; row < end; ++row, at += side) {
        const norm = norms[row]!;
        const most = nearest[row]!;
        const weight = weights === null ? 1 : weights[row]!;
        left0 += weight * Math.min(most, Math.max(0, norm - 2 * scores[at]!));
        left1 += weight * Math.min(most, Math.max(0, norm - 2 * scores[at + 1]!));
        left2 += weight * Math.min(most, Math.max(0, norm - 2 * scores[at + 2]!));
        left3 += weight * Math.min(most, Math.max(0, norm - 2 * scores[at + 3]!));
      }
    }
    sums.set([left0, left1, left2, left3], part * (1 + nCandidates) + 1 + first);
  }
}

/** The candidate that leaves the least, the first of equals; the sums of the parts in order. */
function leastLeft(field: StartField, nDrawn: number): number {
  const { sums } = field;
  const left = new Float64Array(nDrawn);
  for (let at = 1; at < sums.length; at += widthOf(field)) for (let i = 0; i < nDrawn; ++i) left[i]! += sums[at + i]!;
  return nDrawn === 1 ? 0 : left.indexOf(left.reduce((least, one) => Math.min(least, one)));
}

/** Takes a new centre along in the distances of a part's rows, and sums up their chances. */
function bringNearer(
  field: StartField,
  measured: Candidates,
  centre: Float64Array,
  part: number,
  from: number,
  to: number,
): void {
  const { norms, nearest, weights, sums } = field;
  const { scores } = measured;
  measured.aim(centre, halfLengths(centre, 1), 0, 1);
  let total = 0;
  for (let start = from; start < to; start += scoredAtOnce) {
    const end = Math.min(to, start + scoredAtOnce);
    measured.score(start, end);
    for (let row = start, at = 0; row < end; ++row, at += side) {
      const distance = Math.max(0, norms[row]! - 2 * scores[at]!);
      if (distance < nearest[row]!) nearest[row] = distance;
      total += (weights === null ? 1 : weights[row]!) * nearest[row]!;
    }
  }
  sums[part * widthOf(field)] = total;
}
