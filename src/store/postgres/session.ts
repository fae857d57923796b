import type { Client, QueryResult } from "pg";
import { MillraceError } from "../../core/errors/error.ts";
import type { PostgresAddress } from "../metadata-address.ts";
import { storable } from "../storable.ts";
import { connectError, mayComeBack } from "./faults.ts";

type Driver = typeof import("pg").default;

/** What the driver's types leave out. */
type HoldingClient = Client & { ref(): void; unref(): void };

const connectMs = 15_000;
/** Longer than any wait for a lock: a server that stays silent for so long is out of reach. */
const silenceMs = 90_000;
const retryMs: readonly number[] = [50, 100, 200, 400, 800, 1_600];

async function loadDriver(): Promise<Driver> {
  try {
    return (await import("pg")).default;
  } catch (error) {
    throw new MillraceError("PACKAGE_MISSING", { needs: "a store in PostgreSQL", packages: ["pg"] }, { cause: error });
  }
}

const [int8, numeric] = [20, 1700];

/** Counts and times come as numbers, as from the embedded store: none is beyond 2^53. */
function typesOf(driver: Driver): { getTypeParser: (type: number, format?: "text" | "binary") => unknown } {
  return {
    getTypeParser: (type, format) =>
      type === int8 || type === numeric ? Number : driver.types.getTypeParser(type, format as "text"),
  };
}

/** One connection to the server, made again when it broke. */
export class PostgresSession {
  readonly #address: PostgresAddress;
  #client: Client | null = null;
  #wasConnected = false;

  constructor(address: PostgresAddress) {
    this.#address = address;
  }

  get place(): string {
    return this.#address.place;
  }

  get isConnected(): boolean {
    return this.#client !== null;
  }

  /** Connects unless it is. A server that was there before is waited for a few seconds. Throws STORE_UNREACHABLE or STORE_DENIED. */
  async connect(): Promise<void> {
    for (let tries = 0; this.#client === null; ++tries) {
      try {
        await this.#open();
        this.#wasConnected = true;
      } catch (error) {
        const waitMs = this.#wasConnected ? retryMs[tries] : undefined;
        if (waitMs === undefined || !mayComeBack(error)) throw connectError(this.place, error);
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  async #open(): Promise<void> {
    const driver = await loadDriver();
    const client = new driver.Client({
      connectionString: this.#address.url,
      connectionTimeoutMillis: connectMs,
      query_timeout: silenceMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      application_name: "millrace",
      types: typesOf(driver) as never,
    });
    const forget = (): void => {
      if (this.#client === client) this.#client = null;
    };
    // A broken connection fails the query under way; without a listener it would end the process.
    client.on("error", forget);
    client.on("end", forget);
    try {
      await client.connect();
      await client.query(
        `set search_path to "${this.#address.schema}"; set client_min_messages to warning; set time zone 'UTC'`,
      );
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    this.#client = client;
  }

  /** Throws what the server or the driver says, untranslated. */
  async query(sql: string, parameters: readonly unknown[] = []): Promise<QueryResult<Record<string, unknown>>> {
    const client = this.#client;
    if (!client) throw new Error("the connection is lost");
    return parameters.length === 0 ? client.query(sql) : client.query(sql, parameters.map(storable));
  }

  /** Whether this connection alone keeps the process from ending. */
  hold(isHeld: boolean): void {
    const client = this.#client as HoldingClient | null;
    if (isHeld) client?.ref();
    else client?.unref();
  }

  /** Gives up a connection whose state is not known; the server rolls back what was under way. */
  drop(): void {
    const client = this.#client as unknown as { connection: { stream: { destroy(): void } } } | null;
    this.#client = null;
    client?.connection.stream.destroy();
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    (client as HoldingClient | null)?.ref();
    await client?.end().catch(() => {});
  }
}
