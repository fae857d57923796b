import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { MillraceError } from "../../core/errors/error.ts";
import type { Block, BlockPlan } from "./block.ts";
import { BlockParser } from "./block-parser.ts";
import { blockBytes, ownBuffer } from "./file-blocks.ts";

/** Reads blocks, several at a time where that pays. */
export interface BlockCrew {
  /** How many blocks may be under way. */
  readonly size: number;
  /** Memory of this length for the bytes of a block. */
  memoryOf(length: number): Buffer;
  /**
   * null: the block is irregular. The bytes own their memory and are not to be used after. A promise that is rejected need
   * not be awaited. Throws INTERNAL where a thread failed.
   */
  parse(plan: BlockPlan, bytes: Buffer): Promise<Block | null>;
  /** Takes back a block, the columns of which are used no more. */
  release(block: Block): void;
  close(): Promise<void>;
}

const mostThreads = 4;

/** `isLarge`: threads are worth the 40 ms they take to start. Compiled only, for a worker loads no TypeScript. */
export function openCrew(isLarge: boolean): BlockCrew {
  if (isLarge && import.meta.url.endsWith(".js")) return keptThreads(new URL("./block-worker.js", import.meta.url));
  let parser: BlockParser | null = null;
  return {
    size: 1,
    memoryOf: ownBuffer,
    async parse(plan, bytes) {
      if (parser === null || !isSame(parser.plan, plan)) parser = new BlockParser(plan);
      return parser.parse(bytes);
    },
    release: () => {},
    close: async () => {},
  };
}

const restMs = 3_000;
let resting: { readonly crew: ThreadCrew; readonly timer: NodeJS.Timeout } | null = null;

/**
 * The threads that the reading before left, or new ones; the kernels of those are compiled already. Idle ones end after a
 * while, and keep no process alive.
 */
export function keptThreads(module: URL): BlockCrew {
  const kept = resting;
  resting = null;
  if (kept !== null) clearTimeout(kept.timer);
  const crew = kept?.crew.wake() === true ? kept.crew : openThreads(module);
  return {
    ...crew,
    async close() {
      if (resting !== null || !crew.rest()) return crew.close();
      const timer = setTimeout(() => {
        resting = null;
        void crew.close();
      }, restMs);
      resting = { crew, timer: timer.unref() };
    },
  };
}

/** A block to be read. */
export interface BlockOrder {
  readonly id: number;
  /** null: as the one before. */
  readonly plan: BlockPlan | null;
  readonly bytes: ArrayBuffer;
  readonly start: number;
  readonly length: number;
  /** For the columns but the bytes of texts. */
  readonly spare: ArrayBuffer | null;
}

export interface BlockReply {
  readonly id: number;
  readonly block: Block | null;
  /** Those of the order, given back. */
  readonly bytes: ArrayBuffer;
}

interface Hand {
  readonly worker: Worker;
  nWaiting: number;
  plan: BlockPlan | null;
}

interface Waiting {
  readonly resolve: (block: Block | null) => void;
  readonly reject: (error: MillraceError) => void;
}

/** Threads that may rest between readings. */
interface ThreadCrew extends BlockCrew {
  /** Gives up memory, and keeps the process alive no more; false where a thread failed. */
  rest(): boolean;
  /** Back to work; false where a thread failed meanwhile. */
  wake(): boolean;
}

/** Threads that run `module`. The first that fails ends the work of all. */
export function openThreads(module: URL): ThreadCrew {
  const threads = Math.max(2, Math.min(mostThreads, availableParallelism()));
  const size = 3 * threads;
  const waiting = new Map<number, Waiting>();
  // Memory that was used before need not be cleared and mapped again by the system.
  let [spareBytes, spareColumns]: [ArrayBuffer[], ArrayBuffer[]] = [[], []];
  let fault: MillraceError | null = null;
  const fail = (what: string, cause?: unknown): void => {
    fault ??= new MillraceError("INTERNAL", { reason: `a thread that reads delimited files ${what}` }, { cause });
    for (const { reject } of waiting.values()) reject(fault);
    waiting.clear();
    void close();
  };
  const hands = Array.from({ length: threads }, (): Hand => {
    const worker = new Worker(module, { execArgv: [] });
    const hand: Hand = { worker, nWaiting: 0, plan: null };
    worker.on("message", ({ id, block, bytes }: BlockReply) => {
      --hand.nWaiting;
      if (bytes.byteLength === blockBytes) spareBytes.push(bytes);
      waiting.get(id)?.resolve(block);
      waiting.delete(id);
    });
    worker.on("error", (error) => fail(`failed: ${error instanceof Error ? error.message : String(error)}`, error));
    worker.on("exit", (code) => fail(`ended with code ${code}`));
    return hand;
  });
  const close = async (): Promise<void> => {
    await Promise.all(hands.map(({ worker }) => worker.terminate()));
  };
  let nextId = 0;
  return {
    size,
    memoryOf: (length) =>
      Buffer.from((length === blockBytes ? spareBytes.pop() : undefined) ?? new ArrayBuffer(length)),
    parse(plan, bytes) {
      const hand = hands.reduce((least, other) => (other.nWaiting < least.nWaiting ? other : least));
      const id = nextId++;
      const parsed = new Promise<Block | null>((resolve, reject) => {
        if (fault !== null) return reject(fault);
        waiting.set(id, { resolve, reject });
        ++hand.nWaiting;
        const buffer = bytes.buffer as ArrayBuffer;
        const told = isSame(hand.plan, plan) ? null : plan;
        hand.plan = plan;
        const spare = spareColumns.pop() ?? null;
        const order: BlockOrder = {
          id,
          plan: told,
          bytes: buffer,
          start: bytes.byteOffset,
          length: bytes.length,
          spare,
        };
        hand.worker.postMessage(order, spare === null ? [buffer] : [buffer, spare]);
      });
      // It may fail while the one who asked waits for something else.
      parsed.catch(() => {});
      return parsed;
    },
    release: ({ memory }) => void spareColumns.push(memory),
    rest() {
      [spareBytes, spareColumns] = [[], []];
      for (const { worker } of hands) worker.unref();
      return fault === null;
    },
    wake() {
      for (const { worker } of hands) worker.ref();
      return fault === null;
    },
    close,
  };
}

function isSame(one: BlockPlan | null, other: BlockPlan): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
