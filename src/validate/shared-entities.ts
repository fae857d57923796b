import type { ColumnData } from "../frame/column.ts";
import type { AssociationTarget } from "./association.ts";
import { isIdentifierName } from "./value-count.ts";

/** How far train and test share the entities that a column names. */
export interface SharedEntities {
  /** Share of the test rows whose entity has train rows too. */
  readonly share: number;
  readonly nEntities: number;
  /** Share of the errors on those test rows that go away where the train rows of the entity answer for it; null without a target. */
  readonly gain: number | null;
}

/** Compares the entities of two sets of rows; null where a row has no entity more often than not. */
export function sharedEntities(
  column: ColumnData,
  train: Uint32Array,
  test: Uint32Array,
  target: AssociationTarget | null,
): SharedEntities | null {
  const rowsOf = new Map<string | number, number[]>();
  for (const row of train) {
    const key = keyAt(column, row);
    if (key === null) continue;
    const known = rowsOf.get(key);
    if (known) known.push(row);
    else rowsOf.set(key, [row]);
  }
  const shared: number[] = [];
  let nKeyed = 0;
  for (const row of test) {
    const key = keyAt(column, row);
    if (key === null) continue;
    ++nKeyed;
    if (rowsOf.has(key)) shared.push(row);
  }
  if (rowsOf.size === 0 || nKeyed < test.length / 2) return null;
  const partners = (row: number): readonly number[] => rowsOf.get(keyAt(column, row)!)!;
  const gain = target && shared.length >= 20 ? gainOf(shared, partners, train, target) : null;
  return { share: shared.length / test.length, nEntities: rowsOf.size, gain };
}

function keyAt(column: ColumnData, row: number): string | number | null {
  switch (column.kind) {
    case "category":
      return column.codes[row]! < 0 ? null : column.codes[row]!;
    case "text":
      return column.values[row] ?? null;
    case "boolean":
      return column.values[row]! > 1 ? null : column.values[row]!;
    default:
      return Number.isNaN(column.values[row]) ? null : column.values[row]!;
  }
}

/** Squared errors of numbers, wrong answers of labels; the base is the mean or the commonest label of all train rows. */
function gainOf(
  rows: readonly number[],
  partners: (row: number) => readonly number[],
  train: Uint32Array,
  target: AssociationTarget,
): number {
  const valueOf = new Map<number, number>();
  for (let i = 0; i < target.rows.length; ++i) valueOf.set(target.rows[i]!, target.values[i]!);
  const answer = (of: Iterable<number>): number => {
    const values = Array.from(of, (row) => valueOf.get(row)).filter((value) => value !== undefined);
    return target.nLabels === 0 ? mean(values) : commonest(values);
  };
  // Once an entity: two of them may have all rows.
  const answers = new Map<readonly number[], number>();
  const answerOf = (of: readonly number[]): number => {
    const known = answers.get(of) ?? answer(of);
    answers.set(of, known);
    return known;
  };
  const base = answer(train);
  let without = 0;
  let withPartners = 0;
  for (const row of rows) {
    const truth = valueOf.get(row);
    if (truth === undefined) continue;
    const answered = answerOf(partners(row));
    without += target.nLabels === 0 ? (truth - base) ** 2 : Number(truth !== base);
    withPartners += target.nLabels === 0 ? (truth - answered) ** 2 : Number(truth !== answered);
  }
  return without === 0 ? 0 : Math.max(0, 1 - withPartners / without);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function commonest(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best = NaN;
  for (const [value, count] of counts) if (count > (counts.get(best) ?? 0)) best = value;
  return best;
}

/** Whether a column's name says that its values name entities, of which each may have several rows. */
export function isEntityName(name: string): boolean {
  if (isIdentifierName(name)) return true;
  return /(^|[_\W])(user|customer|client|patient|account|member|device|household|person|subject|student|employee|driver|vehicle|session|seller|buyer|owner)(_?(no|nr|number|code|name|ref))?$/i.test(
    name,
  );
}
