import type { Rng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";
import { type Parts, partsOf } from "../parts.ts";
import { agreedToStop, type Team } from "../../threads/team.ts";
import { type Candidates, createCandidates } from "./candidates.ts";
import { halfLengths, measureRows, writeRows } from "./nearest.ts";
import { candidatesFor, leftAt, side } from "./places.ts";
import { plainRoom, type RankingRoom } from "./ranking.ts";

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

/**
 * The rows that centres are drawn from, and room that the threads of a team share. No row has bounds yet: where they will stand,
 * `upper`, is its squared distance from the nearest centre before the latest.
 */
export interface StartField extends RankingRoom {
  readonly design: Design;
  readonly weights: Float64Array | null;
  readonly parts: Parts;
  /** By part: `startSums` of them. */
  readonly sums: Float64Array;
  /** For `agreedToStop`. */
  readonly flags: Int32Array;
}

/** Numbers a part: the chance of its rows, and what would be left of it with each candidate. */
export const startSums = (clusters: number): number => 1 + candidatesFor(clusters);

/** Of rows that one thread alone starts from. */
export function soloField(design: Design, weights: Float64Array | null, clusters: number): StartField {
  const parts = partsOf(design.nRows);
  const sums = new Float64Array(parts.nParts * startSums(clusters));
  const room = plainRoom(design, clusters);
  writeRows(design, room.rows, 0, design.nRows);
  measureRows(room.rows, 0, design.nRows, room.norms);
  return { ...room, design, weights, parts, sums, flags: new Int32Array(1) };
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
  const { design, upper: nearest, parts } = field;
  const nColumns = design.dense.length + design.sparse.names.length;
  const centres = new Float64Array(clusters * nColumns);
  const candidates = new Float64Array(candidatesFor(clusters) * nColumns);
  const measured = createCandidates(field, team.thread);
  let latest = none;
  forParts(parts, team, (part, from, to) => {
    nearest.fill(1, from, to);
    sumChances(field, part, from, to);
  });
  for (let c = 0; c < clusters; ++c) {
    const nDrawn = c === 0 ? 1 : candidatesFor(clusters);
    const drawn = Array.from({ length: nDrawn }, () => drawInProportion(field, latest, rng));
    drawn.forEach((row, i) => placeCentre(design, row, candidates, i));
    const tried = candidates.subarray(0, nDrawn * nColumns);
    measured.aim(tried, halfLengths(tried, nDrawn));
    // Nobody may move the distances on while another thread still draws by them.
    team.barrier();
    forParts(parts, team, (part, from, to) => {
      if (c === 0) nearest.fill(Infinity, from, to);
      weighCandidates(field, measured, latest, nDrawn, part, from, to);
    });
    latest = leastLeft(field, nDrawn);
    placeCentre(design, drawn[latest]!, centres, c);
    await team.pause();
    if (agreedToStop(team, field.flags)) return null;
  }
  return centres;
}

/** In place of the latest centre's number among the candidates, where there is none yet. */
const none = -1;

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
  const { weights, upper: nearest, sums } = field;
  let total = 0;
  for (let row = from; row < to; ++row) total += (weights === null ? 1 : weights[row]!) * nearest[row]!;
  sums[part * widthOf(field)] = total;
}

/** A row, with probability in proportion to its chance; any row where all chances are 0. */
function drawInProportion(field: StartField, latest: number, rng: Rng): number {
  const { weights, upper: nearest, parts, sums } = field;
  const step = widthOf(field);
  // What was left with the latest centre when it was a candidate; before there is one, the first number.
  const at = 1 + latest;
  let total = 0;
  for (let part = 0; part < parts.nParts; ++part) total += sums[part * step + at]!;
  const wanted = rng.next() * total;
  if (!(total > 0)) return rng.integer(nearest.length);
  let chosen = 0;
  let passed = 0;
  let end = 0;
  for (let part = 0; part < parts.nParts && wanted >= end; ++part) {
    const own = sums[part * step + at]!;
    if (own === 0) continue;
    [chosen, passed, end] = [part, end, end + own];
  }
  const [from, to] = parts.rangeOf(chosen);
  let last = from;
  for (let row = from; row < to; ++row) {
    const chance = (weights === null ? 1 : weights[row]!) * distanceWith(field, latest, row);
    if (chance === 0) continue;
    last = row;
    passed += chance;
    if (passed > wanted) return row;
  }
  return last;
}

/** The squared distance of a row from the nearest centre, the latest among them. */
function distanceWith({ upper: nearest, left }: StartField, latest: number, row: number): number {
  return latest === none ? nearest[row]! : left[leftAt(nearest.length, row, latest)]!;
}

/** Rows worked on at a time: what is written of them is still in the cache when it is read; an even number. */
const blockRows = 256;

/** Takes the latest centre along in the distances of a part's rows, and sums up for each candidate what chances it would leave to them. */
function weighCandidates(
  field: StartField,
  measured: Candidates,
  latest: number,
  nDrawn: number,
  part: number,
  from: number,
  to: number,
): void {
  const { upper: nearest, left } = field;
  const sums = new Float64Array(widthOf(field) - 1);
  for (let start = from; start < to; start += blockRows) {
    const end = Math.min(to, start + blockRows);
    if (latest !== none)
      for (let row = start, at = leftAt(nearest.length, start, latest); row < end; ++row, at += side)
        nearest[row] = left[at]!;
    measured.measure(start, end);
    for (let first = 0; first < nDrawn; first += side) addLeft(field, first, start, end, sums);
  }
  field.sums.set(sums, part * widthOf(field) + 1);
}

/** Adds what four candidates would leave to some rows. */
function addLeft(
  { design: { nRows }, weights, left }: StartField, // in
  first: number,
  start: number,
  end: number,
  sums: Float64Array, // in and out
): void {
  let s0 = sums[first]!;
  let s1 = sums[first + 1]!;
  let s2 = sums[first + 2]!;
  let s3 = sums[first + 3]!;
  for (let row = start, at = leftAt(nRows, start, first); row < end; ++row, at += side) {
    const weight = weights === null ? 1 : weights[row]!;
    s0 += weight * left[at]!;
    s1 += weight * left[at + 1]!;
    s2 += weight * left[at + 2]!;
    s3 += weight * left[at + 3]!;
  }
  sums.set([s0, s1, s2, s3], first);
}

/** The candidate that leaves the least, the first of equals; the sums of the parts in order. */
function leastLeft(field: StartField, nDrawn: number): number {
  const { sums } = field;
  const left = new Float64Array(nDrawn);
  for (let at = 1; at < sums.length; at += widthOf(field)) for (let i = 0; i < nDrawn; ++i) left[i]! += sums[at + i]!;
  return nDrawn === 1 ? 0 : left.indexOf(left.reduce((least, one) => Math.min(least, one)));
}
