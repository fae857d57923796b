import type { Compilable, Kysely } from "kysely";
import { MillraceError } from "../../core/errors/error.ts";
import { noHooks } from "../hooks.ts";
import type { Durability, StoreHooks } from "../hooks.ts";
import { checkFence, heldLease } from "../leases.ts";
import type { Fence } from "../leases.ts";
import type { InspectedMetadata, Metadata } from "../metadata.ts";
import { parseMetadataAddress } from "../metadata-address.ts";
import type { PostgresAddress } from "../metadata-address.ts";
import type { Database } from "../schema.ts";
import { PostgresDriver } from "./driver.ts";
import { serverError } from "./faults.ts";
import { formatOf, lockOf, migrate } from "./migrate.ts";
import { PostgresSession } from "./session.ts";
import { writeSnapshot } from "./snapshot.ts";
import { structureOf } from "./structure.ts";

async function assemble(session: PostgresSession, address: PostgresAddress, hooks: StoreHooks): Promise<Metadata> {
  const { createQueryBuilder } = await import("../query-builder.ts");
  const driver = new PostgresDriver(session, lockOf(address.schema), hooks);
  const database = createQueryBuilder("postgres", driver);
  return {
    database,
    read: async (query) => (await database.executeQuery(query.compile())).rows,
    write: (queries, fence, durability) => writeTogether(driver, database, queries, fence, durability),
    lasting: async () => {},
    prepare: () => {},
    snapshot: (target) => withSession(address, (other) => writeSnapshot(other, target)),
  };
}

function writeTogether(
  driver: PostgresDriver,
  database: Kysely<Database>,
  queries: readonly Compilable[],
  fence: Fence | undefined,
  durability: Durability,
): Promise<readonly number[]> {
  const held = fence && heldLease(database, fence).compile();
  const compiled = queries.map((query) => query.compile());
  return driver.atOnce(async (execute) => {
    if (fence && held) checkFence(fence, (await execute(held)).rows[0]);
    const changed: number[] = [];
    for (const query of compiled) changed.push(Number((await execute(query)).numAffectedRows ?? 0));
    return changed;
  }, durability);
}

/** Work on a connection of its own, which others do not wait for. */
async function withSession<T>(address: PostgresAddress, work: (session: PostgresSession) => Promise<T>): Promise<T> {
  const session = new PostgresSession(address);
  try {
    await session.connect();
    return await work(session);
  } catch (error) {
    throw serverError(address.place, error);
  } finally {
    await session.close();
  }
}

/**
 * Opens the metadata at `postgres://...`, making or migrating its tables where needed.
 * Throws STORE_ADDRESS_INVALID, STORE_UNREACHABLE, STORE_DENIED, STORE_FORMAT_TOO_NEW or PACKAGE_MISSING.
 */
export async function openPostgresMetadata(text: string, hooks: StoreHooks): Promise<Metadata> {
  const address = parseMetadataAddress(text);
  const session = new PostgresSession(address);
  try {
    await session.connect();
    await migrate(session, address, hooks);
  } catch (error) {
    await session.close();
    throw serverError(address.place, error);
  }
  session.hold(false);
  return assemble(session, address, hooks);
}

/** Opens the metadata as it is: nothing is made or migrated. Throws STORE_DAMAGED where there is none. */
export async function inspectPostgresMetadata(text: string): Promise<InspectedMetadata> {
  const address = parseMetadataAddress(text);
  const { schema, place } = address;
  const session = new PostgresSession(address);
  try {
    await session.connect();
    if ((await formatOf(session, schema)) === null)
      throw new MillraceError("STORE_DAMAGED", { path: place, reason: "it holds no store" });
  } catch (error) {
    await session.close();
    throw serverError(place, error);
  }
  return {
    ...(await assemble(session, address, noHooks)),
    freeze: async () => void (await session.query("begin isolation level repeatable read read only")),
    thaw: async () => void (await session.query("rollback")),
    structure: () => structureOf(session, schema),
  };
}
