/** Object stores that speak S3's protocol, and the packages that speak it. */
export const objectErrors = {
  PACKAGE_MISSING: {
    status: 500,
    exit: 2,
    message: (c: { needs: string; packages: readonly string[] }): string =>
      `${c.needs} needs ${c.packages.join(" and ")}, which ${c.packages.length === 1 ? "is" : "are"} not installed`,
    remedy: (c: { packages: readonly string[] }): string => `npm install ${c.packages.join(" ")}`,
  },
  OBJECTS_UNREACHABLE: {
    status: 502,
    exit: 1,
    message: (c: { place: string; reason: string }): string => `the object store of "${c.place}" fails: ${c.reason}`,
    remedy: (): string =>
      "Check AWS_ENDPOINT_URL_S3, AWS_REGION and the network, then run again: nothing is half written.",
  },
  OBJECTS_DENIED: {
    status: 403,
    exit: 1,
    message: (c: { place: string; reason: string }): string => `access to "${c.place}" is denied: ${c.reason}`,
    remedy: (): string =>
      "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (or the profile or role in their place) and the bucket's policy.",
  },
  BUCKET_MISSING: {
    status: 404,
    exit: 1,
    message: (c: { bucket: string }): string => `there is no bucket "${c.bucket}"`,
    remedy: (): string => "Make the bucket, or correct its name; check AWS_ENDPOINT_URL_S3 and AWS_REGION.",
  },
  OBJECT_MISSING: {
    status: 404,
    exit: 1,
    message: (c: { place: string }): string => `there is no object "${c.place}"`,
    remedy: (): string => "Check the key; keys tell upper from lower case.",
  },
  OBJECT_CHANGED: {
    status: 409,
    exit: 1,
    message: (c: { place: string }): string => `"${c.place}" was replaced while it was being read`,
    remedy: (): string => "Run again once whoever writes it is done.",
  },
  OBJECT_TRUNCATED: {
    status: 502,
    exit: 1,
    message: (c: { place: string; received: number; size: number }): string =>
      `"${c.place}" ends after ${c.received} of ${c.size} bytes`,
    remedy: (): string => "Run again: nothing was kept of it.",
  },
  OBJECT_ADDRESS_INVALID: {
    status: 422,
    exit: 2,
    message: (c: { subject: string; actual: string; rule: string }): string =>
      `${c.subject} ${c.rule}, got ${JSON.stringify(c.actual)}`,
    remedy: (): string => "Write s3://BUCKET/PREFIX; keys and secrets belong in the environment.",
  },
  ARTIFACTS_SHARED: {
    status: 409,
    exit: 1,
    message: (c: { place: string }): string => `"${c.place}" holds the artifacts of another store`,
    remedy: (): string =>
      "Give every store a prefix of its own in MILLRACE_ARTIFACTS: gc removes what its store does not know.",
  },
};
