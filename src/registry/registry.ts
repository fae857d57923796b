import type { Transaction } from "kysely";
import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { canonicalJson, type JsonObject } from "../core/json.ts";
import { MillraceError } from "../core/errors/error.ts";
import { contractBreaks } from "../frame/contract-breaks.ts";
import type { RequestContract } from "../frame/contract-breaks.ts";
import { requireFence } from "../store/leases.ts";
import type { Fence } from "../store/leases.ts";
import type { Store } from "../store/open.ts";
import type { Database } from "../store/schema.ts";
import { sealModel } from "../store/seals.ts";
import { checkAliases, namedAliases, setAlias } from "./aliases.ts";
import type { NamedAlias } from "./aliases.ts";
import { approvalState, approve, rulesAsJson } from "./approvals.ts";
import type { ApprovalRule, ApprovalState } from "./approvals.ts";
import { appendAudit, checkAuditEnd, readAudit, verifyAuditChain } from "./audit.ts";
import type { AuditEntry, AuditVerdict } from "./audit.ts";
import { aliasOf, listModels, moveAlias, requireVersion, versionsOf } from "./lookup.ts";
import type { Connection, RegisteredModel } from "./lookup.ts";
import { archive, promote, rollback, tagVersion } from "./promotion.ts";
import type { Authority, Compatibility, PromotionAuthority } from "./promotion.ts";
import { stateAt } from "./state.ts";
import type { ModelState } from "./state.ts";
import type { ModelVersion } from "./version.ts";

export interface Registration {
  readonly model: string;
  /** The model artifact; it must be in the store. */
  readonly digest: Digest;
  readonly runId: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly verdict: { readonly passed: boolean; readonly reasons: readonly object[] };
  readonly comparedWith: Digest | null;
  /** Who must approve it before it may be promoted. Default nobody. */
  readonly approvals?: readonly ApprovalRule[];
  /** Who made it, and cannot be the only one to approve it. */
  readonly author?: string;
  /** Of the run that registers: once it was taken over, nothing is registered and FENCED thrown. */
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
  /**
   * Throws PROMOTION_REFUSED where the gate failed and CONTRACT_INCOMPATIBLE where the version would refuse requests the
   * champion takes, unless `force`; APPROVAL_MISSING where its reviewers have not approved it; VERSION_ARCHIVED; VERSION_NOT_FOUND; MODEL_NOT_FOUND.
   */
  promote(model: string, version: number, authority: PromotionAuthority): Promise<ModelVersion>;
  /** Makes the version champion that was before the present one. Throws ROLLBACK_IMPOSSIBLE, VERSION_ARCHIVED. */
  rollback(model: string, authority: Authority): Promise<ModelVersion>;
  /** What happened to a model, oldest first. Throws MODEL_NOT_FOUND. */
  history(model: string): Promise<readonly AuditEntry[]>;
  /** What a version would refuse of the requests the champion takes. */
  compatibility(model: string, version: number): Promise<Compatibility>;
  /** Puts a version away: never champion again. Throws ARCHIVE_REFUSED for the champion, VERSION_NOT_FOUND, MODEL_NOT_FOUND. */
  archive(model: string, version: number, authority: Authority): Promise<void>;
  /** Sets a tag of a version; null takes it off. Throws VERSION_NOT_FOUND, MODEL_NOT_FOUND. */
  tag(model: string, version: number, tag: readonly [name: string, value: string | null], by: Authority): Promise<void>;
  /** Approves a version, or takes an approval back. Throws APPROVAL_REFUSED, VERSION_NOT_FOUND, MODEL_NOT_FOUND. */
  approve(model: string, version: number, authority: Authority, isWithdrawn?: boolean): Promise<ApprovalState>;
  /** Throws MODEL_NOT_FOUND, VERSION_NOT_FOUND. */
  approvals(model: string, version: number): Promise<ApprovalState>;
  /** Lets an alias stand at a version; null = at none. Throws ALIAS_REFUSED, VERSION_ARCHIVED, VERSION_NOT_FOUND, MODEL_NOT_FOUND. */
  setAlias(model: string, alias: string, version: number | null, authority: Authority): Promise<void>;
  /** Every alias but champion and challenger. */
  aliases(): Promise<readonly NamedAlias[]>;
  /** The whole audit log, oldest first. */
  audit(): Promise<readonly AuditEntry[]>;
  /** All models as they were at a time (UTC milliseconds), rebuilt from the audit log. */
  stateAt(at: number): Promise<readonly ModelState[]>;
  /** `kept`: digest of an entry that was noted elsewhere; it must still be there. */
  verifyAudit(kept?: string): Promise<AuditVerdict>;
}

type RequestContractOf = (digest: Digest) => Promise<RequestContract>;

/** `requestContract` reads what requests a model takes; without it, promotions are not checked for callers they would break. */
export function createRegistry(store: Store, clock: Clock, requestContract?: RequestContractOf): Registry {
  const { database } = store;
  return { ...readsOf(database, requestContract), ...writesTo(store, clock, requestContract) };
}

