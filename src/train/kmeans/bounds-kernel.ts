import {
  type Code,
  type KernelFunction,
  constant,
  f64Constant,
  f64Load,
  f64Store,
  f64x2ExtractLane,
  get,
  i32,
  i32Load,
  i32Store,
  isBelow,
  loop,
  move,
  op,
  set,
  v128,
  v128Load,
  v128Load64Splat,
  v128Load64Upper,
  v128Load64Zero,
  whileBelow,
} from "../../math/wasm/assembler.ts";
import { put } from "../../math/wasm/code.ts";
import { type Drift, safety } from "./bounds.ts";
import { driftBytes, type RankingPlaces, rankedAtOnce } from "./places.ts";

/** Bytes from the drift's address to what is the same for all centres. */
const [errorAfter, errorBefore, margins] = [0, 16, 32];
/** Bytes from there to what is a centre's, on top of `driftBytes` times its number. */
const [plus, minus, both, apart] = [64, 80, 96, 104];
const own = plus;

/** Writes the drift as the kernels read it. */
export function writeDrift(buffer: ArrayBufferLike, at: number, error: number, drift: Drift): void {
  const clusters = drift.own.length;
  const cells = new Float64Array(buffer, at, ((1 + clusters) * driftBytes) / 8);
  cells.set([0, error, error, 0, safety, -safety]);
  for (let c = 0; c < clusters; ++c) {
    const others = drift.others[c]!;
    const numbers = [drift.own[c]!, others, -drift.own[c]!, others, drift.both[c]!, drift.apart[c]!];
    cells.set(numbers, (plus + c * driftBytes) / 8);
  }
}

type Places = Pick<RankingPlaces, "norms" | "upper" | "slack" | "assignment">;

/** The address of a centre's drift, but for where its numbers begin. */
const entryOf = (drift: number, centre: Code): Code => [
  centre,
  constant(Math.log2(driftBytes)),
  op.i32Shl,
  get(drift),
  op.i32Add,
];
const times = (local: number, power: number): Code => [get(local), constant(power), op.i32Shl];

/**
 * Writes of each listed row, of which `best` has what its ranking found, the bounds of its distances as `upperBound` and
 * `lowerBound` give them: one in each lane. Lists from `moved` on the positions of those whose nearest centre is another
 * than before, and gives where that list ends.
 */
export function boundKernel({ norms, upper, slack, assignment }: Places): KernelFunction {
  const [listed, end, best, moved, drift] = [0, 1, 2, 3, 4];
  const [row, centre, entry, position, distance, bound] = [5, 6, 7, 8, 9, 10];
  return {
    name: "bound",
    parameters: [i32, i32, i32, i32, i32],
    result: i32,
    locals: [i32, i32, i32, i32, v128, v128],
    body: [
      loop(
        put(row, get(listed), i32Load(0)),
        put(centre, get(best), f64Load(2 * rankedAtOnce * 8), op.i32FromF64),
        put(entry, entryOf(drift, get(centre))),
        // The scores of the nearest and the second centre, and what is left of the row's length by twice each.
        [get(best), get(best), v128Load64Zero(0), v128Load64Upper(rankedAtOnce * 8)],
        set(distance),
        [times(row, 3), v128Load64Splat(norms), get(distance), get(distance), op.f64x2Add],
        [op.f64x2Sub, get(drift), v128Load(errorAfter), op.f64x2Sub],
        [f64Constant(0), op.f64x2Splat, op.f64x2Pmax],
        [get(drift), v128Load(errorBefore), op.f64x2Add, op.f64x2Sqrt],
        set(distance),
        [get(distance), get(entry), v128Load(minus), op.f64x2Add],
        [get(distance), get(entry), v128Load(plus), op.f64x2Add],
        [get(drift), v128Load(margins), op.f64x2Mul, op.f64x2Add],
        set(bound),
        [times(row, 3), get(bound), f64x2ExtractLane(0), f64Store(upper)],
        [times(row, 3), get(bound), f64x2ExtractLane(1), get(bound), f64x2ExtractLane(0)],
        [op.f64Sub, f64Store(slack)],
        [get(moved), get(position), i32Store(0)],
        [get(moved), times(row, 2), i32Load(assignment), get(centre), op.i32Ne],
        put(moved, constant(2), op.i32Shl, op.i32Add),
        [move(position, 1), move(best, 8), move(listed, 4), isBelow(listed, end)],
      ),
      get(moved),
    ],
  };
}

/** Lists the rows from one to before another that the bounds do not hold where they are; gives where the list ends. See `listLoose`. */
export function listKernel({ upper, slack, assignment }: Places): KernelFunction {
  const [row, end, listed, drift] = [0, 1, 2, 3];
  const [last, kept, entry] = [4, 5, 6];
  const entryOfRow = put(entry, entryOf(drift, [times(row, 2), i32Load(assignment)]));
  const unless = (condition: Code): Code => [condition, op.i32Eqz, constant(2), op.i32Shl, op.i32Add];
  const most = [times(row, 3), f64Load(upper), get(entry), f64Load(own), op.f64Add];
  return {
    name: "list",
    parameters: [i32, i32, i32, i32],
    result: i32,
    locals: [i32, i32, i32],
    body: [
      [put(last, get(listed)), put(kept, get(listed))],
      loop(
        [get(last), get(row), i32Store(0), entryOfRow],
        put(last, get(last), unless([get(entry), f64Load(both), times(row, 3), f64Load(slack), op.f64Lt])),
        [move(row, 1), isBelow(row, end)],
      ),
      whileBelow(
        listed,
        last,
        [put(row, get(listed), i32Load(0)), get(kept), get(row), i32Store(0), entryOfRow],
        put(kept, get(kept), unless([most, get(entry), f64Load(apart), op.f64Lt])),
        move(listed, 4),
      ),
      get(kept),
    ],
  };
}
