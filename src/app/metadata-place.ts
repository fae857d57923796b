import { parseMetadataAddress } from "../store/metadata-address.ts";

/**
 * Where the environment says that metadata is kept: MILLRACE_STORE, `postgres://user:password@host:port/database?schema=name`;
 * undefined = in the store's folder. Throws STORE_ADDRESS_INVALID.
 */
export function metadataPlace(): string | undefined {
  const place = process.env["MILLRACE_STORE"];
  if (!place) return undefined;
  parseMetadataAddress(place);
  return place;
}