type Writing = "register" | "promote" | "rollback" | "archive" | "tag" | "approve" | "setAlias";

function readsOf(database: Connection, requestContract?: RequestContractOf): Omit<Registry, Writing> {
  return {
    models: () => listModels(database),
    versions: (model) => versionsOf(database, model),
    async champion(model) {
      const versions = await versionsOf(database, model);
      const alias = await aliasOf(database, model, "champion");
      return versions.find(({ version }) => version === alias) ?? null;
    },
    compatibility: (model, version) => compatibilityOf(database, requestContract, model, version),
    async approvals(model, version) {
      await requireVersion(database, model, version);
      return approvalState(await readAudit(database, model), version);
    },
    aliases: () => namedAliases(database),
    audit: () => readAudit(database),
    stateAt: async (at) => stateAt(await readAudit(database), at),
    async history(model) {
      await versionsOf(database, model);
      return readAudit(database, model);
    },
    async verifyAudit(kept) {
      const chain = await verifyAuditChain(database);
      if (!chain.intact) return chain;
      const aliases = await checkAliases(database, chain);
      return aliases.intact ? checkAuditEnd(database, aliases, kept) : aliases;
    },
  };
}

/** Each in a transaction of its own, which seals what it changed of the model. */
function writesTo(store: Store, clock: Clock, requestContract?: RequestContractOf): Pick<Registry, Writing> {
  const { database } = store;
  const write = <T>(
    model: string,
    fence: Fence | undefined,
    work: (transaction: Transaction<Database>, nowMs: number) => Promise<T>,
  ): Promise<T> =>
    database.transaction().execute(async (transaction) => {
      if (fence) await requireFence(transaction, fence);
      const result = await work(transaction, clock.now());
      await sealModel(transaction, model);
      return result;
    });
  return {
    async register(registration) {
      const { model, digest, fence } = registration;
      if (!(await store.artifacts.has(digest))) throw new MillraceError("ARTIFACT_MISSING", { digest });
      return write(model, fence, (transaction, now) => register(transaction, registration, now));
    },
    async promote(model, version, authority) {
      for (;;) {
        const compatible = await compatibilityOf(database, requestContract, model, version);
        const promoted = await write(model, authority.fence, (transaction, now) =>
          promote(transaction, [model, version], authority, compatible, now),
        );
        if (promoted) return promoted;
      }
    },
    rollback: (model, by) => write(model, by.fence, (transaction, now) => rollback(transaction, model, by, now)),
    archive: (model, version, by) =>
      write(model, by.fence, (transaction, now) => archive(transaction, [model, version], by, now)),
    tag: (model, version, tag, by) =>
      write(model, by.fence, (transaction, now) => tagVersion(transaction, [model, version], tag, by, now)),
    approve: (model, version, by, isWithdrawn = false) =>
      write(model, by.fence, async (transaction, now) => {
        await approve(transaction, [model, version], by, isWithdrawn, now);
        return approvalState(await readAudit(transaction, model), version);
      }),
    setAlias: (model, alias, version, by) =>
      write(model, by.fence, (transaction, now) => setAlias(transaction, [model, version], alias, by, now)),
  };
}

/** Outside the transaction that promotes: reading models takes long, and the write lock is one for all. */
async function compatibilityOf(
  database: Connection,
  requestContract: RequestContractOf | undefined,
  model: string,
  version: number,
): Promise<Compatibility> {
  const candidate = await requireVersion(database, model, version);
  const champion = await aliasOf(database, model, "champion");
  if (champion === null || champion === version || !requestContract) return { champion, breaks: [] };
  const { digest } = await requireVersion(database, model, champion);
  const breaks = contractBreaks(await requestContract(digest), await requestContract(candidate.digest));
  return { champion, breaks };
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
  const { model, runId, verdict, comparedWith, approvals = [] } = registration;
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
  const asked = last ? approvalState(await readAudit(transaction, model), version).rules : [];
  const isSaid =
    canonicalJson(asked) === canonicalJson(approvals) &&
    last?.verdict === judgement.verdict &&
    last.metrics === judgement.metrics &&
    last.compared_with === judgement.compared_with;
  if (isSaid) return;
  await transaction
    .insertInto("judgements")
    .values({ model, version, sequence: (last?.sequence ?? 0) + 1, run_id: runId, judged_at: nowMs, ...judgement })
    .execute();
  const action = last ? "judge" : "register";
  await appendAudit(
    transaction,
    { actor: "millrace", action, subject: model, details: said(registration, version) },
    nowMs,
  );
}

function said(registration: Registration, version: number): JsonObject {
  const { digest, runId, verdict, comparedWith, approvals = [], author } = registration;
  return {
    version,
    digest,
    runId,
    gatePassed: verdict.passed,
    comparedWith,
    ...(approvals.length > 0 && { approvals: rulesAsJson(approvals) }),
    ...(author !== undefined && { author }),
  };
}
