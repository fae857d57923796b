import { createHash } from "node:crypto";
import { lookup } from "node:dns/promises";
import { createWriteStream } from "node:fs";
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import type { LookupFunction } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Digest } from "../core/digest.ts";
import { formatDuration, parseTimeout } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";
import { isPublicAddress } from "./address.ts";
import type { HttpLimits } from "./source.ts";

export interface Download {
  /** null: the server says that what was fetched before is still current. */
  readonly digest: Digest | null;
  readonly sizeBytes: number;
  readonly etag: string | null;
}

interface DownloadRequest {
  readonly url: string;
  readonly limits: HttpLimits;
  /** Where the bytes go. */
  readonly output: string;
  /** The ETag of what was fetched before. */
  readonly etag: string | null;
  readonly signal?: AbortSignal | undefined;
}

const mostRedirects = 5;
const mostBytes = 10_000_000_000;
const longestTransfer = "10m";

/** Whether a path is an address to fetch from. */
export function isAddress(path: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(path);
}

/**
 * Fetches a file over HTTP(S) to `output`. The name is resolved once and the connection goes to that very address; every
 * redirect is judged anew. Addresses of this machine and of private networks are refused unless the limits allow them.
 *
 * Throws SOURCE_REFUSED, SOURCE_UNREACHABLE or CANCELLED.
 */
export async function download(request: DownloadRequest): Promise<Download> {
  const { url, limits, signal } = request;
  const timeoutMs = parseTimeout(limits.timeout ?? longestTransfer)!;
  const late = AbortSignal.timeout(timeoutMs);
  const ended = signal ? AbortSignal.any([signal, late]) : late;
  try {
    return await save(request, await follow(request, ended), ended);
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    if (signal?.aborted)
      throw new MillraceError("CANCELLED", { subject: `fetching "${shown(url)}"` }, { cause: error });
    const reason = late.aborted ? `it took longer than ${formatDuration(timeoutMs)}` : reasonOf(error);
    throw unreachable(url, reason, error);
  }
}

async function follow(request: DownloadRequest, signal: AbortSignal): Promise<IncomingMessage> {
  let url = addressOf(request.url, null);
  for (let hops = 0; hops <= mostRedirects; ++hops) {
    const response = await send(url, request, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode === 200 || (statusCode === 304 && request.etag !== null)) return response;
    response.destroy();
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined)
      throw unreachable(url.href, `the server answers with status ${statusCode}`);
    url = addressOf(headers.location, url);
  }
  throw unreachable(request.url, `it redirects more than ${mostRedirects} times`);
}

/** What a redirect of `before` says may be relative. Throws where we fetch nothing from there, or encryption is left behind. */
function addressOf(text: string, before: URL | null): URL {
  const base = before?.href;
  if (!URL.canParse(text, base)) throw refused(text, "it is no address");
  const url = new URL(text, base);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw refused(text, `its scheme is ${url.protocol}`);
  if (before?.protocol === "https:" && url.protocol === "http:") throw refused(text, "it leads from https: to http:");
  if (url.username !== "" || url.password !== "")
    throw refused(text, "it carries a password, which would be stored with the run");
  return url;
}

async function send(url: URL, request: DownloadRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const address = await resolveOnce(host, url, request.limits.allowPrivate === true);
  const pinned: LookupFunction = (_host, options, callback) => {
    if (options.all === true) callback(null, [address]);
    else callback(null, address.address, address.family);
  };
  const open = url.protocol === "https:" ? requestHttps : requestHttp;
  const headers = {
    "accept-encoding": "identity",
    "user-agent": "millrace",
    ...(request.etag === null ? {} : { "if-none-match": request.etag }),
  };
  return new Promise((resolve, reject) => {
    const sent = open(url, { lookup: pinned, headers, signal, agent: false }, resolve);
    sent.on("error", reject);
    sent.end();
  });
}

interface Address {
  readonly address: string;
  readonly family: number;
}

/** One of the name's addresses; where one of them is private, all are refused. */
async function resolveOnce(host: string, url: URL, allowPrivate: boolean): Promise<Address> {
  const version = isIP(host);
  const found = version > 0 ? [{ address: host, family: version }] : await lookup(host, { all: true, verbatim: true });
  const inside = found.find(({ address }) => !isPublicAddress(address));
  if (inside && !allowPrivate) {
    const remedy = "Where the server is yours, write http: { allowPrivate: true } in the source's options.";
    throw refused(url.href, `${inside.address} is an address of this machine or of a private network`, remedy);
  }
  return found[0]!;
}

async function save(request: DownloadRequest, response: IncomingMessage, signal: AbortSignal): Promise<Download> {
  const { headers } = response;
  if (response.statusCode === 304) {
    response.resume();
    return { digest: null, sizeBytes: 0, etag: request.etag };
  }
  const limit = request.limits.maxBytes ?? mostBytes;
  const announced = headers["content-length"] === undefined ? null : Number(headers["content-length"]);
  if (announced !== null && announced > limit) throw tooLarge(request.url, limit);
  if (headers["content-encoding"] !== undefined && headers["content-encoding"] !== "identity")
    throw unreachable(request.url, `the server packs it as ${headers["content-encoding"]} though asked not to`);
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const counted = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      sizeBytes += chunk.length;
      if (sizeBytes > limit) throw tooLarge(request.url, limit);
      hash.update(chunk);
      yield chunk;
    }
  };
  await pipeline(response, counted, createWriteStream(request.output), { signal });
  if (announced !== null && announced !== sizeBytes)
    throw unreachable(request.url, `it ends after ${sizeBytes} of ${announced} bytes`);
  return { digest: `sha256:${hash.digest("hex")}`, sizeBytes, etag: headers.etag ?? null };
}

function tooLarge(url: string, limit: number): MillraceError {
  const remedy = "Raise http: { maxBytes } in the source's options.";
  return refused(url, `it is larger than ${limit} bytes`, remedy);
}

function refused(url: string, reason: string, remedy?: string): MillraceError {
  return new MillraceError("SOURCE_REFUSED", { path: shown(url), reason, remedy });
}

function unreachable(url: string, reason: string, cause?: unknown): MillraceError {
  return new MillraceError("SOURCE_UNREACHABLE", { path: shown(url), reason }, { cause });
}

/** Without the password and the query, which may hold a key. */
function shown(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//").replace(/[?#].*$/s, "");
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? String(error.code) : error.message;
}
