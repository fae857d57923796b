import { MillraceError } from "../core/errors/error.ts";

/** What a person must mend: rights, space, a failing disk, too many open files. */
const codes = ["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE"];

/** An error of the file system as STORE_UNWRITABLE where a person can mend its cause; any other as it is. */
export function unwritableError(path: string, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!codes.includes(code)) return error;
  return new MillraceError("STORE_UNWRITABLE", { path, reason: (error as Error).message }, { cause: error });
}
