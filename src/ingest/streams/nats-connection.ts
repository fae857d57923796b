import { MillraceError } from "../../core/errors/error.ts";

type Transport = typeof import("@nats-io/transport-node");
type JetStream = typeof import("@nats-io/jetstream");

const connectMs = 10_000;

/** The driver; throws PACKAGE_MISSING, which says what needs it. */
export async function loadNats(needs: string): Promise<readonly [Transport, JetStream]> {
  try {
    return await Promise.all([import("@nats-io/transport-node"), import("@nats-io/jetstream")]);
  } catch (error) {
    const packages = ["@nats-io/transport-node", "@nats-io/jetstream"];
    throw new MillraceError("PACKAGE_MISSING", { needs, packages }, { cause: error });
  }
}

/** How to connect to a server such as "nats://user:password@host:4222"; throws SOURCE_QUERY_INVALID where it is no address. */
export function natsAddress(path: string, url: string): NonNullable<Parameters<Transport["connect"]>[0]> {
  if (!URL.canParse(url)) throw new MillraceError("SOURCE_QUERY_INVALID", { path, reason: "its address is none" });
  const { host, username, password, protocol } = new URL(url);
  const user = decodeURIComponent(username);
  return {
    servers: host,
    name: "millrace",
    timeout: connectMs,
    reconnectTimeWait: 500,
    ...(protocol === "tls:" ? { tls: {} } : {}),
    ...(user === "" ? {} : password === "" ? { token: user } : { user, pass: decodeURIComponent(password) }),
  };
}
