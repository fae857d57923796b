import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Block, BlockPlan } from "./block.ts";
import { BlockParser } from "./block-parser.ts";

/** Reads blocks, several at a time where that pays. */
export interface BlockCrew {
  /** How many blocks may be under way. */
  readonly size: number;
  /** null: the block is irregular. The bytes are not to be used after. */
  parse(bytes: Buffer): Promise<Block | null>;
  close(): Promise<void>;
}

const mostThreads = 4;
/** Smaller buffers may share memory that is not theirs to give away. */
const ownBytes = 65_536;

/** `isLarge`: threads are worth the 40 ms they take to start. Compiled only, for a worker loads no TypeScript. */
export function openCrew(plan: BlockPlan, isLarge: boolean): BlockCrew {
  if (isLarge && import.meta.url.endsWith(".js")) return openThreads(plan);
  const parser = new BlockParser(plan);
  return { size: 1, parse: (bytes) => Promise.resolve(parser.parse(bytes)), close: async () => {} };
}

interface Hand {
  readonly worker: Worker;
  nWaiting: number;
}

interface Waiting {
  readonly resolve: (block: Block | null) => void;
  readonly reject: (error: Error) => void;
}

function openThreads(plan: BlockPlan): BlockCrew {
  const threads = Math.max(2, Math.min(mostThreads, availableParallelism()));
  const waiting = new Map<number, Waiting>();
  const fail = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const hands = Array.from({ length: threads }, (): Hand => {
    const worker = new Worker(new URL("./block-worker.js", import.meta.url), { workerData: plan, execArgv: [] });
    const hand = { worker, nWaiting: 0 };
    worker.on("message", ({ id, block }: { readonly id: number; readonly block: Block | null }) => {
      --hand.nWaiting;
      waiting.get(id)?.resolve(block);
      waiting.delete(id);
    });
    worker.on("error", (error) => fail(error instanceof Error ? error : new Error(String(error))));
    worker.on("exit", (code) => fail(new Error(`a worker thread ended with code ${code}`)));
    return hand;
  });
  let nextId = 0;
  return {
    size: 2 * threads,
    parse(bytes) {
      const hand = hands.reduce((least, other) => (other.nWaiting < least.nWaiting ? other : least));
      ++hand.nWaiting;
      const id = nextId++;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        const isOwn = bytes.buffer.byteLength >= ownBytes && bytes.buffer instanceof ArrayBuffer;
        const order = { id, bytes: bytes.buffer, start: bytes.byteOffset, length: bytes.length };
        if (isOwn) hand.worker.postMessage(order, [bytes.buffer as ArrayBuffer]);
        else hand.worker.postMessage({ id, bytes: new Uint8Array(bytes).buffer, start: 0, length: bytes.length });
      });
    },
    async close() {
      await Promise.all(hands.map(({ worker }) => worker.terminate()));
    },
  };
}
