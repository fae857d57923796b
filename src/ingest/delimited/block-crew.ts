import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { MillraceError } from "../../core/errors/error.ts";
import type { Block, BlockPlan } from "./block.ts";
import { BlockParser } from "./block-parser.ts";

/** Reads blocks, several at a time where that pays. */
export interface BlockCrew {
  /** How many blocks may be under way. */
  readonly size: number;
  /**
   * null: the block is irregular. The bytes own their memory and are not to be used after. A promise that is rejected need
   * not be awaited. Throws INTERNAL where a thread failed.
   */
  parse(plan: BlockPlan, bytes: Buffer): Promise<Block | null>;
  close(): Promise<void>;
}

const mostThreads = 4;

/** `isLarge`: threads are worth the 40 ms they take to start. Compiled only, for a worker loads no TypeScript. */
export function openCrew(isLarge: boolean): BlockCrew {
  if (isLarge && import.meta.url.endsWith(".js")) return openThreads(new URL("./block-worker.js", import.meta.url));
  let parser: BlockParser | null = null;
  return {
    size: 1,
    async parse(plan, bytes) {
      if (parser?.plan !== plan) parser = new BlockParser(plan);
      return parser.parse(bytes);
    },
    close: async () => {},
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

/** Threads that run `module`. The first that fails ends the work of all. */
export function openThreads(module: URL): BlockCrew {
  const threads = Math.max(2, Math.min(mostThreads, availableParallelism()));
  const waiting = new Map<number, Waiting>();
  let fault: MillraceError | null = null;
  const fail = (what: string, cause?: unknown): void => {
    fault ??= new MillraceError("INTERNAL", { reason: `a thread that reads delimited files ${what}` }, { cause });
    for (const { reject } of waiting.values()) reject(fault);
    waiting.clear();
  };
  const hands = Array.from({ length: threads }, (): Hand => {
    const worker = new Worker(module, { execArgv: [] });
    const hand: Hand = { worker, nWaiting: 0, plan: null };
    worker.on("message", ({ id, block }: { readonly id: number; readonly block: Block | null }) => {
      --hand.nWaiting;
      waiting.get(id)?.resolve(block);
      waiting.delete(id);
    });
    worker.on("error", (error) => fail(`failed: ${error instanceof Error ? error.message : String(error)}`, error));
    worker.on("exit", (code) => fail(`ended with code ${code}`));
    return hand;
  });
  let nextId = 0;
  return {
    size: 2 * threads,
    parse(plan, bytes) {
      const hand = hands.reduce((least, other) => (other.nWaiting < least.nWaiting ? other : least));
      const id = nextId++;
      const parsed = new Promise<Block | null>((resolve, reject) => {
        if (fault !== null) return reject(fault);
        waiting.set(id, { resolve, reject });
        ++hand.nWaiting;
        const buffer = bytes.buffer as ArrayBuffer;
        const told = hand.plan === plan ? null : plan;
        hand.plan = plan;
        const order: BlockOrder = { id, plan: told, bytes: buffer, start: bytes.byteOffset, length: bytes.length };
        hand.worker.postMessage(order, [buffer]);
      });
      // It may fail while the one who asked waits for something else.
      parsed.catch(() => {});
      return parsed;
    },
    async close() {
      await Promise.all(hands.map(({ worker }) => worker.terminate()));
    },
  };
}
