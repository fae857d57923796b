/** The instants at which a crash could matter: around every durable file operation and every commit. */
export type Failpoint =
  | "artifact.adopting"
  | "artifact.synced"
  | "artifact.renamed"
  | "artifact.kept"
  | "transaction.begun"
  | "transaction.committing"
  | "transaction.committed"
  | "store.migrating"
  | "store.migrated";

/** Lets a test see the store pass its failpoints, and end the process there. */
export interface StoreHooks {
  readonly reached: (point: Failpoint) => void;
}

export const noHooks: StoreHooks = Object.freeze({ reached: () => {} });
