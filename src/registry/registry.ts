import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import { requireFence } from "../store/leases.ts";
import type { Fence } from "../store/leases.ts";
import type { Store } from "../store/open.ts";
import type { AliasesTable, Database } from "../store/schema.ts";
import { sealModel } from "../store/seals.ts";
import { appendAudit, readAudit, verifyAuditChain } from "./audit.ts";
import type { AuditEntry, AuditVerdict } from "./audit.ts";
import { championsOf, checkAliases } from "./champions.ts";
import { versionOf } from "./version.ts";
import type { ModelVersion } from "./version.ts";

export interface Registration {
  readonly model: string;
  /** The model artifact; it must be in the store. */
  readonly digest: Digest;
  readonly runId: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly verdict: { readonly passed: boolean; readonly reasons: readonly object[] };
  readonly comparedWith: Digest | null;
  /** Of the run that registers: once it was taken over, nothing is registered and FENCED thrown. */
  readonly fence?: Fence;
}

export interface RegisteredModel {
  readonly model: string;
  readonly versions: number;
  readonly champion: number | null;
  readonly challenger: number | null;
}

/** Who moves an alias, and why. */
export interface Authority {
  readonly by: string;
  readonly reason: string;
  /** Of the run that moves it: once it was taken over, nothing moves and FENCED is thrown. */
  readonly fence?: Fence;
}

/** The catalogue of models: immutable numbered versions, movable aliases, and a log of every change. */
export interface Registry {
  /**
   * Adds a version and makes it the challenger. The same digest gives the same version; another verdict on it is kept
   * as its newest judgement. Throws ARTIFACT_MISSING.
   */
  register(registration: Registration): Promise<ModelVersion>;
  models(): Promise<readonly RegisteredModel[]>;
  /** Oldest first. Throws MODEL_NOT_FOUND. */
  versions(model: string): Promise<readonly ModelVersion[]>;
  /** Null where none was promoted yet. Throws MODEL_NOT_FOUND. */
  champion(model: string): Promise<ModelVersion | null>;
  /** Throws PROMOTION_REFUSED where the gate failed, unless `force`; VERSION_NOT_FOUND; MODEL_NOT_FOUND. */
  promote(model: string, version: number, authority: Authority & { readonly force?: boolean }): Promise<ModelVersion>;
  /** Makes the version champion that was before the present one. Throws ROLLBACK_IMPOSSIBLE. */
  rollback(model: string, authority: Authority): Promise<ModelVersion>;
  /** What happened to a model, oldest first. Throws MODEL_NOT_FOUND. */
  history(model: string): Promise<readonly AuditEntry[]>;
  verifyAudit(): Promise<AuditVerdict>;
}

export function createRegistry(store: Store, clock: Clock): Registry {
  const { database } = store;
  const write = <T>(
    model: string,
    fence: Fence | undefined,
    work: (transaction: Transaction<Database>) => Promise<T>,
  ): Promise<T> =>
    database.transaction().execute(async (transaction) => {
      if (fence) await requireFence(transaction, fence);
      const result = await work(transaction);
      await sealModel(transaction, model);
      return result;
    });
  return {
    async register(registration) {
      const { digest } = registration;
      if (!(await store.artifacts.has(digest))) throw new MillraceError("ARTIFACT_MISSING", { digest });
      return write(registration.model, registration.fence, (transaction) =>
        register(transaction, registration, clock.now()),
      );
    },
    models: () => listModels(database),
    versions: (model) => versionsOf(database, model),
    async champion(model) {
      const versions = await versionsOf(database, model);
      const alias = await aliasOf(database, model, "champion");
      return versions.find(({ version }) => version === alias) ?? null;
    },
    promote: (model, version, authority) =>
      write(model, authority.fence, (transaction) => promote(transaction, model, version, authority, clock.now())),
    rollback: (model, authority) =>
      write(model, authority.fence, (transaction) => rollback(transaction, model, authority, clock.now())),
    async history(model) {
      await versionsOf(database, model);
      return readAudit(database, model);
    },
    async verifyAudit() {
      const verdict = await verifyAuditChain(database);
      return verdict.intact ? checkAliases(database, verdict) : verdict;
    },
  };
}

type Connection = Kysely<Database>;

async function listModels(database: Connection): Promise<readonly RegisteredModel[]> {
  const rows = await database
    .selectFrom("versions")
    .select((e) => ["model", e.fn.max("version").as("versions")])
    .groupBy("model")
    .orderBy("model")
    .execute();
  const aliases = await database.selectFrom("aliases").selectAll().execute();
  const aliasOfModel = (model: string, alias: string): number | null =>
    aliases.find((row) => row.model === model && row.alias === alias)?.version ?? null;
  return rows.map(({ model, versions }) => ({
    model,
    versions,
    champion: aliasOfModel(model, "champion"),
    challenger: aliasOfModel(model, "challenger"),
  }));
}

async function versionsOf(database: Connection, model: string): Promise<readonly ModelVersion[]> {
  const rows = await database
    .selectFrom("versions")
    .selectAll()
    .where("model", "=", model)
    .orderBy("version")
    .execute();
  if (rows.length === 0) {
    const found = (await listModels(database)).map((known) => known.model);
    throw new MillraceError("MODEL_NOT_FOUND", { model, found, nearest: nearestName(model, found) });
  }
  const judgements = await database
    .selectFrom("judgements")
    .selectAll()
    .where("model", "=", model)
    .orderBy("sequence")
    .execute();
  const last = new Map(judgements.map((judgement) => [judgement.version, judgement]));
  return rows.map((row) => versionOf(row, last.get(row.version)!));
}

