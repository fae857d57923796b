import path from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Registry } from "../registry/registry.ts";
import type { Store } from "../store/open.ts";
import { artifactsPlace } from "./artifacts-place.ts";
import { metadataPlace } from "./metadata-place.ts";

/** A folder with pipelines and the store of what they made, open for work. */
export interface Project {
  readonly root: string;
  readonly clock: Clock;
  readonly store: Store;
  readonly registry: Registry;
  close(): Promise<void>;
}

export interface ProjectOptions {
  readonly clock: Clock;
  /** The store's folder; default `.millrace` in the project folder. */
  readonly storeFolder?: string;
}

/** Opens (and where needed makes) the store of the project in `root`. Throws STORE_UNWRITABLE where it cannot. */
export async function openProject(root: string, options: ProjectOptions): Promise<Project> {
  const folder = path.resolve(root);
  const { openStore } = await import("../store/open.ts");
  const { createRegistry } = await import("../registry/registry.ts");
  const store = await openStore(options.storeFolder ?? path.join(folder, ".millrace"), {
    clock: options.clock,
    artifacts: artifactsPlace(),
    metadata: metadataPlace(),
  });
  return Object.freeze({
    root: folder,
    clock: options.clock,
    store,
    registry: createRegistry(store, options.clock, async (digest) => {
      const { decodeModel } = await import("../model/file.ts");
      return decodeModel(await store.artifacts.readBytes(digest), { checkParity: false, checkDigests: false });
    }),
    close: () => store.close(),
  });
}
