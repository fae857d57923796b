import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { Model } from "../model/model.ts";

/** A model as it answers requests: the data, and which version of which name it is. Immutable. */
export interface ServedModel {
  readonly model: Model;
  readonly version: number;
  readonly digest: Digest;
  /** What it reached on the test split, by metric. */
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * The models a server answers with. `get` gives one consistent version; a request asks once and keeps what it got, so
 * that a swap in between cannot mix two versions.
 */
export interface ModelSource {
  /** Ascending by name. */
  list(): readonly ServedModel[];
  get(name: string): ServedModel | undefined;
  /** Calls back after every swap; returns how to stop. */
  onChange?(listener: (served: ServedModel) => void): () => void;
}

/** A source of models that never change. */
export function fixedModels(models: readonly ServedModel[]): ModelSource {
  const byName = new Map(models.map((served) => [served.model.name, served]));
  const sorted = [...byName.values()].sort((a, b) => (a.model.name < b.model.name ? -1 : 1));
  return { list: () => sorted, get: (name) => byName.get(name) };
}

/** The served model of that name; throws MODEL_NOT_FOUND. */
export function servedModel(models: ModelSource, name: string): ServedModel {
  const served = models.get(name);
  if (served) return served;
  const found = models.list().map(({ model }) => model.name);
  throw new MillraceError("MODEL_NOT_FOUND", { model: name.slice(0, 200), found, nearest: nearestName(name, found) });
}

/** The model of a request that names none; throws NOT_READY where none is live, and MODEL_UNNAMED where several are. */
export function onlyModel(models: ModelSource): ServedModel {
  const served = models.list();
  if (served.length === 0) throw noModel();
  if (served.length > 1) throw new MillraceError("MODEL_UNNAMED", { found: served.map(({ model }) => model.name) });
  return served[0]!;
}

/** Throws NOT_READY while a server should get no requests. */
export function requireReady(models: ModelSource, isDraining: boolean): void {
  if (isDraining) throw new MillraceError("NOT_READY", { reason: "it is closing" });
  if (models.list().length === 0) throw noModel();
}

function noModel(): MillraceError {
  return new MillraceError("NOT_READY", { reason: "no model is live" });
}
