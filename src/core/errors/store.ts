/** What lasts: the store, its artifacts and the registry. */
export const storeErrors = {
  STORE_UNWRITABLE: {
    status: 500,
    exit: 1,
    message: (c: { path: string; reason: string }): string => `cannot write to "${c.path}": ${c.reason}`,
    remedy: (): string => "Check the folder's permissions and free space.",
  },
  STORE_ADDRESS_INVALID: {
    status: 400,
    exit: 2,
    message: (c: { address: string; reason: string }): string =>
      `MILLRACE_STORE is "${c.address}", which is no address of a store: ${c.reason}`,
    remedy: (): string =>
      "Give postgres://user:password@host:port/database?schema=name, or nothing for the store in the project's folder.",
  },
  STORE_UNREACHABLE: {
    status: 503,
    exit: 1,
    message: (c: { place: string; reason: string }): string => `the store at ${c.place} cannot be reached: ${c.reason}`,
    remedy: (): string =>
      "Check that the server runs and that this machine reaches it. What was committed is kept: go on with `millrace resume`.",
  },
  STORE_DENIED: {
    status: 500,
    exit: 1,
    message: (c: { place: string; reason: string }): string => `the store at ${c.place} refuses: ${c.reason}`,
    remedy: (): string =>
      "Check user, password and database in MILLRACE_STORE, and that the user may create a schema or owns it.",
  },
  STORE_ENGINE_TOO_OLD: {
    status: 500,
    exit: 1,
    message: (c: { version: string; needed: string }): string =>
      `SQLite ${c.version} can lose pages in WAL mode; at least ${c.needed} is needed`,
    remedy: (): string => "Install the optional package @photostructure/sqlite, or a Node release with a newer SQLite.",
  },
  STORE_FORMAT_TOO_NEW: {
    status: 500,
    exit: 1,
    message: (c: { path: string; format: number; known: number }): string =>
      `the store at "${c.path}" has format ${c.format}; this release knows formats up to ${c.known}`,
    remedy: (): string => "Update millrace.",
  },
  STORE_DAMAGED: {
    status: 500,
    exit: 1,
    message: (c: { path: string; reason: string }): string =>
      `the store's database "${c.path}" is damaged: ${c.reason}`,
    remedy: (): string => "Restore the file from a backup, or move it away and run the pipelines again.",
  },
  STORE_BUSY: {
    status: 503,
    exit: 1,
    message: (c: { path: string; seconds: number }): string =>
      `another process has held the write lock of "${c.path}" for more than ${c.seconds} s`,
    remedy: (): string => "End the process that is stuck (see `millrace runs`), then run again.",
  },
  FENCED: {
    status: 409,
    exit: 1,
    message: (c: { resource: string; token: number }): string =>
      `another process has taken over "${c.resource}" (this one held it with token ${c.token}): nothing more is written here`,
    remedy: (): string =>
      "Nothing is lost: the other process goes on from the last committed step. See `millrace runs`.",
  },
  RUN_HELD: {
    status: 409,
    exit: 1,
    message: (c: { run: string; pid: number; host: string }): string =>
      `run ${c.run} is being executed by process ${c.pid} on ${c.host}`,
    remedy: (): string => "Wait for it, or end that process and resume the run then.",
  },
  RUN_NOT_RESUMABLE: {
    status: 409,
    exit: 1,
    message: (c: { run: string; reason: string }): string => `run ${c.run} cannot be resumed: ${c.reason}`,
    remedy: (): string => "Run the pipeline again: finished steps are not repeated.",
  },
  RUN_NOT_REPRODUCIBLE: {
    status: 409,
    exit: 1,
    message: (c: { run: string; reason: string }): string => `run ${c.run} cannot be reproduced: ${c.reason}`,
    remedy: (c: { revision?: string | undefined }): string =>
      c.revision
        ? `Check out revision ${c.revision} and try again.`
        : "Run the pipeline again, and reproduce that run.",
  },
  STORE_IN_USE: {
    status: 409,
    exit: 1,
    message: (c: { path: string; holders: readonly string[] }): string =>
      `the store at "${c.path}" is in use by ${c.holders.join(", ")}`,
    remedy: (): string => "Wait until they are done, or end them, then try again.",
  },
  STORE_NOT_EMPTY: {
    status: 409,
    exit: 2,
    message: (c: { path: string }): string => `"${c.path}" is not empty`,
    remedy: (): string => "Give an empty place; `restore` replaces what is there with --force.",
  },
  BACKUP_UNUSABLE: {
    status: 422,
    exit: 1,
    message: (c: { path: string; reason: string }): string => `the backup "${c.path}" cannot be restored: ${c.reason}`,
    remedy: (): string => "Give another backup; what was to be replaced is untouched.",
  },
  ARTIFACT_MISSING: {
    status: 404,
    exit: 1,
    message: (c: { digest: string }): string => `artifact ${c.digest} is not in the store`,
    remedy: (): string => "Run the pipeline again; the step that made it will be repeated.",
  },
  ARTIFACT_DAMAGED: {
    status: 500,
    exit: 1,
    message: (c: { digest: string; actual: string }): string =>
      `artifact ${c.digest} is damaged: its bytes have digest ${c.actual}`,
    remedy: (c: { path: string }): string => `Delete "${c.path}" and run the pipeline again.`,
  },
  RUN_NOT_FOUND: {
    status: 404,
    exit: 2,
    message: (c: { run: string }): string => `there is no run "${c.run}"`,
    remedy: (c: { nearest?: string | undefined }): string =>
      c.nearest ? `Did you mean "${c.nearest}"?` : "List the runs with `millrace runs`.",
  },
  MODEL_NOT_FOUND: {
    status: 404,
    exit: 2,
    message: (c: { model: string; found: readonly string[] }): string =>
      `there is no model "${c.model}"${c.found.length ? `; there are ${c.found.join(", ")}` : ""}`,
    remedy: (c: { nearest?: string | undefined }): string =>
      c.nearest ? `Did you mean "${c.nearest}"?` : "Train one with `millrace run PIPELINE`.",
  },
  VERSION_NOT_FOUND: {
    status: 404,
    exit: 2,
    message: (c: { model: string; version: string; found: readonly number[] }): string =>
      `model "${c.model}" has no version ${c.version}; it has ${c.found.join(", ") || "none"}`,
    remedy: (): string => "List the versions with `millrace models`.",
  },
  CHAMPION_MISSING: {
    status: 404,
    exit: 2,
    message: (c: { model: string }): string => `model "${c.model}" has no champion yet`,
    remedy: (): string => "Promote a version with `millrace promote MODEL VERSION`.",
  },
  ROLLBACK_IMPOSSIBLE: {
    status: 409,
    exit: 1,
    message: (c: { model: string; reason: string }): string => `model "${c.model}" cannot be rolled back: ${c.reason}`,
    remedy: (): string => "Promote a version by number instead.",
  },
  PROMOTION_REFUSED: {
    status: 409,
    exit: 3,
    message: (c: { model: string; version: number; reason: string }): string =>
      `version ${c.version} of "${c.model}" is not promoted: ${c.reason}`,
    remedy: (): string => "Mend what the gate names, or promote with --force and a --reason.",
  },
  APPROVAL_MISSING: {
    status: 409,
    exit: 3,
    message: (c: { model: string; version: number; missing: readonly string[] }): string =>
      `version ${c.version} of "${c.model}" is not approved; missing: ${c.missing.join("; ")}`,
    remedy: (c: { model: string; version: number }): string =>
      `Have it approved with \`millrace approve ${c.model} ${c.version} --reason ...\`, then promote it. --force does not stand in for it.`,
  },
  APPROVAL_REFUSED: {
    status: 409,
    exit: 1,
    message: (c: { model: string; version: number; by: string; reason: string }): string =>
      `${c.by} cannot do this for version ${c.version} of "${c.model}": ${c.reason}`,
    remedy: (): string => "Reviewers are named by `approvals` in the definition that the version was judged by.",
  },
  ALIAS_REFUSED: {
    status: 400,
    exit: 2,
    message: (c: { alias: string; reason: string }): string =>
      `the alias ${JSON.stringify(c.alias)} cannot be set: ${c.reason}`,
    remedy: (): string => "Take a name such as `stable`; champions are moved with `millrace promote`.",
  },
  CONTRACT_INCOMPATIBLE: {
    status: 409,
    exit: 3,
    message: (c: {
      model: string;
      version: number;
      champion: number;
      breaks: readonly { column: string; rule: string; before: string; after: string }[];
    }): string =>
      `version ${c.version} of "${c.model}" would refuse requests that champion ${c.champion} takes: ${c.breaks
        .map(({ column, rule, before, after }) => `${column} (${rule}: ${before} -> ${after})`)
        .join("; ")}`,
    remedy: (): string =>
      "Widen the schema and train again, or promote with --force and a --reason once callers are ready.",
  },
  VERSION_ARCHIVED: {
    status: 409,
    exit: 3,
    message: (c: { model: string; version: number }): string => `version ${c.version} of "${c.model}" is archived`,
    remedy: (): string => "Promote another version, or train again.",
  },
  ROLLOUT_REFUSED: {
    status: 409,
    exit: 1,
    message: (c: { model: string; version: number; reason: string }): string =>
      `version ${c.version} of "${c.model}" gets no traffic: ${c.reason}`,
    remedy: (): string => "`millrace rollout MODEL` shows what is under way; `millrace rollout MODEL --stop` ends it.",
  },
  ROLLOUT_MISSING: {
    status: 404,
    exit: 2,
    message: (c: { model: string }): string => `no rollout of "${c.model}" is under way`,
    remedy: (): string => "Begin one with `millrace rollout MODEL VERSION`.",
  },
  ARCHIVE_REFUSED: {
    status: 409,
    exit: 1,
    message: (c: { model: string; version: number }): string =>
      `version ${c.version} of "${c.model}" is its champion and is served`,
    remedy: (): string => "Promote another version first.",
  },
};
