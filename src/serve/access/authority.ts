import type { FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../../core/clock.ts";
import { MillraceError } from "../../core/errors/error.ts";
import { FailureLimit } from "./failures.ts";
import type { KeyRing } from "./key-ring.ts";
import { grants, rolesFor } from "./roles.ts";
import type { Access } from "./roles.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    access?: Access;
  }
}

export interface AuthorityOptions {
  /** Null = nobody needs a key. */
  readonly keys: KeyRing | null;
  /** The server listens beyond this machine: a key is needed, though none is left. */
  readonly isPublic: boolean;
  readonly clock: Clock;
  /** Refused keys a minute and address that are answered at once. */
  readonly failures: number;
}

/** What is wrong with who asks for what; undefined where nothing is. Sets the headers that go with the answer. */
export type Authority = (request: FastifyRequest, reply: FastifyReply) => MillraceError | undefined;

/** A header each: of two in one, Chromium reads the first alone, which is none it can ask a person for. */
const challenges = ['Bearer realm="millrace"', 'Basic realm="millrace", charset="UTF-8"'];

export function createAuthority(options: AuthorityOptions): Authority {
  const { keys, isPublic, clock } = options;
  const limit = new FailureLimit(clock, options.failures);
  return (request, reply) => {
    // A path without a route says no access; it tells only holders of a key that it does not exist.
    const needed = request.routeOptions.config.access ?? "read";
    if (needed === "open" || !(isPublic || keys?.isInUse())) return undefined;
    const text = keyTextOf(request.headers);
    const holder = text === undefined ? undefined : keys?.holderOf(text);
    if (holder) {
      if (grants(holder.role, needed)) return undefined;
      return new MillraceError("ROLE_INSUFFICIENT", { role: holder.role, needed: rolesFor(needed) });
    }
    // Asking without a key is how a browser begins; only refused keys count.
    const waitSeconds = text === undefined ? 0 : limit.failed(request.socket.remoteAddress ?? "");
    if (waitSeconds > 0) {
      reply.header("retry-after", String(waitSeconds));
      return new MillraceError("KEY_FAILURES", { seconds: waitSeconds });
    }
    reply.header("www-authenticate", challenges);
    return new MillraceError("KEY_REQUIRED", {
      reason: text === undefined ? "no key was sent" : "the key opens nothing",
    });
  };
}

/** The key of a request: `Authorization: Bearer KEY`, or the password of `Basic`, which browsers ask people for. */
function keyTextOf({ authorization }: FastifyRequest["headers"]): string | undefined {
  if (authorization === undefined) return undefined;
  const [, scheme, value] = /^(bearer|basic) +(\S+)$/i.exec(authorization) ?? [];
  if (scheme === undefined) return "";
  if (scheme.toLowerCase() === "bearer") return value;
  const pair = Buffer.from(value!, "base64").toString();
  return pair.slice(pair.indexOf(":") + 1);
}
