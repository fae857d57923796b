import type { Clock } from "../core/clock.ts";
import { openMemoryStore, type Store } from "../store/open.ts";
import { addArtifact } from "../store/store.fixtures.ts";
import { createRegistry, type Registration, type Registry } from "./registry.ts";
import type { ModelVersion } from "./version.ts";

/** The registry of an empty store. */
export interface OpenRegistry {
  readonly store: Store;
  readonly registry: Registry;
  /** Registers a version of "prices" that passed its gate; its model is an artifact of these bytes. */
  register(bytes: string, changes?: Partial<Registration>): Promise<ModelVersion>;
}

export async function openRegistry(clock: Clock): Promise<OpenRegistry> {
  const store = await openMemoryStore({ clock });
  const registry = createRegistry(store, clock);
  return {
    store,
    registry,
    async register(bytes, changes = {}) {
      return registry.register({
        model: "prices",
        digest: await addArtifact(store, bytes),
        runId: "20260102-030405-ab12",
        metrics: { r2: 0.8 },
        verdict: { passed: true, reasons: [{ rule: "atLeast" }] },
        comparedWith: null,
        ...changes,
      });
    },
  };
}
