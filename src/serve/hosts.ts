import { isIP, isIPv4 } from "node:net";
import { MillraceError } from "../core/errors/error.ts";

/** Where a server listens. */
export interface ListeningAddress {
  readonly address: string;
  /** Others than processes of this machine reach it. */
  readonly isPublic: boolean;
}

/**
 * The address to bind for a host given by a person. Throws ADDRESS_REFUSED for one that is not loopback while there are no
 * keys, ADDRESS_INVALID for what is no address.
 */
export function listeningAddress(host: string, hasKeys: boolean): ListeningAddress {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  if (name === "localhost") return { address: "127.0.0.1", isPublic: false };
  if (isIP(name) === 0) throw new MillraceError("ADDRESS_INVALID", { host });
  const isPublic = !(name === "::1" || (isIPv4(name) && name.startsWith("127.")));
  if (isPublic && !hasKeys) throw new MillraceError("ADDRESS_REFUSED", { host });
  return { address: name, isPublic };
}

/** The name of a Host header without its port, lower case; undefined where it is no host at all. */
export function hostName(header: string): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/.exec(header.toLowerCase())?.[1];
}

/**
 * Whether a Host or Origin header names this server. A page of another site can make a browser send requests to a
 * loopback address under that site's own name (DNS rebinding); asking for the name stops it. With `isPublic` any bare
 * address is a name of the server, too: rebinding needs a name.
 */
export function createHostCheck(allowed: readonly string[], isPublic = false): (header: string) => boolean {
  const names = new Set(allowed.map((name) => name.toLowerCase()));
  return (header) => {
    const name = hostName(header);
    if (name === undefined) return false;
    if (name === "localhost" || name === "[::1]" || names.has(name)) return true;
    return isIPv4(name) ? isPublic || name.startsWith("127.") : isPublic && name.startsWith("[");
  };
}

/** The host part of an Origin header; undefined for "null" and other origins without a host. */
export function originHost(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1];
}
