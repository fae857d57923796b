import { isIPv4 } from "node:net";
import { MillraceError } from "../core/errors/error.ts";

/** The address to bind for a host given by a person; throws ADDRESS_REFUSED unless it is a loopback address. */
export function loopbackAddress(host: string): string {
  const name = host.toLowerCase();
  if (name === "localhost") return "127.0.0.1";
  if (name === "::1" || name === "[::1]") return "::1";
  if (isIPv4(name) && name.startsWith("127.")) return name;
  throw new MillraceError("ADDRESS_REFUSED", { host });
}

/** The name of a Host header without its port, lower case; undefined where it is no host at all. */
export function hostName(header: string): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/.exec(header.toLowerCase())?.[1];
}

/**
 * Whether a Host or Origin header names this server. A page of another site can make a browser send requests to a
 * loopback address under that site's own name (DNS rebinding); asking for the name stops it.
 */
export function createHostCheck(allowed: readonly string[]): (header: string) => boolean {
  const names = new Set(allowed.map((name) => name.toLowerCase()));
  return (header) => {
    const name = hostName(header);
    if (name === undefined) return false;
    return name === "localhost" || name === "[::1]" || (isIPv4(name) && name.startsWith("127.")) || names.has(name);
  };
}

/** The host part of an Origin header; undefined for "null" and other origins without a host. */
export function originHost(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1];
}
