import type { Failpoint } from "../../src/store/hooks.ts";

type During = "a run" | "keeping" | "serving" | "sending to a bucket";

/** What a process is at when the tests kill it at each failpoint: no point can be added without being here. */
const during: Readonly<Record<Failpoint, During>> = {
  "store.foldersMade": "a run",
  "store.migrating": "a run",
  "store.migrated": "a run",
  "artifact.adopting": "a run",
  "artifact.synced": "a run",
  "artifact.folderMade": "a run",
  "artifact.renaming": "a run",
  "artifact.renamed": "a run",
  "artifact.kept": "a run",
  "artifact.placing": "a run",
  "artifact.writing": "a run",
  "artifact.written": "a run",
  "artifact.linked": "a run",
  "artifact.placed": "a run",
  "artifact.sending": "sending to a bucket",
  "artifact.sent": "sending to a bucket",
  "transaction.begun": "a run",
  "transaction.committing": "a run",
  "transaction.committed": "a run",
  "log.syncing": "a run",
  "log.synced": "a run",
  "log.emptying": "a run",
  "log.emptied": "a run",
  "unsynced.settling": "a run",
  "unsynced.fileSynced": "a run",
  "unsynced.puttingBack": "keeping",
  "unsynced.settled": "a run",
  "temporary.removing": "keeping",
  "gc.rowsRemoved": "keeping",
  "gc.fileRemoving": "keeping",
  "backup.folderMade": "keeping",
  "backup.snapshotTaken": "keeping",
  "backup.linking": "keeping",
  "backup.predictionsCopied": "keeping",
  "backup.manifestWritten": "keeping",
  "backup.renaming": "keeping",
  "backup.renamed": "keeping",
  "backup.kept": "keeping",
  "restore.filesCopied": "keeping",
  "restore.copied": "keeping",
  "restore.setAside": "keeping",
  "restore.renamed": "keeping",
  "restore.replaced": "keeping",
  "restore.oldRemoved": "keeping",
  "restore.putBack": "keeping",
  "predictions.begun": "serving",
  "predictions.written": "serving",
  "predictions.synced": "serving",
  "predictions.kept": "serving",
  "predictions.sweeping": "keeping",
  "predictions.restWritten": "keeping",
  "predictions.restRenamed": "keeping",
};

/** The failpoints at which a process is killed while it is at that. */
export function failpointsOf(what: During): ReadonlySet<string> {
  const all = Object.entries(during).filter(([, at]) => at === what);
  return new Set(all.map(([point]) => point));
}
