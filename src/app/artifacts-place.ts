import { parseObjectAddress } from "../store/objects/address.ts";

/**
 * Where the environment says that artifacts are kept: MILLRACE_ARTIFACTS, `s3://bucket/prefix`; undefined = in the store's
 * folder. Throws OBJECT_ADDRESS_INVALID.
 */
export function artifactsPlace(): string | undefined {
  const place = process.env["MILLRACE_ARTIFACTS"];
  if (!place) return undefined;
  parseObjectAddress(place, "MILLRACE_ARTIFACTS");
  return place;
}
