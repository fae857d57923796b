import type { Clock } from "../core/clock.ts";
import { encodeModel } from "../model/file.ts";
import type { Model } from "../model/model.ts";
import { createRegistry } from "../registry/registry.ts";
import type { ModelVersion } from "../registry/version.ts";
import { openMemoryStore } from "../store/open.ts";
import { addArtifact } from "../store/store.fixtures.ts";
import type { Project } from "./project.ts";

/** A project whose root is its store's folder; `close` removes it. */
export async function memoryProject(clock: Clock): Promise<Project> {
  const store = await openMemoryStore({ clock });
  return { root: store.folder, clock, store, registry: createRegistry(store, clock), close: () => store.close() };
}

/** Registers a model under its name, as a run whose gate it passed does. */
export async function registerModel(
  { store, registry }: Project,
  model: Model,
  metrics: Readonly<Record<string, number>> = {},
): Promise<ModelVersion> {
  const bytes = encodeModel(model);
  const digest = await addArtifact(store, bytes);
  await store.database.insertInto("artifacts").values({ digest, size: bytes.length }).execute();
  const verdict = { passed: true, reasons: [] };
  return registry.register({ model: model.name, digest, runId: "r", metrics, verdict, comparedWith: null });
}
