import { join } from "node:path";
import { createFetcher } from "../ingest/fetch.ts";
import { type FingerprintMemo, fingerprintSource } from "../ingest/fingerprint.ts";
import type { PipelineSpec } from "../pipeline/spec.ts";
import type { WorkflowEnvironment } from "../pipeline/workflow/environment.ts";
import { loadModel } from "./champion.ts";
import { bytesAtHand } from "./memory.ts";
import { findPreviousProfile } from "./previous-profile.ts";
import { privacyKeyOf } from "./privacy-key.ts";
import { userName } from "./models.ts";
import { packageVersion } from "./package-version.ts";
import type { Project } from "./project.ts";
import { threadsAtHand } from "./threads.ts";

/** What the steps of `spec` need from the project. */
export function environmentOf(project: Project, spec: PipelineSpec): WorkflowEnvironment {
  const memo: FingerprintMemo = {
    get: async (key) => {
      const known = await project.store.memo.get(key);
      return typeof known === "string" ? known : undefined;
    },
    set: (key, value) => project.store.memo.set(key, value),
  };
  const fetcher = createFetcher(join(project.store.folder, "downloads"));
  return {
    root: project.root,
    threads: threadsAtHand(),
    memory: { heldBytes: bytesAtHand(), temporaryPath: () => project.store.artifacts.temporaryPath() },
    packageVersion: packageVersion(),
    registry: project.registry,
    author: userName(),
    fetcher,
    privacyKey: privacyKeyOf(spec.contract),
    fingerprint: () => fingerprintSource(spec.source, { root: project.root, fetcher }, memo),
    previousProfile: (dataset) => findPreviousProfile(project, spec.name, dataset),
    clock: project.clock,
    loadModel: (digest) => loadModel(project, digest),
  };
}
