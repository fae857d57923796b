/** Reading a source: files, their shape and their columns. */
export const sourceErrors = {
  SOURCE_NOT_FOUND: {
    status: 404,
    exit: 1,
    message: (c: { path: string }): string => `there is no file at "${c.path}"`,
    remedy: (c: { nearest?: string | undefined }): string =>
      c.nearest
        ? `Did you mean "${c.nearest}"?`
        : "Check the path; in a definition, relative paths start at the project folder.",
  },
  SOURCE_EMPTY: {
    status: 422,
    exit: 1,
    message: (c: { path: string; found: string }): string => `"${c.path}" holds no rows: ${c.found}`,
    remedy: (c: { remedy?: string | undefined }): string =>
      c.remedy ?? "Give a file with a header line and at least one row, or name the columns with --columns.",
  },
  SOURCE_UNREADABLE: {
    status: 422,
    exit: 1,
    message: (c: { path: string; format: string; reason: string }): string =>
      `"${c.path}" cannot be read as ${c.format}: ${c.reason}`,
    remedy: (c: { remedy?: string | undefined }): string =>
      c.remedy ??
      "Check that the file is whole and that its ending says its format (.csv .tsv .parquet .jsonl .json .arrow).",
  },
  PRIVACY_KEY_MISSING: {
    status: 500,
    exit: 2,
    message: (c: { column: string; variable: string }): string =>
      `column "${c.column}" is kept as a keyed hash, and ${c.variable} holds no key of 16 characters or more`,
    remedy: (c: { variable: string }): string =>
      `Set ${c.variable} to a long random text, and keep it: another key gives other hashes of the same values.`,
  },
  SOURCE_REFUSED: {
    status: 422,
    exit: 1,
    message: (c: { path: string; reason: string }): string => `"${c.path}" is not fetched: ${c.reason}`,
    remedy: (c: { remedy?: string | undefined }): string => c.remedy ?? "Give an address that starts with https://.",
  },
  SOURCE_UNREACHABLE: {
    status: 502,
    exit: 1,
    message: (c: { path: string; reason: string }): string => `"${c.path}" cannot be fetched: ${c.reason}`,
    remedy: (): string => "Check the address and the network, then run again: nothing was kept of it.",
  },
  SOURCE_DENIED: {
    status: 502,
    exit: 1,
    message: (c: { path: string; reason: string }): string => `access to "${c.path}" is denied: ${c.reason}`,
    remedy: (): string =>
      "Check the user, the password and what they may read; secrets come from the environment variables the source names.",
  },
  SOURCE_QUERY_INVALID: {
    status: 422,
    exit: 1,
    message: (c: { path: string; reason: string }): string => `"${c.path}" cannot be asked: ${c.reason}`,
    remedy: (): string => "Check the names of the table and its columns, and the query; it may only read.",
  },
  SOURCE_SECRET_MISSING: {
    status: 500,
    exit: 1,
    message: (c: { path: string; variable: string }): string =>
      `"${c.path}" needs the environment variable ${c.variable}, which is not set`,
    remedy: (c: { variable: string }): string => `Set ${c.variable} where the run starts.`,
  },
  SOURCE_CHANGED: {
    status: 422,
    exit: 1,
    message: (c: { path: string; expected: string; actual: string }): string =>
      `"${c.path}" should have the checksum ${c.expected}, got ${c.actual}`,
    remedy: (): string => "Fetch the right file, or correct `checksum` where the change is meant.",
  },
  SOURCE_MISMATCH: {
    status: 422,
    exit: 1,
    message: (c: { subject: string; rule: string; actual: string }): string =>
      `${c.subject} ${c.rule}, got ${c.actual}`,
    remedy: (c: { remedy?: string | undefined }): string => c.remedy ?? "Mend the files, or read them apart.",
  },
  SOURCE_FORMAT_UNKNOWN: {
    status: 422,
    exit: 2,
    message: (c: { path: string; known: readonly string[] }): string =>
      `the ending of "${c.path}" names no known format (${c.known.join(", ")})`,
    remedy: (): string =>
      "Rename the file, or use csv(), tsv(), parquet(), jsonl(), json() or arrow() in the definition.",
  },
  COLUMN_NAME_INVALID: {
    status: 422,
    exit: 1,
    message: (c: { name: string; rule: string }): string =>
      `the column name ${JSON.stringify(c.name)} is refused: ${c.rule}`,
    remedy: (): string => "Rename the column in the file, or name the columns with --columns.",
  },
  COLUMN_NAME_DUPLICATE: {
    status: 422,
    exit: 1,
    message: (c: { name: string; twin: string }): string =>
      `two columns share a name: ${JSON.stringify(c.name)} and ${JSON.stringify(c.twin)} are equal after Unicode normalisation`,
    remedy: (): string => "Rename one of them.",
  },
  COLUMN_MISSING: {
    status: 422,
    exit: 1,
    message: (c: { name: string; subject: string; found: readonly string[] }): string =>
      `${c.subject} has no column "${c.name}"; it has ${c.found.slice(0, 20).join(", ")}${c.found.length > 20 ? ", ..." : ""}`,
    remedy: (c: { nearest?: string | undefined }): string =>
      c.nearest ? `Did you mean "${c.nearest}"?` : "Check the name against the header of the file.",
  },
};
