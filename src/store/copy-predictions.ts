import { copyFile, mkdir, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ifAbsent } from "../core/errors/absent.ts";

/**
 * Copies the prediction logs of the store in `from`, and whatever lies beside them, to the store in `to`, while servers go on: a log grows
 * while it is copied, so that its last lines may be cut or lack their beginning, which readers expect; and segments that are swept
 * meanwhile are not in the copy.
 */
export async function copyPredictions(from: string, to: string): Promise<void> {
  const [source, target] = [join(from, "predictions"), join(to, "predictions")];
  for (const name of await readdir(source, { recursive: true }).catch(ifAbsent([])))
    await copyIfFile(join(source, name), join(target, name)).catch(ifAbsent(undefined));
}

async function copyIfFile(source: string, target: string): Promise<void> {
  if (!(await stat(source)).isFile()) return;
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, target);
}
