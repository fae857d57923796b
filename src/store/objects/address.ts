import { MillraceError } from "../../core/errors/error.ts";

/** Where objects lie: a bucket and what comes after it, which is a key, a prefix or a pattern. */
export interface ObjectAddress {
  readonly bucket: string;
  readonly key: string;
}

const bucketName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

export function isObjectAddress(text: string): boolean {
  return /^s3:\/\//i.test(text);
}

/** Takes `s3://bucket/key` apart. Throws OBJECT_ADDRESS_INVALID, which never shows what stands before an `@`. */
export function parseObjectAddress(text: string, subject: string): ObjectAddress {
  const [, bucket = "", key = ""] = /^s3:\/\/([^/]*)\/?(.*)$/is.exec(text) ?? [];
  if (isObjectAddress(text) && bucketName.test(bucket) && !key.includes("\0")) return { bucket, key };
  const rule = bucket.includes("@")
    ? "must not carry a key or a password"
    : "must be s3://BUCKET/..., the bucket of 3 to 63 lower-case letters, digits, dots and dashes";
  const actual = text.replace(/\/\/.*@/s, "//...@");
  throw new MillraceError("OBJECT_ADDRESS_INVALID", { subject, rule, actual });
}
