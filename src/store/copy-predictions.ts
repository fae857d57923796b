import { copyFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isAbsent } from "../core/errors/absent.ts";

/**
 * Copies the prediction logs of the store in `from` to that in `to`, while servers go on: a log grows while it is copied, so that its
 * last lines may be cut or lack their beginning, which readers expect; and segments that are swept meanwhile are not in the copy.
 */
export async function copyPredictions(from: string, to: string): Promise<void> {
  const [source, target] = [join(from, "predictions"), join(to, "predictions")];
  for (const model of await readdir(source).catch(noneIfAbsent)) {
    await mkdir(join(target, model), { recursive: true });
    for (const name of await readdir(join(source, model)).catch(noneIfAbsent))
      await copyFile(join(source, model, name), join(target, model, name)).catch(noneIfAbsent);
  }
}

function noneIfAbsent(error: unknown): never[] {
  if (isAbsent(error)) return [];
  throw error;
}
