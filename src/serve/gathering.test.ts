import { describe, expect, it, onTestFinished, vi } from "vitest";
import { churnModel, housesModel } from "../../test/serve/served-models.ts";
import { fixedClock } from "../core/clock.ts";
import * as scoring from "../model/predict.ts";
import type { PredictionEntry } from "../monitor/log-line.ts";
import type { PredictionLogs } from "../monitor/prediction-logs.ts";
import type { PredictContext, RowAnswers } from "./answer-rows.ts";
import { Gathering } from "./gathering.ts";
import { defaultLimits } from "./limits.ts";
import { createMetrics } from "./metrics.ts";
import { fixedModels, type ServedModel } from "./model-source.ts";

const asker = { headers: {} };

interface Tried {
  ask(rows: readonly object[], explain?: boolean): RowAnswers | Promise<RowAnswers>;
  readonly logged: PredictionEntry[];
  /** Rows of each look at the contract, in order. */
  batches(): number[];
}

/** A model of which a row alone takes `ms`, as far as the clock tells. */
async function start(served: ServedModel, ms: number, given: Partial<PredictContext> = {}): Promise<Tried> {
  const clock = fixedClock(0);
  const predict = vi.spyOn(scoring, "predict");
  onTestFinished(() => predict.mockRestore());
  const models = fixedModels([served]);
  const logged: PredictionEntry[] = [];
  const log = {
    mode: "async",
    counts: () => ({ dropped: 0, failing: null }),
    of: () => ({ append: (entries: readonly PredictionEntry[]) => logged.push(...entries) }),
  } as unknown as PredictionLogs;
  let ids = 0;
  const metrics = await createMetrics({ models, log: null, inFlight: () => 0 });
  const ticking = { ...clock, monotonic: () => (clock.advance(ms), clock.monotonic()) };
  const createId = (): string => `id-${++ids}`;
  const context = { models, log, clock: ticking, limits: defaultLimits, metrics, traffic: null, createId, ...given };
  const gathering = new Gathering(context);
  return {
    ask: (rows, explain = false) => gathering.answer(served, { rows, explain }, asker),
    logged,
    batches: () => predict.mock.calls.map(([, frame]) => frame.nRows),
  };
}

const answersOf = (answered: RowAnswers): unknown => (answered.refused ? answered.refused.code : answered.answers);

describe("requests of one turn", () => {
  it("are answered at once where a row takes no time", async () => {
    const { ask, batches } = await start(housesModel(1), 0.001);
    for (let i = 0; i < 4; ++i) expect(answersOf((await ask([{ rooms: i }])) as RowAnswers)).toEqual([1000 + i]);
    expect(ask([{ rooms: 1 }])).not.toBeInstanceOf(Promise);
    expect(batches()).toEqual([1, 1, 1, 1, 1]);
  });

  it("are predicted together where a row alone takes long, and answered, counted and logged each for itself", async () => {
    const { ask, batches, logged } = await start(housesModel(1), 1);
    await ask([{ rooms: 0 }]);
    const answers = await Promise.all([ask([{ rooms: 1 }]), ask([{ rooms: 2 }, { rooms: 3 }]), ask([{ rooms: 4 }])]);
    expect(batches()).toEqual([1, 4]);
    expect(answers.map(answersOf)).toEqual([[1001], [1002, 1003], [1004]]);
    expect(answers.map((one) => (one.refused ? [] : one.predictionIds))).toEqual([
      ["id-2"],
      ["id-3", "id-4"],
      ["id-5"],
    ]);
    expect(logged.map(({ id, inputs, output }) => [id, inputs["rooms"], output])).toEqual([
      ["id-1", 0, 1000],
      ["id-2", 1, 1001],
      ["id-3", 2, 1002],
      ["id-4", 3, 1003],
      ["id-5", 4, 1004],
    ]);
    await ask([{ rooms: 5 }]);
    expect(batches()).toEqual([1, 4, 1]);
  });

  it("of which one is at fault cost the others nothing", async () => {
    const { model, ...served } = housesModel(1);
    const linear = { ...model.predictor, coefficients: Float64Array.of(1e307) } as typeof model.predictor;
    const { ask } = await start({ ...served, model: { ...model, predictor: linear, parity: null } }, 1);
    await ask([{ rooms: 1 }]);
    const settled = await Promise.allSettled([ask([{ rooms: 1 }]), ask([{ rooms: 99 }]), ask([{ rooms: 2 }])]);
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(settled[1]).toMatchObject({ reason: { code: "PREDICTION_UNDEFINED" } });
    const refused = await Promise.all([ask([{ rooms: 1 }]), ask([{ rooms: -1 }])]);
    expect(refused.map(({ refused: problem }) => problem?.code)).toEqual([undefined, "REQUEST_INVALID"]);
  });

  it("are answered alone where they want explanations, are batches, or their trace is kept", async () => {
    const kept = {
      begin: () => "",
      answered: () => {},
      partsOf: () => () => () => {},
      send: () => null,
      end: () => {},
    };
    const many = Array.from({ length: 65 }, () => ({ rooms: 1 }));
    const { ask } = await start(housesModel(1), 1);
    await ask([{ rooms: 1 }]);
    expect(ask([{ rooms: 1 }], true)).not.toBeInstanceOf(Promise);
    expect(ask(many)).not.toBeInstanceOf(Promise);
    const traced = await start(housesModel(1), 1, { tracing: kept });
    await traced.ask([{ rooms: 1 }]);
    expect(traced.ask([{ rooms: 1 }])).not.toBeInstanceOf(Promise);
  });

  it("log of a cleaned column what training keeps, each its own rows", async () => {
    const served = churnModel();
    const columns = served.model.contract.columns.map((one) =>
      one.name === "customer"
        ? { ...one, clean: { trim: false, case: "lower", missing: [], units: null, dates: null } as const }
        : one,
    );
    const model = { ...served.model, contract: { columns } };
    const { ask, logged } = await start({ ...served, model }, 1);
    const row = model.parity!.rows[0]!;
    await ask([row]);
    await Promise.all([ask([{ ...row, customer: "C-1" }]), ask([{ ...row, customer: "C-2" }])]);
    expect(logged.map(({ inputs }) => inputs["customer"])).toEqual(["c-1042", "c-1", "c-2"]);
  });
});
