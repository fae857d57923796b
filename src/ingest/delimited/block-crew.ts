import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { MillraceError } from "../../core/errors/error.ts";
import type { WasmModule } from "../../math/wasm/webassembly.ts";
import type { Block, BlockPlan } from "./block.ts";
import { BlockParser } from "./block-parser.ts";
import { blockBytes, ownBuffer } from "./file-blocks.ts";
import { compileKernels } from "./kernel-module.ts";

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
  /** Parses a block that waits for a thread, in this one; false where none waits. */
  help(): boolean;
  /** Takes back a block, the columns of which are used no more. */
  release(block: Block): void;
  close(): Promise<void>;
}

const mostThreads = 4;
/** Blocks that a thread has at a time: one that it reads, and the next, so that it need not wait for this thread. */
const blocksAhead = 2;

/** `isLarge`: threads are worth the 40 ms they take to start. Compiled only, for a worker loads no TypeScript. */
export function openCrew(isLarge: boolean): BlockCrew {
  if (isLarge && import.meta.url.endsWith(".js")) return keptThreads(new URL("./block-worker.js", import.meta.url));
  let parser: BlockParser | null = null;
  return {
    size: 1,
    memoryOf: ownBuffer,
    async parse(plan, bytes) {
      if (parser === null || !isSame(parser.plan, plan)) parser = new BlockParser(plan, compileKernels(plan));
      return parser.parse(bytes);
    },
    help: () => false,
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
  /** How it is to be read, with the kernels for that; null: as the one before. */
  readonly way: { readonly plan: BlockPlan; readonly kernels: WasmModule } | null;
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
  readonly plan: BlockPlan;
  readonly bytes: Buffer;
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

/** Threads that run `module`, one fewer than there are processors. The first that fails ends the work of all. */
export function openThreads(module: URL): ThreadCrew {
  const threads = Math.max(1, Math.min(mostThreads, availableParallelism() - 1));
  const waiting = new Map<number, Waiting>();
  /** Of those, the ones that no thread has yet, in their order. */
  const unbegun: number[] = [];
  // Memory that was used before need not be cleared and mapped again by the system.
  let [spareBytes, spareColumns]: [ArrayBuffer[], ArrayBuffer[]] = [[], []];
  let ownParser: BlockParser | null = null;
  let fault: MillraceError | null = null;
  const fail = (what: string, cause?: unknown): void => {
    fault ??= new MillraceError("INTERNAL", { reason: `a thread that reads delimited files ${what}` }, { cause });
    for (const { reject } of waiting.values()) reject(fault);
    waiting.clear();
    unbegun.length = 0;
    void close();
  };
  const finish = (id: number, block: Block | null, bytes: ArrayBuffer): void => {
    if (bytes.byteLength === blockBytes) spareBytes.push(bytes);
    waiting.get(id)?.resolve(block);
    waiting.delete(id);
  };
  const hands = Array.from({ length: threads }, (): Hand => {
    const worker = new Worker(module, { execArgv: [] });
    const hand: Hand = { worker, nWaiting: 0, plan: null };
    worker.on("message", ({ id, block, bytes }: BlockReply) => {
      --hand.nWaiting;
      giveOut();
      finish(id, block, bytes);
    });
    worker.on("error", (error) => fail(`failed: ${error instanceof Error ? error.message : String(error)}`, error));
    worker.on("exit", (code) => fail(`ended with code ${code}`));
    return hand;
  });
  const giveOut = (): void => {
    for (;;) {
      const hand = hands.reduce((least, other) => (other.nWaiting < least.nWaiting ? other : least));
      if (unbegun.length === 0 || hand.nWaiting === blocksAhead) return;
      const id = unbegun.shift()!;
      send(hand, id, waiting.get(id)!, spareColumns.pop() ?? null);
    }
  };
  const close = async (): Promise<void> => {
    await Promise.all(hands.map(({ worker }) => worker.terminate()));
  };
  let nextId = 0;
  return {
    size: 3 * (threads + 1),
    memoryOf: (length) =>
      Buffer.from((length === blockBytes ? spareBytes.pop() : undefined) ?? new ArrayBuffer(length)),
    parse(plan, bytes) {
      const parsed = new Promise<Block | null>((resolve, reject) => {
        if (fault !== null) return reject(fault);
        waiting.set(nextId, { plan, bytes, resolve, reject });
        unbegun.push(nextId++);
        giveOut();
      });
      // It may fail while the one who asked waits for something else.
      parsed.catch(() => {});
      return parsed;
    },
    help() {
      const id = unbegun.shift();
      if (id === undefined) return false;
      const { plan, bytes } = waiting.get(id)!;
      if (ownParser === null || !isSame(ownParser.plan, plan)) ownParser = new BlockParser(plan, compileKernels(plan));
      finish(id, ownParser.parse(bytes, spareColumns.pop() ?? null), bytes.buffer as ArrayBuffer);
      return true;
    },
    release: ({ memory }) => void spareColumns.push(memory),
    rest() {
      [spareBytes, spareColumns, ownParser] = [[], [], null];
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

function send(hand: Hand, id: number, { plan, bytes }: Waiting, spare: ArrayBuffer | null): void {
  ++hand.nWaiting;
  const buffer = bytes.buffer as ArrayBuffer;
  const way = isSame(hand.plan, plan) ? null : { plan, kernels: compileKernels(plan) };
  hand.plan = plan;
  const order: BlockOrder = { id, way, bytes: buffer, start: bytes.byteOffset, length: bytes.length, spare };
  hand.worker.postMessage(order, spare === null ? [buffer] : [buffer, spare]);
}

function isSame(one: BlockPlan | null, other: BlockPlan): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
