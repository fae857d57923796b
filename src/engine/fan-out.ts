import type { Digest } from "../core/digest.ts";
import { rm } from "node:fs/promises";
import { answer, entryOf, NotStarted } from "./attempt.ts";
import type { Run, Subject } from "./attempt.ts";
import { cacheKeyOf } from "./cache-key.ts";
import { adoptOutput, emptyRecord } from "./context.ts";
import type { StepRecord, WrittenOutput } from "./context.ts";
import { findCached } from "./find-cached.ts";
import type { StepEntry } from "./journal.ts";
import { listCodec, readItems } from "./list.ts";
import { listenToProgress } from "./progress.ts";

/**
 * Answers a step once for each element of a list, each element with an attempt and a cache key of its own, and gathers
 * each output into a list in the order of the elements. The first element that fails ends it.
 */
export async function answerEach(run: Run, subject: Subject): Promise<StepEntry> {
  const { step } = subject;
  const start = run.clock.monotonic();
  const cacheKey = await cacheKeyOf(step, run.workflow.seed, subject.inputs);
  const first = { ...entryOf(run, subject, 1), cacheKey };
  const whole = run.mayReuse(step.name) ? await findCached(run.store, step, cacheKey.digest) : null;
  if (whole && (await areAllThere(run, [...whole.outputs.values()]))) {
    const cached = { ...first, status: "cached" as const, record: whole, durationMs: run.clock.monotonic() - start };
    run.journal.note(cached);
    return cached;
  }
  subject.onStart();
  run.journal.show(first);
  const entries = await answerElements(run, subject);
  const record = emptyRecord();
  for (const output of step.outputs) record.outputs.set(output, await gather(run, output, entries, record));
  record.metrics.set("elements", entries.length);
  const made = entries.flatMap((entry) =>
    [...entry.record.outputs.values()].map(({ output, digest }) => [`${entry.name}.${output}`, digest] as const),
  );
  const done: StepEntry = {
    ...first,
    status: "ran",
    inputs: new Map([...subject.inputs, ...made]),
    record,
    durationMs: run.clock.monotonic() - start,
  };
  await run.journal.commit(done);
  return done;
}

async function answerElements(run: Run, subject: Subject): Promise<readonly StepEntry[]> {
  const { step, position, inputs } = subject;
  const list = inputs.get(step.over!)!;
  const items = await readItems(step.name, step.over!, await run.store.artifacts.verifiedPath(list));
  const progress = listenToProgress(step.name, run.listener, run.clock);
  let ended = 0;
  let isFailed = false;
  const elements = items.map(async (item) => {
    const name = `${step.name}[${item.index}]`;
    const isEnding = (): boolean => isFailed || run.isEnding();
    try {
      const element: Subject = { name, step, position, inputs, item, onStart: () => {} };
      const entry = await answer({ ...run, isEnding }, element);
      progress.report(++ended, items.length, "elements");
      return entry;
    } catch (error) {
      isFailed = true;
      throw error;
    }
  });
  const results = await Promise.allSettled(elements);
  const reasons = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
  // Elements that never began did not fail by themselves.
  const failure = reasons.find((reason) => !(reason instanceof NotStarted));
  if (failure !== undefined) throw failure;
  if (reasons.length > 0) throw new NotStarted(1);
  return Promise.all(elements);
}

async function gather(
  run: Run,
  output: string,
  entries: readonly StepEntry[],
  record: StepRecord,
): Promise<WrittenOutput> {
  const written = entries.map((entry) => entry.record.outputs.get(output)!);
  const path = run.store.artifacts.temporaryPath();
  try {
    const digests: Digest[] = written.map(({ digest }) => digest);
    const { type, format } = written[0] ?? { type: "json", format: 1 };
    await listCodec.write({ type, format, digests }, path);
    const { digest, size } = await adoptOutput(run.store, record, path);
    return { output, digest, size, type: listCodec.type, format: listCodec.format };
  } finally {
    await rm(path, { force: true });
  }
}

/** Whether the artifacts a list names are all in the store still. */
async function areAllThere(run: Run, outputs: readonly WrittenOutput[]): Promise<boolean> {
  for (const { digest } of outputs) {
    const list = await listCodec.read(await run.store.artifacts.verifiedPath(digest));
    const found = await Promise.all(list.digests.map((element) => run.store.artifacts.has(element)));
    if (found.includes(false)) return false;
  }
  return true;
}
