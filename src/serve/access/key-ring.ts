import type { Clock } from "../../core/clock.ts";
import { toMillraceError } from "../../core/errors/error.ts";
import type { MillraceError } from "../../core/errors/error.ts";
import { repeatedLook } from "../repeated-look.ts";
import { hashSecret, isSameHash, parseKey } from "./key-text.ts";
import type { KeyRecord, StoredKey } from "./keys.ts";

/** The keys a server knows at present. */
export interface KeyRing {
  /** Whose key the text is; undefined where it is none, unknown, expired or revoked. */
  holderOf(text: string): KeyRecord | undefined;
  /** A key was made once: from then on every request needs one, though all were revoked since. */
  isInUse(): boolean;
}

/** Compared with where no key has the id, so that an unknown id takes as long as a wrong secret. */
const nobody = { salt: "0".repeat(32), hash: "0".repeat(64) };

/** A ring of keys that never change. */
export function keyRing(keys: readonly StoredKey[], clock: Clock): KeyRing {
  const byId = new Map(keys.map((key) => [key.id, key]));
  return {
    holderOf(text) {
      const given = parseKey(text);
      if (!given) return undefined;
      const known = byId.get(given.id);
      const { salt, hash } = known ?? nobody;
      const isRight = isSameHash(hashSecret(given.secret, salt), hash);
      return known && isRight && isValid(known, clock.now()) ? known : undefined;
    },
    isInUse: () => byId.size > 0,
  };
}

export function isValid({ revokedAt, expiresAt }: KeyRecord, now: number): boolean {
  return revokedAt === null && (expiresAt === null || now < expiresAt);
}

export interface KeyWatchOptions {
  read(): Promise<readonly StoredKey[]>;
  readonly clock: Clock;
  /** Time between looks: how long a revoked key may still open something. Default 500 ms. */
  readonly everyMs?: number;
  /** The keys could not be read, and those known before hold. Said once until they can be read again. */
  readonly onUnreadable?: (error: MillraceError) => void;
}

export interface KeyWatch extends KeyRing {
  /** Looks now. Never rejects. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

/** Follows the keys of a store. Resolves after the first look, and rejects where that fails: without keys nothing is known. */
export async function watchKeys(options: KeyWatchOptions): Promise<KeyWatch> {
  const { read, clock } = options;
  let ring = keyRing(await read(), clock);
  let isUnreadable = false;
  const again = repeatedLook(async () => {
    try {
      ring = keyRing(await read(), clock);
      isUnreadable = false;
    } catch (error) {
      if (!isUnreadable) options.onUnreadable?.(toMillraceError(error));
      isUnreadable = true;
    }
  }, options.everyMs);
  again.start();
  return {
    holderOf: (text) => ring.holderOf(text),
    isInUse: () => ring.isInUse(),
    refresh: () => again.refresh(),
    stop: () => again.stop(),
  };
}
