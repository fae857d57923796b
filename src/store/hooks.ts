/** The instants at which a crash could matter: around every durable file operation and every commit. */
export type Failpoint =
  | "artifact.adopting"
  | "artifact.synced"
  | "artifact.folderMade"
  | "artifact.renaming"
  | "artifact.renamed"
  | "artifact.kept"
  | "artifact.placing"
  | "artifact.placed"
  | "artifact.sending"
  | "artifact.sent"
  | "transaction.begun"
  | "transaction.committing"
  | "transaction.committed"
  | "store.migrating"
  | "store.migrated"
  | "unsynced.settling"
  | "unsynced.puttingBack"
  | "unsynced.settled"
  | "gc.rowsRemoved"
  | "gc.fileRemoving"
  | "backup.snapshotTaken"
  | "backup.linking"
  | "backup.renaming"
  | "restore.copied"
  | "restore.setAside"
  | "restore.replaced";

/** Lets a test see the store pass its failpoints, end the process there, or fail as a disk would. */
export interface StoreHooks {
  /** `isDurable` false = of a transaction that need not last, as the note that a step runs. */
  readonly reached: (point: Failpoint, isDurable?: boolean) => void;
}

export const noHooks: StoreHooks = Object.freeze({ reached: () => {} });
