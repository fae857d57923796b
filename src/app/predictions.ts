import { parseDuration } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import { meets, parseCondition } from "../monitor/log-filter.ts";
import type { PredictionEntry } from "../monitor/log-line.ts";
import { readPredictionLog } from "../monitor/log-reader.ts";
import { loggedModels } from "../monitor/segments.ts";
import { sweepPredictions } from "../monitor/sweep-predictions.ts";
import type { SweptPredictions } from "../monitor/sweep-predictions.ts";
import type { Project } from "./project.ts";
import { loadVersion } from "./champion.ts";
import { instantOf } from "./registry.ts";
import { dayMs } from "./served-log.ts";

export interface PredictionQuery {
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly version: number | undefined;
  readonly limit: number;
  /** Conditions, all of which must hold, separated by " and ". */
  readonly where: string | undefined;
}

/** What a condition may name beside columns. */
const ofEveryAnswer: readonly string[] = ["prediction", "id", "latencyMs"];

/** What the prediction log of a model says, newest last. */
export interface FoundPredictions {
  readonly model: string;
  readonly predictions: readonly PredictionEntry[];
  /** There are more; these are the newest. */
  readonly isLimited: boolean;
  /** Rows refused in the window, of all versions. */
  readonly rejected: number;
  readonly damaged: number;
}

/** Asks the prediction log of one model, or of every model that has one. Throws MODEL_NOT_FOUND, COLUMN_MISSING, USAGE. */
export async function findPredictions(
  project: Project,
  model: string | undefined,
  query: PredictionQuery,
): Promise<readonly FoundPredictions[]> {
  const { folder } = project.store;
  const now = project.clock.now();
  const conditions = query.where === undefined ? [] : query.where.split(/ and /i).map(parseCondition);
  const seen = new Set<string>();
  const window = {
    sinceMs: query.since === undefined ? -Infinity : timeOf("--since", query.since, now),
    untilMs: query.until === undefined ? Infinity : timeOf("--until", query.until, now),
    limit: query.limit,
    isWanted(entry: PredictionEntry): boolean {
      for (const { name } of conditions) if (Object.hasOwn(entry.inputs, name)) seen.add(name);
      const isOfVersion = query.version === undefined || entry.version === query.version;
      return isOfVersion && conditions.every((one) => meets(entry, one));
    },
  };
  const logged = await loggedModels(folder);
  if (model !== undefined && !logged.includes(model)) await project.registry.versions(model);
  const found: FoundPredictions[] = [];
  for (const name of model === undefined ? logged : [model]) {
    const { entries, rejected, damaged, isLimited } = await readPredictionLog(folder, name, window);
    found.push({ model: name, predictions: entries, isLimited, rejected: rejected.count, damaged });
  }
  const unseen = conditions.map(({ name }) => name).filter((name) => !seen.has(name) && !ofEveryAnswer.includes(name));
  if (model !== undefined && unseen.length > 0) await requireColumns(project, model, unseen);
  return found;
}

/** Throws COLUMN_MISSING for a name that the champion's contract does not know either: no answer could ever meet it. */
async function requireColumns(project: Project, name: string, wanted: readonly string[]): Promise<void> {
  if ((await project.registry.champion(name)) === null) return;
  const { model } = await loadVersion(project, name);
  const known = [...model.inputs, ...ofEveryAnswer];
  for (const column of wanted)
    if (!known.includes(column)) {
      const subject = `the prediction log of "${name}"`;
      throw new MillraceError("COLUMN_MISSING", {
        name: column,
        subject,
        found: known,
        nearest: nearestName(column, known),
      });
    }
}

/** "2d" ago, or a time in ISO 8601. */
export function timeOf(option: string, text: string, now: number): number {
  const duration = parseDuration(text);
  return duration === undefined ? instantOf(option, text) : now - duration;
}

/** Removes what the prediction log holds of more than `keepDays` days ago. */
export function sweepOldPredictions(project: Project, keepDays: number, dryRun: boolean): Promise<SweptPredictions> {
  const { store, clock } = project;
  return sweepPredictions(store.folder, clock.now() - keepDays * dayMs, dryRun, store.hooks);
}
