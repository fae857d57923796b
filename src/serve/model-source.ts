import type { Digest } from "../core/digest.ts";
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
