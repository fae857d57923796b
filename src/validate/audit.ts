import { MillraceError } from "../core/errors/error.ts";
import type { Contract } from "../frame/contract.ts";
import { columnOf, columnsOf, type Frame, kindOf } from "../frame/frame.ts";
import { rowsWithCode, splitCode } from "../frame/split-codes.ts";
import type { Roles } from "../model/model.ts";
import { associate, type AssociationTarget, associationTarget } from "./association.ts";
import {
  distinguishable,
  entitiesAcross,
  fromTheFuture,
  namedAfterTarget,
  nearDuplicates,
  totals,
} from "./audit-rules.ts";
import { repeatedTestRows } from "./repeated-rows.ts";
import { sampleOf } from "./sample-rows.ts";
import { populationShift } from "./shift.ts";
import { looksLikeIdentifier, possibleRows, valuesOf } from "./value-count.ts";

export type AuditRule =
  | "targetProxy"
  | "targetName"
  | "future"
  | "entity"
  | "identifier"
  | "constant"
  | "empty"
  | "repeatedRows"
  | "nearDuplicates"
  | "shift";

/** One suspicion. An error fails the gate unless `allowed`; a warning is only shown. */
export interface AuditFinding {
  readonly rule: AuditRule;
  /** The column; null where rows are meant. */
  readonly column: string | null;
  readonly severity: "error" | "warning";
  readonly evidence: string;
  readonly remedy: string;
  readonly allowed: boolean;
  /** Why it was accepted, where somebody said so. */
  readonly reason?: string;
}

/** A column whose findings are accepted, and why. */
export interface AcceptedColumn {
  readonly column: string;
  readonly reason: string | null;
}

export interface AuditReport {
  readonly findings: readonly AuditFinding[];
  /** Rows looked at: at most 200,000, evenly spaced (repeated rows: all train rows against at most 50,000 test rows). */
  readonly nSampled: number;
}

export interface AuditRequest {
  readonly frame: Frame;
  readonly target: string | null;
  /** By row: 0 train, 1 validation, 2 test, anything else left out. */
  readonly splitCodes: Uint8Array;
  readonly contract: Contract;
  readonly roles: Roles;
  /** Columns whose findings are accepted. */
  readonly allow: readonly AcceptedColumn[];
  /** Columns the model will read; default: the contract's columns without a role. */
  readonly features?: readonly string[];
  /** Columns that derived features read. */
  readonly reads?: readonly string[];
  /** How rows were split; a split by time makes shift expected, so that only its size is told. */
  readonly by?: string;
}

const mostSampled = 200_000;
const mostTestRows = 50_000;

/** From here a single column says so much that it must be the target in disguise. */
const proxyError = 0.995;
const proxyWarning = 0.97;
const shiftLimit = 0.25;
const repeatedLimit = 0.01;

/** A finding before it is known whether it is accepted. */
export type Suspicion = Omit<AuditFinding, "allowed" | "reason">;

/**
 * Looks for leakage before anything is learned: target proxies and columns named after the target, features from the
 * future, entities, equal and nearly equal rows on both sides of the split, identifiers, dead columns, shift.
 */
export function auditLeaks(request: AuditRequest): AuditReport {
  const { frame, splitCodes, allow } = request;
  if (splitCodes.length !== frame.nRows) {
    const reason = `the audit got ${splitCodes.length} split codes for ${frame.nRows} rows`;
    throw new MillraceError("INTERNAL", { reason });
  }
  const train = rowsWithCode(splitCodes, splitCode.train);
  const test = rowsWithCode(splitCodes, splitCode.test);
  const sample = sampleOf(rowsWithCode(splitCodes, splitCode.train, splitCode.validation, splitCode.test), mostSampled);
  const features = request.features ?? defaultFeatures(request);
  const goal = request.target === null ? null : associationTarget(columnOf(frame, request.target), sample);
  const suspicions: Suspicion[] = [];
  for (const name of features) {
    if (kindOf(frame, name) === undefined) continue;
    suspicions.push(...deadColumn(frame, name, sample), ...identifier(frame, name, sample));
    suspicions.push(...proxy(request, name, goal), ...shift(request, name, train, test));
    suspicions.push(...namedAfterTarget(request, name, goal));
  }
  const rows = { train, test, sample };
  suspicions.push(...fromTheFuture({ ...request, features }, rows), ...entitiesAcross(request, rows, goal));
  suspicions.push(
    ...totals(
      request,
      features.filter((name) => !suspicions.some((one) => one.column === name)),
      sample,
    ),
  );
  const copies = repeated(request, features, train, test);
  suspicions.push(...copies, ...(copies.length > 0 ? [] : nearDuplicates(request, features, rows)));
  // What a single column shows needs no classifier.
  if (!suspicions.some(({ rule }) => rule === "shift")) suspicions.push(...distinguishable(request, features, rows));
  const accepted = new Map(allow.map(({ column, reason }) => [column, reason] as const));
  const findings = suspicions.map((suspicion): AuditFinding => {
    const reason = suspicion.column === null ? undefined : accepted.get(suspicion.column);
    return { ...suspicion, allowed: reason !== undefined, ...(typeof reason === "string" && { reason }) };
  });
  findings.sort((a, b) => (a.severity === b.severity ? 0 : a.severity === "error" ? -1 : 1));
  return { findings, nSampled: sample.length };
}

