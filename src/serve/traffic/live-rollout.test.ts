import { describe, expect, it, vi } from "vitest";
import { begin, clock, latest, models, startRolloutServer } from "../../../test/serve/rollout-servers.ts";
import { markedPredictionId } from "../../monitor/prediction-id.ts";
import type { LabelledAnswer, LabelQuery } from "../../monitor/rollout/quality.ts";
import type { RolloutWatchOptions } from "./watch-rollouts.ts";

/** Of an answer that another version gave. */
const labelOfNobody = (receivedAt: number): LabelledAnswer => ({
  predictionId: "plain",
  version: 7,
  predictedAt: 0,
  receivedAt,
  output: "yes",
  actual: "yes",
});

describe("a canary", () => {
  it("whose answers turn out wrong is rolled back once labels are there", async () => {
    const labels: LabelledAnswer[] = [];
    let ids = 0;
    const createId = (mark?: string): string => (mark === undefined ? `${++ids}` : markedPredictionId(0, mark, ++ids));
    const startedAt = clock.now();
    const labelled: RolloutWatchOptions["labelled"] = async (model, { sinceMs, after }) => {
      expect([model, sinceMs]).toEqual(["houses", startedAt]);
      return labels.filter(({ receivedAt }) => receivedAt > (after?.receivedAt ?? 0));
    };
    const server = await startRolloutServer({ createId }, { labelled });
    await begin(2);
    await server.watch.refresh();
    const label = (n: number, version: number, isWrong: boolean): void => {
      for (let i = 0; i < n; ++i) {
        const { predictionIds, served } = server.answer(3);
        if (served.version !== version) continue;
        const output = isWrong ? "no" : "yes";
        const receivedAt = labels.length + 1;
        labels.push({
          predictionId: predictionIds[0]!,
          version,
          predictedAt: clock.now(),
          receivedAt,
          output,
          actual: "yes",
        });
      }
    };
    label(100, 1, false);
    clock.advance(10_000);
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "running" });
    label(100, 2, true);
    clock.advance(10_000);
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "rolledBack", reason: "worse in quality" });
  });

  it("that ranks is not judged by labels, which do not tell what a score should have been", async () => {
    for (const [digest, model] of models) models.set(digest, { ...model, task: "ranking" });
    const read = vi.fn(async () => [labelOfNobody(1)]);
    const server = await startRolloutServer({}, { labelled: read });
    await begin(2);
    clock.advance(10_000);
    await server.watch.refresh();
    expect(server.events).toEqual(["begun "]);
    expect(read).not.toHaveBeenCalled();
  });

  it("has its labels read every ten seconds, at once where more may be there, and none that may yet get an earlier one", async () => {
    const queries: LabelQuery[] = [];
    const parts = [5_000, 5_000, 10].map((n) => Array.from({ length: n }, () => labelOfNobody(n)));
    const labelled: RolloutWatchOptions["labelled"] = async (_, query) => {
      queries.push(query);
      return parts.shift() ?? [];
    };
    const server = await startRolloutServer({}, { labelled });
    const { stepsAt } = await begin(2);
    const look = async (times: number): Promise<number> => {
      const before = queries.length;
      for (let i = 0; i < times; ++i) await server.watch.refresh();
      return queries.length - before;
    };
    expect(await look(5)).toBe(3);
    clock.advance(9_999);
    expect(await look(5)).toBe(0);
    clock.advance(1);
    expect(await look(5)).toBe(1);
    expect(queries.at(-1)).toEqual({
      sinceMs: stepsAt[0],
      untilMs: clock.now() - 5_000,
      after: labelOfNobody(10),
      limit: 5_000,
    });
  });
});
