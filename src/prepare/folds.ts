import { MillraceError } from "../core/errors/error.ts";
import type { Rng } from "../core/rng.ts";
import { shuffle } from "../core/rng.ts";
import { columnOf } from "../frame/frame.ts";
import { columnFolds } from "./column-folds.ts";
import type { Fold, FoldInput } from "./fold.ts";
import { groupCodes, identityHashes, withValue } from "./keys.ts";
import { moveBorder, timeOrder } from "./past.ts";
import { roleOf } from "./roles.ts";
import { innerWay } from "./split.ts";
import { strataOf } from "./strata.ts";
import { turns, windows } from "./turns.ts";

/**
 * Divides `rows` (of train and validation) into `k` turns of cross-validation in the manner of the split: chance, id hash,
 * label shares or whole groups. By time the windows expand: turn i learns from the first i + 1 of k + 1 periods and tests
 * on the next, never on the past; rows without a time are in none, and a group whose rows lie on both sides of a border is parted there.
 * A declared group is obeyed whatever else the split goes by. A `column` that names each row's fold decides instead of `k`.
 *
 * Throws SPLIT_EMPTY where a part would hold no rows, and what columnFolds throws.
 */
export function planFolds(k: number, input: FoldInput & { readonly column?: string | undefined }): readonly Fold[] {
  if (input.column !== undefined) return columnFolds(input.column, input);
  const rng = input.rng.fork("folds");
  const by = innerWay(input.by, input);
  const folds = by === "time" ? periods(k, input) : turns(k, input.rows, foldCodes(k, { ...input, by }, rng));
  folds.forEach((fold, i) => {
    if (fold.train.length === 0 || fold.test.length === 0)
      throw new MillraceError("SPLIT_EMPTY", { split: `fold ${i + 1} of ${k}`, nRows: input.rows.length });
  });
  return folds;
}

/** The fold of each of input.rows, by its position there. */
function foldCodes(k: number, input: FoldInput, rng: Rng): Uint32Array {
  const { rows, frame, roles } = input;
  switch (input.by) {
    case "hash": {
      const hashes = identityHashes(frame, roles, rng);
      return rows.map((row) => (Number.isNaN(hashes[row]) ? row % k : Math.floor((hashes[row]! / 4294967296) * k)));
    }
    case "group": {
      const groups = groupCodes(columnOf(frame, roleOf(roles, "group")), rows);
      const foldOfGroup = spreadGroups(k, groups.sizes, rng);
      return groups.codes.map((group) => foldOfGroup[group]!);
    }
    case "target":
      return dealOut(
        k,
        frame.nRows,
        rows,
        (shuffled) => strataOf(columnOf(frame, roleOf(roles, "target")), input.task, shuffled).rows,
        rng,
      );
    default:
      return dealOut(k, frame.nRows, rows, (shuffled) => shuffled, rng);
  }
}

/** Deals rows like cards, in random order (target: label after label), so that fold sizes and label shares differ by one row at most. */
function dealOut(
  k: number,
  nRows: number,
  rows: Uint32Array,
  arrange: (shuffled: Uint32Array) => Uint32Array,
  rng: Rng,
): Uint32Array {
  const shuffled = rows.slice();
  shuffle(shuffled, rng);
  const dealt = arrange(shuffled);
  const foldOfRow = new Uint8Array(nRows);
  for (let i = 0; i < dealt.length; ++i) foldOfRow[dealt[i]!] = i % k;
  return rows.map((row) => foldOfRow[row]!);
}

/** The largest group first (equal sizes in random order), each into the fold that holds fewest rows. */
function spreadGroups(k: number, sizes: Uint32Array, rng: Rng): Uint8Array {
  const order = Uint32Array.from(sizes, (_, i) => i);
  shuffle(order, rng);
  const bySize = Array.from(order).sort((a, b) => sizes[b]! - sizes[a]!);
  const held = new Float64Array(k);
  const foldOfGroup = new Uint8Array(sizes.length);
  for (const group of bySize) {
    let smallest = 0;
    for (let fold = 1; fold < k; ++fold) if (held[fold]! < held[smallest]!) smallest = fold;
    foldOfGroup[group] = smallest;
    held[smallest] = held[smallest]! + sizes[group]!;
  }
  return foldOfGroup;
}

function periods(k: number, input: FoldInput): Fold[] {
  const time = columnOf(input.frame, roleOf(input.roles, "time"));
  const { order, times } = timeOrder(time, withValue(time, input.rows));
  const n = order.length;
  const borders = [0];
  for (let i = 1; i <= k; ++i) borders.push(moveBorder(times, borders[i - 1]!, n, Math.round((i * n) / (k + 1))));
  borders.push(n);
  return windows(order, times, borders, input.gapMs ?? 0);
}