async function requireVersion(database: Connection, model: string, version: number): Promise<ModelVersion> {
  const versions = await versionsOf(database, model);
  const found = versions.find((candidate) => candidate.version === version);
  if (found) return found;
  const numbers = versions.map((candidate) => candidate.version);
  throw new MillraceError("VERSION_NOT_FOUND", { model, version: String(version), found: numbers });
}

async function aliasOf(database: Connection, model: string, alias: AliasesTable["alias"]): Promise<number | null> {
  const query = database.selectFrom("aliases").select("version").where("model", "=", model).where("alias", "=", alias);
  return (await query.executeTakeFirst())?.version ?? null;
}

async function moveAlias(
  transaction: Transaction<Database>,
  model: string,
  alias: AliasesTable["alias"],
  version: number,
  nowMs: number,
): Promise<void> {
  const row = { version, moved_at: nowMs };
  await transaction
    .insertInto("aliases")
    .values({ model, alias, ...row })
    .onConflict((conflict) => conflict.columns(["model", "alias"]).doUpdateSet(row))
    .execute();
}

async function register(
  transaction: Transaction<Database>,
  registration: Registration,
  nowMs: number,
): Promise<ModelVersion> {
  const { model, digest, runId } = registration;
  const known = await transaction
    .selectFrom("versions")
    .select("version")
    .where("model", "=", model)
    .where("digest", "=", digest)
    .executeTakeFirst();
  let version = known?.version;
  if (version === undefined) {
    const highest = await transaction
      .selectFrom("versions")
      .select((e) => e.fn.max("version").as("version"))
      .where("model", "=", model)
      .executeTakeFirst();
    version = (highest?.version ?? 0) + 1;
    await transaction
      .insertInto("versions")
      .values({ model, version, digest, run_id: runId, created_at: nowMs })
      .execute();
    await moveAlias(transaction, model, "challenger", version, nowMs);
  }
  await judge(transaction, registration, version, nowMs);
  return requireVersion(transaction, model, version);
}

/** Keeps the verdict as the version's newest judgement, unless it says what the last one said. */
async function judge(
  transaction: Transaction<Database>,
  registration: Registration,
  version: number,
  nowMs: number,
): Promise<void> {
  const { model, digest, runId, verdict, comparedWith } = registration;
  const last = await transaction
    .selectFrom("judgements")
    .selectAll()
    .where("model", "=", model)
    .where("version", "=", version)
    .orderBy("sequence", "desc")
    .limit(1)
    .executeTakeFirst();
  const judgement = {
    gate_passed: verdict.passed ? 1 : 0,
    metrics: JSON.stringify(registration.metrics),
    verdict: JSON.stringify({ passed: verdict.passed, reasons: verdict.reasons }),
    compared_with: comparedWith,
  };
  const isSaid =
    last?.verdict === judgement.verdict &&
    last.metrics === judgement.metrics &&
    last.compared_with === judgement.compared_with;
  if (isSaid) return;
  await transaction
    .insertInto("judgements")
    .values({ model, version, sequence: (last?.sequence ?? 0) + 1, run_id: runId, judged_at: nowMs, ...judgement })
    .execute();
  const action = last ? "judge" : "register";
  const details = { version, digest, runId, gatePassed: verdict.passed, comparedWith };
  await appendAudit(transaction, { actor: "millrace", action, subject: model, details }, nowMs);
}

async function promote(
  transaction: Transaction<Database>,
  model: string,
  version: number,
  authority: Authority & { readonly force?: boolean },
  nowMs: number,
): Promise<ModelVersion> {
  const candidate = await requireVersion(transaction, model, version);
  const force = authority.force ?? false;
  if (!candidate.gatePassed && !(force && authority.reason.trim() !== "")) {
    const reason = force ? "the gate failed, and a forced promotion needs a reason" : "the gate failed";
    throw new MillraceError("PROMOTION_REFUSED", { model, version, reason });
  }
  const previous = await aliasOf(transaction, model, "champion");
  if (previous === version) return candidate;
  await moveAlias(transaction, model, "champion", version, nowMs);
  const challenger = { model, alias: "challenger" as const, version };
  await transaction
    .deleteFrom("aliases")
    .where((e) => e.and(challenger))
    .execute();
  const details = { version, previous, reason: authority.reason, forced: !candidate.gatePassed };
  await appendAudit(transaction, { actor: authority.by, action: "promote", subject: model, details }, nowMs);
  return candidate;
}

async function rollback(
  transaction: Transaction<Database>,
  model: string,
  authority: Authority,
  nowMs: number,
): Promise<ModelVersion> {
  await versionsOf(transaction, model);
  const champions = championsOf(await readAudit(transaction, model));
  const present = champions.at(-1);
  const before = champions.at(-2);
  if (present === undefined || before === undefined) {
    const reason = present === undefined ? "it has no champion" : `version ${present} is its first champion`;
    throw new MillraceError("ROLLBACK_IMPOSSIBLE", { model, reason });
  }
  await moveAlias(transaction, model, "champion", before, nowMs);
  const details = { version: before, previous: present, reason: authority.reason };
  await appendAudit(transaction, { actor: authority.by, action: "rollback", subject: model, details }, nowMs);
  return requireVersion(transaction, model, before);
}
