import fs from "node:fs/promises";
import { MillraceError } from "../core/errors/error.ts";

/** Writes beside the target and renames, so that a reader never sees half a file, after a power loss neither. Throws STORE_UNWRITABLE. */
export async function writeWhole(target: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    await fs.writeFile(temporary, content, { flush: true });
    await fs.rename(temporary, target);
  } catch (error) {
    // Where the folder itself is none there is nothing to remove, and what went wrong first is what counts.
    await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw new MillraceError(
      "STORE_UNWRITABLE",
      { path: target, reason: String((error as NodeJS.ErrnoException).code ?? error) },
      { cause: error },
    );
  }
}