function defaultFeatures({ contract, roles }: AuditRequest): string[] {
  const taken = new Set([roles.target, roles.id, roles.group, roles.weight, ...roles.sensitive]);
  return contract.columns.map((column) => column.name).filter((name) => !taken.has(name));
}

function deadColumn(frame: Frame, column: string, rows: Uint32Array): Suspicion[] {
  const { nPresent, nDistinct } = valuesOf(columnOf(frame, column), rows);
  const remedy = `Take it out, or write prepare: { ${JSON.stringify(column)}: "drop" }.`;
  if (nPresent === 0)
    return [{ rule: "empty", column, severity: "warning", evidence: "every value is missing", remedy }];
  if (nDistinct > 1 || nPresent < rows.length) return [];
  return [{ rule: "constant", column, severity: "warning", evidence: "every row has the same value", remedy }];
}

function identifier(frame: Frame, column: string, rows: Uint32Array): Suspicion[] {
  const counts = valuesOf(columnOf(frame, column), rows);
  if (!looksLikeIdentifier(column, columnOf(frame, column), counts)) return [];
  const evidence = `${counts.nDistinct} different values in ${counts.nPresent} rows: it names rows rather than describes them`;
  const remedy = `Write id: ${JSON.stringify(column)}, or prepare: { ${JSON.stringify(column)}: "drop" }.`;
  return [{ rule: "identifier", column, severity: "warning", evidence, remedy }];
}

function proxy({ frame, target }: AuditRequest, column: string, goal: AssociationTarget | null): Suspicion[] {
  if (goal === null || target === null || column === target) return [];
  const found = associate(columnOf(frame, column), goal);
  if (!found || found.value < proxyWarning) return [];
  const names = { auc: "AUC", r2: "R2", gain: "share of errors avoided" } as const;
  const evidence = `alone it predicts "${target}" with ${names[found.measure]} ${found.value.toFixed(4)} on rows it has not seen`;
  const remedy = `If it is not known before "${target}" is, write prepare: { ${JSON.stringify(column)}: "drop" }; if it is, accept it with allow: [{ column: ${JSON.stringify(column)}, reason: "..." }].`;
  return [{ rule: "targetProxy", column, severity: found.value >= proxyError ? "error" : "warning", evidence, remedy }];
}

function shift(request: AuditRequest, column: string, train: Uint32Array, test: Uint32Array): Suspicion[] {
  const { frame, roles, by } = request;
  const data = columnOf(frame, column);
  if (column === roles.time || (by === "time" && data.kind === "timestamp")) return [];
  const half = mostSampled / 2;
  const found = populationShift(data, sampleOf(train, half), sampleOf(test, half));
  if (found === null || found.psi < shiftLimit + found.noise) return [];
  const evidence = `its distribution differs between train and test: PSI ${found.psi.toFixed(2)} (from 0.25 on it counts as large)`;
  const remedy =
    by === "time"
      ? "Expect the model to age: retrain often, or express the column relative to its recent level."
      : "Check how rows were collected, or split by time or group.";
  return [{ rule: "shift", column, severity: "warning", evidence, remedy }];
}

/** Time and group are compared too: two events of one kind at different times, or of two entities, are no copies. */
function repeated(
  { frame, target, roles }: AuditRequest,
  features: readonly string[],
  train: Uint32Array,
  test: Uint32Array,
): Suspicion[] {
  const beside = [roles.time, roles.group, target].filter((name) => name !== null);
  const names = [...new Set([...features, ...beside])].filter((name) => kindOf(frame, name) !== undefined);
  const columns = columnsOf(frame, names);
  const judged = sampleOf(test, mostTestRows);
  // Rows of few possible values repeat by nature; only where coincidence is unlikely are repeated rows suspicious.
  if (judged.length === 0 || train.length === 0 || possibleRows(columns, judged) < 20 * train.length) return [];
  const share = repeatedTestRows(columns, train, judged) / judged.length;
  if (share < repeatedLimit) return [];
  const evidence = `${(100 * share).toFixed(1)} % of ${judged.length} test rows are equal to a train row in ${["every feature", ...beside].join(", ")}`;
  const remedy = "If they are copies, remove them; if one entity has several rows, name its column in `group`.";
  return [{ rule: "repeatedRows", column: null, severity: "warning", evidence, remedy }];
}
