import type { Kind } from "../frame/column.ts";
import type { Frame } from "../frame/frame.ts";
import type { SourceType } from "../query/source-type.ts";
import type { ColumnProfile } from "./profile.ts";

/** Cells of a column that were read as another kind of value than their source holds. */
export interface Coercion {
  readonly column: string;
  readonly from: string;
  readonly to: Kind;
  /** Those that have a value now. */
  readonly cells: number;
  /** Those that have none: missing in the source, or not to be read as the kind. */
  readonly missing: number;
}

/** Types that are what a kind is. */
const own: Readonly<Record<Kind, readonly string[]>> = {
  number: ["number", "integer", "decimal"],
  boolean: ["boolean"],
  timestamp: ["time"],
  category: ["text"],
  text: ["text"],
};

/** What became another kind of value between a source and its snapshot, by column. */
export function coercionsOf(
  types: readonly SourceType[],
  { nRows }: Pick<Frame, "nRows">,
  columns: readonly Pick<ColumnProfile, "column" | "kind" | "nMissing">[],
): readonly Coercion[] {
  const typeOf = new Map(types.map(({ column, type }) => [column, type]));
  return columns.flatMap(({ column, kind, nMissing }) => {
    const from = typeOf.get(column);
    if (from === undefined || own[kind].includes(from)) return [];
    return [{ column, from, to: kind, cells: nRows - nMissing, missing: nMissing }];
  });
}
