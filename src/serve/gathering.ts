import type { PredictContext, RowAnswers } from "./answer-rows.ts";
import { answerRows, answerTogether } from "./answer-rows.ts";
import type { ServedModel } from "./model-source.ts";
import type { PredictRequest } from "./request-body.ts";
import { answerAsked } from "./traffic/answer.ts";
import type { Asker } from "./traffic/arm.ts";

/** A row that takes less alone is answered at once: waiting for the others of a turn would cost more than it saves. */
const worthGatheringMs = 0.1;

/** Requests of more rows are batches already. */
const mostRows = 64;

/** How much the latest row alone counts among those before. */
const weight = 1 / 16;

interface Waiting {
  readonly asked: PredictRequest;
  resolve(answered: RowAnswers): void;
  reject(error: unknown): void;
}

/**
 * Answers requests, those that were read in one turn of the event loop together where a row of the model alone takes long: many rows
 * at once take less time each (trees are walked by all of them, columns are made once). So the batch grows with the load and nobody
 * waits for a request that may never come. A row's answer does not depend on the rows beside it. Requests under a rollout, whose time is
 * judged, and those whose trace is kept are answered alone.
 */
export class Gathering {
  readonly #context: PredictContext;
  readonly #waiting = new Map<ServedModel, Waiting[]>();
  /** Milliseconds that a row takes alone, on the mean of late. */
  readonly #costs = new WeakMap<ServedModel, number>();

  constructor(context: PredictContext) {
    this.#context = context;
  }

  /** What answerAsked gives, at once or at the end of the turn. */
  answer(served: ServedModel, asked: PredictRequest, asker: Asker): RowAnswers | Promise<RowAnswers> {
    if (!this.#isWorthGathering(served, asked, asker))
      return this.#timed(served, asked, () => answerAsked(this.#context, served, asked, asker));
    return new Promise((resolve, reject) => {
      const one = { asked, resolve, reject };
      const group = this.#waiting.get(served);
      if (group) return void group.push(one);
      this.#waiting.set(served, [one]);
      setImmediate(() => this.#answerGroup(served));
    });
  }

  #isWorthGathering(served: ServedModel, { rows, explain }: PredictRequest, asker: Asker): boolean {
    const { traffic, tracing } = this.#context;
    if ((this.#costs.get(served) ?? 0) < worthGatheringMs || explain || rows.length > mostRows) return false;
    return !traffic?.of(served) && !tracing?.partsOf(asker);
  }

  #answerGroup(served: ServedModel): void {
    const group = this.#waiting.get(served)!;
    this.#waiting.delete(served);
    const together = group.length > 1 ? this.#together(served, group) : null;
    for (const [i, { asked, resolve, reject }] of group.entries()) {
      const alone = (): RowAnswers => this.#timed(served, asked, () => answerRows(this.#context, served, asked));
      try {
        resolve(together ? together[i]!() : alone());
      } catch (error) {
        reject(error);
      }
    }
  }

  /** Null where they cannot be: the one at fault is told so, and the others are answered. */
  #together(served: ServedModel, group: readonly Waiting[]): ReturnType<typeof answerTogether> {
    try {
      return answerTogether(
        this.#context,
        served,
        group.map(({ asked }) => asked),
      );
    } catch {
      return null;
    }
  }

  #timed(served: ServedModel, { rows }: PredictRequest, work: () => RowAnswers): RowAnswers {
    if (rows.length > 1) return work();
    const { clock } = this.#context;
    const start = clock.monotonic();
    const answered = work();
    const ms = clock.monotonic() - start;
    const before = this.#costs.get(served) ?? ms;
    if (!answered.refused) this.#costs.set(served, before + weight * (ms - before));
    return answered;
  }
}

/** Does what is to be done with an answer, in the same turn where it is there. */
export function whenAnswered<T>(
  answered: RowAnswers | Promise<RowAnswers>,
  tell: (answered: RowAnswers) => T,
): T | Promise<T> {
  return answered instanceof Promise ? answered.then(tell) : tell(answered);
}
