import type { Digest } from "../core/digest.ts";
import type { Model } from "../model/model.ts";
import { openPredictionLogs } from "../monitor/prediction-logs.ts";
import type { LogMode, PredictionLogs } from "../monitor/prediction-logs.ts";
import { redactorOf, withoutInputs } from "../monitor/redaction.ts";
import type { Redactor } from "../monitor/redaction.ts";
import { sweepPredictions } from "../monitor/sweep-predictions.ts";
import type { PipelineSpec } from "../pipeline/spec.ts";
import type { Project } from "./project.ts";

export interface ServedLogOptions {
  readonly mode: LogMode;
  /** Days that entries are kept; null = for ever. */
  readonly keepDays: number | null;
  readonly onEvent: (text: string) => void;
}

/** The prediction log of a server: it knows what each model's definition wants redacted, and sweeps what is too old. */
export interface ServedLog {
  readonly log: PredictionLogs;
  /** Must be told of a model before it answers: of one it does not know, no inputs are kept. */
  learn(model: Model, digest: Digest): Promise<void>;
  close(): Promise<void>;
}

export const dayMs = 86_400_000;
const sweepEveryMs = 6 * 3_600_000;

export function openServedLog(project: Project, { mode, keepDays, onEvent }: ServedLogOptions): ServedLog {
  const { clock, store } = project;
  /** By model and version. */
  const redactors = new Map<string, Map<number, Redactor>>();
  const log = openPredictionLogs(store.folder, {
    clock,
    mode,
    log: { hooks: store.hooks },
    redact: (model, entry) => (redactors.get(model)?.get(entry.version) ?? withoutInputs)(entry),
  });
  const sweep = async (): Promise<void> => {
    if (keepDays === null) return;
    try {
      const { segments } = await sweepPredictions(store.folder, clock.now() - keepDays * dayMs, false, store.hooks);
      if (segments > 0) onEvent(`swept ${segments} segments of the prediction log, older than ${keepDays} days`);
    } catch (error) {
      onEvent(`the prediction log cannot be swept: ${String(error)}`);
    }
  };
  let sweeping = sweep();
  const timer = setInterval(() => (sweeping = sweeping.then(sweep)), sweepEveryMs);
  return {
    log,
    async learn(model, digest) {
      const known = await judgedVersion(project, model.name, digest);
      if (!known) return;
      const ofModel = redactors.get(model.name) ?? new Map<number, Redactor>();
      redactors.set(model.name, ofModel.set(known.version, redactorOf(known.redact)));
    },
    async close() {
      clearInterval(timer);
      await sweeping;
      await log.close();
    },
  };
}

/** The number of a version, and what the definition redacts that the newest run judged it by. */
async function judgedVersion(
  { store }: Project,
  model: string,
  digest: Digest,
): Promise<{ readonly version: number; readonly redact: readonly string[] } | undefined> {
  const row = await store.database
    .selectFrom("versions as v")
    .innerJoin("judgements as j", (join) => join.onRef("j.model", "=", "v.model").onRef("j.version", "=", "v.version"))
    .innerJoin("runs as r", "r.id", "j.run_id")
    .select(["v.version", "r.definition"])
    .where("v.model", "=", model)
    .where("v.digest", "=", digest)
    .orderBy("j.sequence", "desc")
    .limit(1)
    .executeTakeFirst();
  if (!row) return undefined;
  const definition = JSON.parse(row.definition ?? "null") as Partial<PipelineSpec> | null;
  return { version: row.version, redact: definition?.monitor?.redact ?? [] };
}
