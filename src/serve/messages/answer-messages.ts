import { setMaxListeners } from "node:events";
import { setTimeout as after } from "node:timers/promises";
import { type MillraceError, toMillraceError } from "../../core/errors/error.ts";
import type { PredictContext } from "../answer-rows.ts";
import { servedModel } from "../model-source.ts";
import { problemOf } from "../problem.ts";
import type { MessageChannel, Refusal } from "./channel.ts";
import { type AskedMessage, MessageSpans } from "./message-spans.ts";
import { type Fault, isFault, type Verdict, verdictsOf } from "./verdicts.ts";

export interface AnswerMessagesOptions {
  readonly context: PredictContext;
  readonly channel: MessageChannel;
  /**
   * A model, or "model@alias": whichever version is live when messages are taken answers them, or the one beside it to which a
   * rollout gives a message.
   */
  readonly model: string;
  readonly onEvent: (event: MessageEvent) => void;
  /** Hears of faults of the server's own for which messages are set aside: each once of messages taken together. */
  readonly onFault: (error: unknown) => void;
  /** First wait after something failed; each next is twice as long, up to 30 s. Default 250 ms. */
  readonly retryMs?: number;
}

export type MessageEvent =
  /** So many messages of one batch were refused for one reason; the first of them. */
  | { readonly kind: "refused"; readonly count: number; readonly sequence: number; readonly refusal: Refusal }
  /** Nothing goes on until it works again; messages stay in the stream. Said once until then. */
  | { readonly kind: "held"; readonly error: MillraceError }
  | { readonly kind: "resumed" };

/** Messages answered together: all answers are on their way at once. */
const messagesAtOnce = 256;
const longestRetryMs = 30_000;

/**
 * Answers messages until it is stopped. A message is acknowledged when its answer lasts, so that none is lost whenever the process
 * ends; one that cannot be answered is refused with a code, and never holds up the others. Where the stream or the log fails, it
 * waits and tries again. A message that a fault of the server's own hits is set aside where the channel keeps it, and else holds the
 * stream: it is never lost.
 */
export function answerMessages(options: AnswerMessagesOptions): { stop(): Promise<void> } {
  const answering = new Answering(options);
  const ended = answering.run();
  return {
    async stop() {
      answering.stop();
      await ended;
      await options.channel.close();
    },
  };
}

class Answering {
  readonly #options: AnswerMessagesOptions;
  readonly #spans: MessageSpans;
  readonly #stopped = new AbortController();
  /** Attempts that failed and are made again. */
  #nHeld = 0;

  constructor(options: AnswerMessagesOptions) {
    this.#options = options;
    this.#spans = new MessageSpans(options.context.tracing ?? null, options.channel);
    // Each message of those taken together may wait for the stream.
    setMaxListeners(0, this.#stopped.signal);
  }

  stop(): void {
    this.#stopped.abort();
    this.#options.channel.stop();
  }

  async run(): Promise<void> {
    const { channel, context, model } = this.#options;
    while (!this.#stopped.signal.aborted) {
      // No message is taken that no version could answer.
      const taken = await this.#insist(async () => {
        servedModel(context.models, model);
        return channel.take(messagesAtOnce);
      });
      if (!taken) return;
      context.metrics.messagesWaiting(model, channel.waiting());
      if (taken.length > 0) await this.#settle(taken.map((message) => this.#spans.begin(message)));
    }
  }

  async #settle(messages: readonly AskedMessage[]): Promise<void> {
    const verdicts = await this.#insist(() => this.#judge(messages));
    if (!verdicts) return;
    const refusals: (readonly [AskedMessage, Refusal])[] = [];
    const settleOne = async (asked: AskedMessage, verdict: Verdict): Promise<void> => {
      const answered = isFault(verdict) ? await this.#excuse(asked, verdict) : verdict;
      if (answered === undefined) return;
      if (typeof answered === "string") return this.#answer(asked, answered);
      refusals.push([asked, answered]);
      await this.#refuse(asked, answered);
    };
    const settled = messages.map((asked, i) => settleOne(asked, verdicts[i]!));
    this.#tellFaults(verdicts.filter(isFault));
    await Promise.all(settled);
    this.#tellRefused(refusals);
  }

  #judge(messages: readonly AskedMessage[]): Promise<readonly Verdict[]> {
    const { channel, context, model } = this.#options;
    return verdictsOf(context, channel, model, messages);
  }

  /** What becomes of a message that a fault of ours hit: refused where that keeps it, and asked for again until it is answered where not. */
  async #excuse(asked: AskedMessage, { fault }: Fault): Promise<string | Refusal | undefined> {
    if (this.#options.channel.dead !== null) {
      const { code, detail } = problemOf(fault);
      return { code, detail };
    }
    return this.#insist(async () => {
      const [verdict] = await this.#judge([asked]);
      if (isFault(verdict!)) throw verdict.fault;
      return verdict!;
    });
  }

  async #answer(asked: AskedMessage, text: string): Promise<void> {
    const { channel, context, model } = this.#options;
    const isKept = await this.#send(asked, channel.to, (traceparent) =>
      channel.answer(asked.message, text, traceparent),
    );
    if (!isKept) return;
    channel.acknowledge(asked.message);
    context.metrics.messages(model, "answered", 1);
    this.#spans.end(asked, null);
  }

  async #refuse(asked: AskedMessage, refusal: Refusal): Promise<void> {
    const { channel, context, model } = this.#options;
    const isKept = await this.#send(asked, channel.dead, (traceparent) =>
      channel.setAside(asked.message, refusal, traceparent),
    );
    if (!isKept) return;
    channel.terminate(asked.message);
    context.metrics.messages(model, "refused", 1);
    this.#spans.end(asked, refusal);
  }

  /** False where it was stopped before what is sent lasts. */
  async #send(
    asked: AskedMessage,
    subject: string | null,
    send: (traceparent: string | null) => Promise<void>,
  ): Promise<boolean> {
    const { traceparent, end } = this.#spans.sending(asked, subject);
    const isKept = await this.#insist(async () => {
      await send(traceparent);
      return true;
    });
    end();
    return isKept ?? false;
  }

  /** Tries until it works; undefined where it was stopped before. */
  async #insist<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#stopped;
    let isHeld = false;
    for (let waitMs = this.#options.retryMs ?? 250; ; waitMs = Math.min(longestRetryMs, 2 * waitMs)) {
      try {
        const done = await work();
        if (isHeld && --this.#nHeld === 0) this.#options.onEvent({ kind: "resumed" });
        return done;
      } catch (error) {
        if (signal.aborted) return undefined;
        if (!isHeld && ++this.#nHeld === 1) this.#options.onEvent({ kind: "held", error: toMillraceError(error) });
        isHeld = true;
      }
      await after(waitMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return undefined;
    }
  }

  /** Those that hold the stream are said where they do. */
  #tellFaults(faults: readonly Fault[]): void {
    const { channel, onFault } = this.#options;
    if (channel.dead === null) return;
    const byText = new Map(faults.map(({ fault }) => [String(fault), fault]));
    for (const fault of byText.values()) onFault(fault);
  }

  #tellRefused(refusals: readonly (readonly [AskedMessage, Refusal])[]): void {
    for (const code of new Set(refusals.map(([, refusal]) => refusal.code))) {
      const same = refusals.filter(([, refusal]) => refusal.code === code);
      const [{ message }, refusal] = same[0]!;
      this.#options.onEvent({ kind: "refused", count: same.length, sequence: message.sequence, refusal });
    }
  }
}
