import type { Clock } from "../../core/clock.ts";
import type { Digest } from "../../core/digest.ts";
import type { WorkflowSource } from "../../engine/define-types.ts";
import type { DatasetMemory } from "../../ingest/dataset.ts";
import type { Fetcher } from "../../ingest/fetch.ts";
import type { Model } from "../../model/model.ts";
import type { Registry } from "../../registry/registry.ts";
import type { DatasetProfile } from "../../validate/profile.ts";

/** What the steps of a pipeline need from the project they run in. */
export interface WorkflowEnvironment {
  /** Relative paths of sources start here. */
  readonly root: string;
  /** Threads for training; results do not depend on it. */
  readonly threads: number;
  /** How much of a dataset the steps hold in memory; results do not depend on it. */
  readonly memory: DatasetMemory;
  /** Version of this package: steps of another release are not answered from the cache. */
  readonly packageVersion: string;
  readonly registry: Registry;
  /** Who runs it, for the audit log. */
  readonly author: string;
  /** Where own steps are defined and what their code consists of; null where only their functions are known. */
  readonly source?: WorkflowSource | null;
  /** The key of columns that are kept as hashes; absent where the project has none. */
  readonly privacyKey?: string | undefined;
  /** What is no local file, fetched once a run. */
  readonly fetcher: Fetcher;
  /** Content digest of what the source reads; remembered by path, size and modification time. */
  fingerprint(): Promise<Digest>;
  /** The profile of the newest snapshot of this pipeline other than `dataset`; null where there is none. */
  previousProfile(dataset: Digest): Promise<{ readonly digest: Digest; readonly profile: DatasetProfile } | null>;
  readonly clock: Clock;
  /** A registered model by its digest. */
  loadModel(digest: Digest): Promise<Model>;
}
