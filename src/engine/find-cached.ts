import type { Digest } from "../core/digest.ts";
import { compileOnce } from "../store/compile-once.ts";
import type { Store } from "../store/open.ts";
import { emptyRecord } from "./context.ts";
import type { StepRecord } from "./context.ts";
import type { Step } from "./step.ts";

/** What an earlier attempt with the same cache key wrote and recorded; null where an artifact of it is gone. */
export async function findCached(store: Store, step: Step, cacheKey: Digest): Promise<StepRecord | null> {
  const { database } = store;
  const answer = compileOnce(database, "answered by", [cacheKey], () =>
    database.selectFrom("cache_entries").select(["run_id", "step", "attempt"]).where("cache_key", "=", cacheKey),
  );
  const [found] = await store.read(answer);
  if (!found) return null;
  const outputs = await store.database
    .selectFrom("step_outputs")
    .innerJoin("artifacts", "artifacts.digest", "step_outputs.digest")
    .select(["output", "artifacts.digest", "size", "type", "format"])
    .where("run_id", "=", found.run_id)
    .where("step", "=", found.step)
    .where("attempt", "=", found.attempt)
    .execute();
  if (outputs.length !== step.outputs.length) return null;
  for (const { digest, size } of outputs) if ((await store.artifacts.sizeOf(digest)) !== size) return null;
  const metrics = await store.database
    .selectFrom("metrics")
    .select(["metric", "value"])
    .where("run_id", "=", found.run_id)
    .where("step", "=", found.step)
    .where("attempt", "=", found.attempt)
    .execute();
  return {
    ...emptyRecord(),
    outputs: new Map(outputs.map((row) => [row.output, row])),
    metrics: new Map(metrics.map((row) => [row.metric, row.value ?? Number.NaN])),
  };
}
