import fs from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import { decodeModel } from "../model/file.ts";
import { type KeyWatch, watchKeys } from "../serve/access/key-ring.ts";
import type { StoredKey } from "../serve/access/keys.ts";
import { fixedModels, type ServedModel } from "../serve/model-source.ts";
import { createServer } from "../serve/server.ts";
import { digestOf } from "../store/platform-digest.ts";
import { packageVersion } from "./package-version.ts";
import { openTracing } from "./tracing.ts";
import type { Up, UpOptions } from "./up.ts";

/** The files of a folder that `millrace export docker` wrote: which models, and salted hashes of the keys that open them. */
export const servedFile = "served.json";
export const keysFile = "keys.json";

export interface ServedFile {
  readonly models: readonly {
    readonly name: string;
    readonly version: number;
    readonly digest: Digest;
    readonly file: string;
    readonly metrics: Readonly<Record<string, number>>;
  }[];
}

/**
 * Serves the models of an exported folder: no project, no database, nothing written but bodies of batches in Parquet, to the system's
 * folder for temporary files. Keys are followed, so that a file put in their place counts within a second. Throws what `decodeModel`
 * throws, and MODEL_FILE_DAMAGED for other models than exported.
 */
export async function startExported(
  folder: string,
  clock: Clock,
  options: Pick<UpOptions, "host" | "port" | "allowedHosts" | "tracing" | "vertex" | "serverLog">,
): Promise<Up> {
  const { serverLog } = options;
  const onEvent = (text: string): void => serverLog.event(text);
  const served = (await readJson(folder, servedFile)) as ServedFile;
  const models: ServedModel[] = [];
  for (const entry of served.models) models.push(await readModel(folder, entry));
  const keys = await followKeys(folder, clock, onEvent);
  const traced = openTracing(options.tracing ?? null, clock, onEvent);
  const server = await createServer({
    tracing: traced.tracing,
    models: fixedModels(models),
    clock,
    version: packageVersion(),
    host: options.host,
    port: options.port,
    allowedHosts: options.allowedHosts ?? [],
    keys,
    vertex: options.vertex ?? null,
    onFault: (error, requestId) => serverLog.fault(error, requestId),
    onRequest: serverLog.request ?? null,
  });
  const close = async (): Promise<void> => {
    await server.close();
    await keys.stop();
    await traced.close();
  };
  try {
    const { url } = await server.listen();
    return { url, models: models.map(({ model }) => model.name), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function followKeys(folder: string, clock: Clock, onEvent: (text: string) => void): Promise<KeyWatch> {
  return watchKeys({
    read: async () => ((await readJson(folder, keysFile)) as { readonly keys: readonly StoredKey[] }).keys,
    clock,
    onUnreadable: (error) => onEvent(`the keys cannot be read; those known hold (${error.message})`),
  });
}

async function readModel(folder: string, entry: ServedFile["models"][number]): Promise<ServedModel> {
  const { version, digest, file, metrics } = entry;
  // A name alone: what an edited list says leads nowhere else.
  const bytes = await fs.readFile(path.join(folder, path.basename(file)));
  if (digestOf(bytes) !== digest)
    throw new MillraceError("MODEL_FILE_DAMAGED", { subject: file, reason: "it is not the model that was exported" });
  // The digests within it are of bytes that were just held against the digest of them all.
  const model = decodeModel(bytes, { subject: file, checkDigests: false });
  return Object.freeze({ model, version, digest, metrics });
}

async function readJson(folder: string, file: string): Promise<unknown> {
  try {
    return JSON.parse(await fs.readFile(path.join(folder, file), "utf8"));
  } catch (error) {
    const reason = `"${folder}" is no folder that \`millrace export docker\` wrote: ${file}: ${(error as Error).message}`;
    throw new MillraceError("USAGE", { reason }, { cause: error });
  }
}
