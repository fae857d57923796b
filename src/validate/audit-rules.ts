import type { Kind } from "../frame/column.ts";
import { columnOf, columnsOf, findColumn, kindOf } from "../frame/frame.ts";
import { associate, type AssociationTarget } from "./association.ts";
import type { AuditRequest, Suspicion } from "./audit.ts";
import { lateLimit, shareLater } from "./later-times.ts";
import { nearDuplicateShare } from "./near-duplicates.ts";
import { sampleOf } from "./sample-rows.ts";
import { isEntityName, sharedEntities } from "./shared-entities.ts";
import { findTotal } from "./suspect-leaks.ts";
import { tellApart } from "./tell-apart.ts";

/** The rows of a split that rules look at. */
export interface AuditedRows {
  readonly train: Uint32Array;
  readonly test: Uint32Array;
  readonly sample: Uint32Array;
}

const quote = (name: string): string => JSON.stringify(name);
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const mostEntityRows = 200_000;

/**
 * Entities on both sides: the declared group and id, and columns whose name says that they name entities. An error where
 * the group was declared but not obeyed, or where the train rows of an entity answer for its test rows.
 */
export function entitiesAcross(request: AuditRequest, rows: AuditedRows, goal: AssociationTarget | null): Suspicion[] {
  const { frame, roles, contract, by } = request;
  const taken = new Set([roles.target, roles.time, roles.weight]);
  const named = contract.columns.map(({ name }) => name).filter((name) => isEntityName(name) && !taken.has(name));
  const candidates = [...new Set([...[roles.group, roles.id].filter((name) => name !== null), ...named])];
  const [train, test] = [sampleOf(rows.train, mostEntityRows), sampleOf(rows.test, mostEntityRows)];
  return candidates.flatMap((column) => {
    const data = findColumn(frame, column);
    const found = data ? sharedEntities(data, train, test, goal) : null;
    if (!found || found.share < 0.05) return [];
    const isGroup = column === roles.group;
    if (isGroup && by === "time") return [];
    const answers = found.gain !== null && found.gain >= 0.8;
    const told = answers ? `, and their train rows take away ${percent(found.gain)} of the errors on them` : "";
    const evidence = `${percent(found.share)} of the test rows belong to one of ${found.nEntities} values that train rows have too${told}`;
    const remedy = isGroup
      ? 'Write split: { by: "group" }, so that a group stays on one side.'
      : `If it names an entity with several rows, write group: ${quote(column)}.`;
    return [{ rule: "entity", column, severity: isGroup || answers ? "error" : "warning", evidence, remedy }];
  });
}

/** Times that lie behind the row's own: what happened later was not known then. */
export function fromTheFuture({ frame, roles, features, reads }: AuditRequest, { sample }: AuditedRows): Suspicion[] {
  if (roles.time === null) return [];
  const time = columnOf(frame, roles.time);
  if (time.kind !== "timestamp") return [];
  const used = [...new Set([...(features ?? []), ...(reads ?? [])])].filter((name) => name !== roles.time);
  return used.flatMap((column) => {
    const data = kindOf(frame, column) === "timestamp" ? columnOf(frame, column) : null;
    if (data?.kind !== "timestamp") return [];
    const share = shareLater(data.values, time.values, sample);
    if (share < lateLimit) return [];
    const evidence = `in ${percent(share)} of the rows it lies after the row's own ${quote(roles.time!)}`;
    const remedy = `It was not known then: write prepare: { ${quote(column)}: "drop" } and derive nothing from it.`;
    return [{ rule: "future", column, severity: "error", evidence, remedy }];
  });
}

const mostNearTest = 20_000;
const nearLimit = 0.02;

