/** The instants at which a crash could matter: around every durable file operation and every commit. */
export type Failpoint =
  | "store.foldersMade"
  | "store.migrating"
  | "store.migrated"
  | "artifact.adopting"
  | "artifact.synced"
  | "artifact.folderMade"
  | "artifact.renaming"
  | "artifact.renamed"
  | "artifact.kept"
  | "artifact.placing"
  | "artifact.writing"
  | "artifact.written"
  | "artifact.linked"
  | "artifact.placed"
  | "artifact.sending"
  | "artifact.sent"
  | "transaction.begun"
  | "transaction.committing"
  | "transaction.committed"
  | "log.syncing"
  | "log.synced"
  | "log.emptying"
  | "log.emptied"
  | "unsynced.settling"
  | "unsynced.fileSynced"
  | "unsynced.puttingBack"
  | "unsynced.settled"
  | "temporary.removing"
  | "gc.rowsRemoved"
  | "gc.fileRemoving"
  | "backup.folderMade"
  | "backup.snapshotTaken"
  | "backup.linking"
  | "backup.predictionsCopied"
  | "backup.manifestWritten"
  | "backup.renaming"
  | "backup.renamed"
  | "backup.kept"
  | "restore.filesCopied"
  | "restore.copied"
  | "restore.setAside"
  | "restore.renamed"
  | "restore.replaced"
  | "restore.oldRemoved"
  | "restore.putBack"
  | "predictions.begun"
  | "predictions.written"
  | "predictions.synced"
  | "predictions.kept"
  | "predictions.sweeping"
  | "predictions.restWritten"
  | "predictions.restRenamed";

/**
 * What a transaction waits for: "now" until it lasts; "soon" for nothing, and it lasts once the store says so; "eventually"
 * for nothing, and it lasts with one that comes after it. None is lost but with the power, and none without those after it.
 */
export type Durability = "now" | "soon" | "eventually";

/** Lets a test see the store pass its failpoints, end the process there, or fail as a disk would. */
export interface StoreHooks {
  /** `durability`: of a transaction, where it is not "now". */
  readonly reached: (point: Failpoint, durability?: Durability) => void;
}

export const noHooks: StoreHooks = Object.freeze({ reached: () => {} });
