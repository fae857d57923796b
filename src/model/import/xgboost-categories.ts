import { type Members, isMembers, listAt, wholeIn } from "./members.ts";
import { refuse } from "./refusal.ts";

/** The levels of a column as the file knows them (XGBoost 3.1 and later); null where it knows none. */
export function levelsOfColumns(model: Members, nColumns: number): (column: number) => readonly string[] | null {
  const cats = Object.hasOwn(model, "cats") ? model["cats"] : null;
  if (!isMembers(cats)) return () => null;
  const encodings = listAt(cats, "enc");
  if (encodings.length === 0) return () => null;
  if (encodings.length !== nColumns) refuse(`it encodes ${encodings.length} columns, not ${nColumns}`);
  return (column) => {
    const encoding = encodings[column];
    if (!isMembers(encoding)) return refuse(`the levels of column ${column} are no object`);
    const values = listAt(encoding, "values");
    const levels = Object.hasOwn(encoding, "offsets")
      ? textsIn(values, listAt(encoding, "offsets"), column)
      : Array.from(values, (value) =>
          String(wholeIn(value, "a level", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
        );
    return levels.length === 0 ? null : levels;
  };
}

/** Texts side by side as signed bytes of UTF-8, level k from offsets[k] to offsets[k + 1]. */
function textsIn(values: ArrayLike<unknown>, offsets: ArrayLike<unknown>, column: number): string[] {
  const bytes = Uint8Array.from(values, (value) => wholeIn(value, "a byte of a level", -128, 255));
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return Array.from({ length: Math.max(0, offsets.length - 1) }, (_, level) => {
    const from = wholeIn(offsets[level], "an offset of a level", 0, bytes.length);
    const to = wholeIn(offsets[level + 1], "an offset of a level", from, bytes.length);
    try {
      return decoder.decode(bytes.subarray(from, to));
    } catch {
      return refuse(`the levels of column ${column} are no UTF-8 (XGBoost cuts other letters than ASCII); give them`);
    }
  });
}