/** Test rows that differ from a train row in little. */
export function nearDuplicates(request: AuditRequest, features: readonly string[], rows: AuditedRows): Suspicion[] {
  const { frame, target, roles } = request;
  const names = [...new Set([...features, ...[target, roles.time].filter((name) => name !== null)])];
  const columns = columnsOf(
    frame,
    names.filter((name) => kindOf(frame, name) !== undefined),
  );
  const share = nearDuplicateShare(columns, rows.train, sampleOf(rows.test, mostNearTest));
  if (share === null || share < nearLimit) return [];
  const evidence = `${percent(share)} of the test rows are nearly equal to a train row`;
  const remedy = "If they are versions of one row, keep one of them, or name what they share in `group`.";
  return [{ rule: "nearDuplicates", column: null, severity: "warning", evidence, remedy }];
}

const namedLimits = { auc: 0.9, r2: 0.8, gain: 0.8 } as const;

/** Columns that are called after the target: an error where they say much of it too. */
export function namedAfterTarget(
  { frame, target }: AuditRequest,
  column: string,
  goal: AssociationTarget | null,
): Suspicion[] {
  if (target === null || column === target || !isNamedAfter(column, target)) return [];
  const found = goal ? associate(columnOf(frame, column), goal) : null;
  const isStrong = found !== null && found.value >= namedLimits[found.measure];
  const evidence = `its name says that it is made from "${target}"${isStrong ? `, and alone it predicts it well (${found.measure} ${found.value.toFixed(3)})` : ""}`;
  const remedy = `Where it is, write prepare: { ${quote(column)}: "drop" }; where not, accept it with allow: [{ column: ${quote(column)}, reason: "..." }].`;
  return [{ rule: "targetName", column, severity: isStrong ? "error" : "warning", evidence, remedy }];
}

const derivedWords = new Set(
  "target label outcome groundtruth encoded enc predicted prediction pred mean avg log rank bin binned bucket lag lead next future final".split(
    " ",
  ),
);

/** All words of the target's name stand in the column's, which has one more that tells of a derivation; or it is called "target". */
export function isNamedAfter(column: string, target: string): boolean {
  const [words, wanted] = [wordsOf(column), wordsOf(target)];
  if (words.length === 1 && ["target", "label", "outcome", "groundtruth"].includes(words[0]!)) return true;
  const rest = words.filter((word) => !wanted.includes(word));
  return wanted.every((word) => words.includes(word)) && rest.some((word) => derivedWords.has(word));
}

function wordsOf(name: string): string[] {
  const spaced = name.replace(/([a-z\d])([A-Z])/g, "$1 $2").toLowerCase();
  return spaced.split(/[^\p{L}\d]+/u).filter((word) => word !== "");
}

/** Number columns that look like a sum of which the target is a part. */
export function totals({ frame, target }: AuditRequest, features: readonly string[], sample: Uint32Array): Suspicion[] {
  if (target === null) return [];
  const present = features.filter((name) => name !== target && kindOf(frame, name) !== undefined);
  const column = findTotal(frame, target, present, sample);
  if (column === null) return [];
  const evidence = `it looks like a sum that contains "${target}": with the other columns it gives the target away`;
  const remedy = `Where it is known only with the target, write prepare: { ${quote(column)}: "drop" }.`;
  return [{ rule: "targetProxy", column, severity: "warning", evidence, remedy }];
}

/** A classifier that tells train rows from test rows finds shifts that no single column shows. */
export function distinguishable(request: AuditRequest, features: readonly string[], rows: AuditedRows): Suspicion[] {
  const { frame, roles, by } = request;
  const isTime = (kind: Kind): boolean => by === "time" && kind === "timestamp";
  const names = features.filter((name) => {
    const kind = kindOf(frame, name);
    return kind !== undefined && name !== roles.time && !isTime(kind);
  });
  const found = tellApart(names, columnsOf(frame, names), rows.train, rows.test);
  if (!found || found.auc < (by === "time" ? 0.8 : 0.65)) return [];
  const evidence = `a linear classifier tells train rows from test rows with AUC ${found.auc.toFixed(3)}, most by ${found.columns.join(", ")}`;
  const remedy =
    by === "time"
      ? "Expect the model to age: retrain often, or express these columns relative to their recent level."
      : "Check how rows were collected, or split by time or group.";
  return [{ rule: "shift", column: null, severity: "warning", evidence, remedy }];
}
