import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { MillraceError } from "../../core/errors/error.ts";
import type { WasmModule } from "../../math/wasm/webassembly.ts";
import { workerModule } from "../../threads/location.ts";
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
  const module = isLarge && import.meta.url.endsWith(".js") ? workerModule("block-worker", import.meta.url) : null;
  if (module !== null) return keptThreads(pathToFileURL(module));
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
    size: crew.size,
    memoryOf: (length) => crew.memoryOf(length),
    parse: (plan, bytes) => crew.parse(plan, bytes),
    help: () => crew.help(),
    release: (block) => crew.release(block),
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
  return new BlockThreads(module, Math.max(1, Math.min(mostThreads, availableParallelism() - 1)));
}

class BlockThreads implements ThreadCrew {
  readonly size: number;
  readonly #hands: readonly Hand[];
  readonly #waiting = new Map<number, Waiting>();
  /** Of those, the ones that no thread has yet, in their order. */
  readonly #unbegun: number[] = [];
  #nextId = 0;
  // Memory that was used before need not be cleared and mapped again by the system.
  #spareBytes: ArrayBuffer[] = [];
  #spareColumns: ArrayBuffer[] = [];
  #ownParser: BlockParser | null = null;
  #fault: MillraceError | null = null;

  constructor(module: URL, threads: number) {
    this.size = 3 * (threads + 1);
    this.#hands = Array.from({ length: threads }, () => this.#openHand(module));
  }

  #openHand(module: URL): Hand {
    const worker = new Worker(module, { execArgv: [] });
    const hand: Hand = { worker, nWaiting: 0, plan: null };
    worker.on("message", ({ id, block, bytes }: BlockReply) => {
      --hand.nWaiting;
      this.#giveOut();
      this.#finish(id, block, bytes);
    });
    worker.on("error", (error) =>
      this.#fail(`failed: ${error instanceof Error ? error.message : String(error)}`, error),
    );
    worker.on("exit", (code) => this.#fail(`ended with code ${code}`));
    return hand;
  }

  #fail(what: string, cause?: unknown): void {
    this.#fault ??= new MillraceError("INTERNAL", { reason: `a thread that reads delimited files ${what}` }, { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#fault);
    this.#waiting.clear();
    this.#unbegun.length = 0;
    void this.close();
  }

  #giveOut(): void {
    for (;;) {
      const hand = this.#hands.reduce((least, other) => (other.nWaiting < least.nWaiting ? other : least));
      if (this.#unbegun.length === 0 || hand.nWaiting === blocksAhead) return;
      const id = this.#unbegun.shift()!;
      send(hand, id, this.#waiting.get(id)!, this.#spareColumns.pop() ?? null);
    }
  }

  #finish(id: number, block: Block | null, bytes: ArrayBuffer): void {
    if (bytes.byteLength === blockBytes) this.#spareBytes.push(bytes);
    this.#waiting.get(id)?.resolve(block);
    this.#waiting.delete(id);
  }

  memoryOf(length: number): Buffer {
    return Buffer.from((length === blockBytes ? this.#spareBytes.pop() : undefined) ?? new ArrayBuffer(length));
  }

  parse(plan: BlockPlan, bytes: Buffer): Promise<Block | null> {
    const parsed = new Promise<Block | null>((resolve, reject) => {
      if (this.#fault !== null) return reject(this.#fault);
      this.#waiting.set(this.#nextId, { plan, bytes, resolve, reject });
      this.#unbegun.push(this.#nextId++);
      this.#giveOut();
    });
    // It may fail while the one who asked waits for something else.
    parsed.catch(() => {});
    return parsed;
  }

  help(): boolean {
    const id = this.#unbegun.shift();
    if (id === undefined) return false;
    const { plan, bytes } = this.#waiting.get(id)!;
    if (this.#ownParser === null || !isSame(this.#ownParser.plan, plan))
      this.#ownParser = new BlockParser(plan, compileKernels(plan));
    const block = this.#ownParser.parse(bytes, this.#spareColumns.pop() ?? null);
    this.#finish(id, block, bytes.buffer as ArrayBuffer);
    return true;
  }

  release({ memory }: Block): void {
    this.#spareColumns.push(memory);
  }

  rest(): boolean {
    [this.#spareBytes, this.#spareColumns, this.#ownParser] = [[], [], null];
    for (const { worker } of this.#hands) worker.unref();
    return this.#fault === null;
  }

  wake(): boolean {
    for (const { worker } of this.#hands) worker.ref();
    return this.#fault === null;
  }

  async close(): Promise<void> {
    await Promise.all(this.#hands.map(({ worker }) => worker.terminate()));
  }
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
