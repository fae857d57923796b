import { MillraceError } from "../core/errors/error.ts";
import type { ObjectStore } from "./objects/client.ts";

/**
 * Makes sure, once a process and before it changes anything, that a prefix holds the artifacts of one store alone: gc
 * removes what its own store does not know. Throws ARTIFACTS_SHARED.
 */
export function createClaim(
  objects: () => Promise<ObjectStore>,
  prefix: string,
  identify: () => Promise<string>,
): () => Promise<void> {
  let claimed: Promise<void> | undefined;
  return () =>
    (claimed ??= claimPrefix(objects, prefix, identify).catch((error: unknown) => {
      claimed = undefined;
      throw error;
    }));
}

async function claimPrefix(
  objects: () => Promise<ObjectStore>,
  prefix: string,
  identify: () => Promise<string>,
): Promise<void> {
  const open = await objects();
  const key = `${prefix}store.json`;
  const store = await identify();
  let owner = await readText(open, key);
  if (owner === null) {
    await open.putIfAbsent(key, Buffer.from(`${JSON.stringify({ store })}\n`));
    owner = await readText(open, key);
  }
  if (ownerIn(owner) !== store) throw new MillraceError("ARTIFACTS_SHARED", { place: open.place(prefix) });
}

async function readText(open: ObjectStore, key: string): Promise<string | null> {
  if ((await open.head(key)) === null) return null;
  const { body } = await open.get(key);
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function ownerIn(text: string | null): unknown {
  try {
    return (JSON.parse(text ?? "{}") as { store?: unknown }).store;
  } catch {
    return undefined;
  }
}
