import type { Digest } from "../core/digest.ts";

/**
 * Decoded artifacts of one run, by digest and type. A value is held strongly while a later step may read it. Once its
 * last reader has it, only weakly: the reader alone decides how long it stays in memory.
 */
export interface DecodedValues {
  get(digest: Digest, type: string): unknown;
  /** The value, decoded by `decode` where it is not at hand; steps that ask at the same time share one decoding. */
  load(digest: Digest, type: string, decode: () => Promise<unknown>): Promise<unknown>;
  /** `lasting` = a later step may read it. */
  keep(digest: Digest, type: string, value: unknown, lasting: boolean): void;
  /** Lets go of every value whose digest is not among `needed`. */
  release(needed: ReadonlySet<Digest>): void;
}

export function createDecodedValues(): DecodedValues {
  const strong = new Map<string, unknown>();
  const weak = new Map<string, WeakRef<object>>();
  const keyOf = (digest: Digest, type: string): string => `${digest} ${type}`;
  const loading = new Map<string, Promise<unknown>>();
  const get = (digest: Digest, type: string): unknown =>
    strong.get(keyOf(digest, type)) ?? weak.get(keyOf(digest, type))?.deref();
  return {
    get,
    async load(digest, type, decode) {
      const held = get(digest, type);
      if (held !== undefined) return held;
      const key = keyOf(digest, type);
      const under = loading.get(key);
      if (under) return under;
      const decoding = decode().finally(() => loading.delete(key));
      loading.set(key, decoding);
      return decoding;
    },
    keep(digest, type, value, lasting) {
      const key = keyOf(digest, type);
      if (lasting) {
        strong.set(key, value);
        return;
      }
      strong.delete(key);
      if (typeof value === "object" && value !== null) weak.set(key, new WeakRef(value));
    },
    release(needed) {
      const isNeeded = (key: string): boolean => needed.has(key.slice(0, key.indexOf(" ")) as Digest);
      for (const key of strong.keys()) if (!isNeeded(key)) strong.delete(key);
      for (const key of weak.keys()) if (!isNeeded(key)) weak.delete(key);
    },
  };
}
