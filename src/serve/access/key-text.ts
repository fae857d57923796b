import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** A key as its holder sends it, in its two parts. */
export interface KeyText {
  /** Public: names the key in lists and in the audit log. */
  readonly id: string;
  /** 256 random bits, base64url. */
  readonly secret: string;
}

const pattern = /^mrk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

export function newKey(): KeyText {
  return { id: randomBytes(6).toString("hex"), secret: randomBytes(32).toString("base64url") };
}

export function formatKey({ id, secret }: KeyText): string {
  return `mrk_${id}_${secret}`;
}

/** Undefined where the text is no key. */
export function parseKey(text: string): KeyText | undefined {
  const found = pattern.exec(text);
  return found ? { id: found[1]!, secret: found[2]! } : undefined;
}

export function newSalt(): string {
  return randomBytes(16).toString("hex");
}

/** What is kept of a secret. It has 256 random bits, so that one round of a fast hash is enough: there is nothing to guess. */
export function hashSecret(secret: string, salt: string): string {
  return createHmac("sha256", salt).update(secret).digest("hex");
}

/** Compares in a time that does not tell where two hashes differ. */
export function isSameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
