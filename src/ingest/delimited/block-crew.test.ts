import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type BlockCrew, keptThreads, openThreads } from "./block-crew.ts";
import { blockBytes, readBlocks, withLineEnd } from "./file-blocks.ts";

const root = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-crew-"));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

const plan = { delimiter: ",", quotes: true, nCells: 1, columns: [] };

/** What threads run that do this with an order. */
function moduleOf(body: string): URL {
  const module = `import { parentPort, threadId } from "node:worker_threads"; parentPort.on("message", (order) => { ${body} });`;
  return new URL(`data:text/javascript,${encodeURIComponent(module)}`);
}

/** A crew whose threads do this with an order. */
async function withThreads(body: string, run: (crew: ReturnType<typeof openThreads>) => Promise<void>): Promise<void> {
  const crew = openThreads(moduleOf(body));
  try {
    await run(crew);
  } finally {
    await crew.close();
  }
}

const answerLength = "parentPort.postMessage({ id: order.id, block: order.length, bytes: order.bytes }, [order.bytes])";
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
const own = (): Buffer => Buffer.from(new ArrayBuffer(8));

/** Threads, and other things with a port, that keep this process alive. */
const nAlive = (): number => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
const nWithoutThreads = nAlive();

async function waitForEnd(): Promise<void> {
  await expect.poll(nAlive).toBe(nWithoutThreads);
}

describe("a crew of threads", () => {
  it("gets every stretch of a file, also a last one without its line end", async () => {
    const file = path.join(root, "short.csv");
    fs.writeFileSync(file, "a\n1");
    await withThreads(answerLength, async (crew) => {
      for await (const block of readBlocks(file, true, undefined)) {
        const whole = withLineEnd(block!, "\r\n");
        expect(whole.toString()).toBe("a\n1\r\n");
        expect(await crew.parse(plan, whole)).toBe(5);
        // Its memory has gone to the thread, where a copy would stay.
        expect(whole.length).toBe(0);
      }
    });
  });

  it("gives memory that threads gave back, and its columns' memory to the next block", async () => {
    const answer = `const memory = order.spare ?? new ArrayBuffer(24);
      const block = { memory, spared: order.spare?.byteLength ?? 0 };
      parentPort.postMessage({ id: order.id, block, bytes: order.bytes }, [order.bytes, memory]);`;
    await withThreads(answer, async (crew) => {
      const first = crew.memoryOf(blockBytes);
      first[5] = 77;
      const block = await crew.parse(plan, first);
      expect(block).toMatchObject({ spared: 0 });
      crew.release(block!);
      const again = crew.memoryOf(blockBytes);
      expect([again.length, again[5]]).toEqual([blockBytes, 77]);
      // Another length is never that memory.
      expect(crew.memoryOf(8)[5]).toBe(0);
      expect(await crew.parse(plan, again)).toMatchObject({ spared: 24 });
    });
  });

  it("reads blocks that wait for a thread in this one when it is asked for help, the first one first", async () => {
    const columns = [{ kind: "number", cell: 0, missing: [] } as const];
    const silent = "";
    await withThreads(silent, async (crew) => {
      const nBlocks = 20;
      const blocks = Array.from({ length: nBlocks }, (_, i) =>
        crew.parse({ ...plan, columns }, Buffer.from(Uint8Array.from(Buffer.from(`${i}\n`)).buffer)),
      );
      let nHelped = 0;
      while (crew.help()) ++nHelped;
      expect(nHelped).toBeGreaterThan(0);
      expect(nHelped).toBeLessThan(nBlocks);
      const helped = await Promise.all(blocks.slice(nBlocks - nHelped));
      for (const [i, block] of helped.entries())
        expect(block!.columns).toEqual([{ kind: "number", values: Float64Array.of(nBlocks - nHelped + i) }]);
      await crew.close();
      // What the threads had is never answered.
      for (const block of blocks.slice(0, nBlocks - nHelped)) await expect(block).rejects.toThrow(/ended/);
    });
  });

  it("works on after a rest, without memory of before", async () => {
    await withThreads(answerLength, async (crew) => {
      await crew.parse(plan, crew.memoryOf(blockBytes).fill(1));
      expect(crew.rest()).toBe(true);
      expect(crew.wake()).toBe(true);
      expect(crew.memoryOf(blockBytes)[5]).toBe(0);
      expect(await crew.parse(plan, own())).toBe(8);
    });
  });

  it("does not rest where a thread failed", async () => {
    await withThreads("process.exit(3)", async (crew) => {
      await expect(crew.parse(plan, own())).rejects.toMatchObject({ code: "INTERNAL" });
      expect([crew.rest(), crew.wake()]).toEqual([false, false]);
    });
  });

  it("refuses with a code where a thread fails, before it is asked and while nobody waits for the answer", async () => {
    await withThreads("throw new Error('broken')", async (crew) => {
      const early = [crew.parse(plan, own()), crew.parse(plan, own())];
      await tick();
      for (const parsed of early) await expect(parsed).rejects.toMatchObject({ code: "INTERNAL" });
      await expect(crew.parse(plan, own())).rejects.toThrow(/broken/);
    });
  });

  it("ends the other threads where one fails", async () => {
    await withThreads("process.exit(3)", async (crew) => {
      await expect(crew.parse(plan, own())).rejects.toThrow(/ended with code 3/);
      await waitForEnd();
    });
  });

  it("refuses with a code where a thread ends", async () => {
    await withThreads("process.exit(3)", async (crew) => {
      await expect(crew.parse(plan, own())).rejects.toThrow(/ended with code 3/);
      await expect(crew.parse(plan, own())).rejects.toMatchObject({ code: "INTERNAL" });
    });
  });
});

describe("kept threads", () => {
  const dying = 13;
  const module = moduleOf(`parentPort.postMessage({ id: order.id, block: threadId, bytes: order.bytes });
    if (order.length === ${dying}) setTimeout(() => process.exit(3), 20);`);
  const idsOf = async (crew: BlockCrew): Promise<Set<unknown>> =>
    new Set(await Promise.all(Array.from({ length: crew.size }, () => crew.parse(plan, own()))));
  /** Waits until they are idle for too long, with timers that are told the time. */
  const tire = async (): Promise<void> => void (await vi.advanceTimersByTimeAsync(60_000));

  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(async () => {
    await tire();
    vi.useRealTimers();
    await waitForEnd();
  });

  it("are those of the reading before", async () => {
    const first = keptThreads(module);
    const ids = await idsOf(first);
    expect(ids.size).toBeGreaterThan(0);
    await first.close();
    const second = keptThreads(module);
    // Those at work do not tire.
    await tire();
    expect(await idsOf(second)).toEqual(ids);
    await second.close();
  });

  it("serve one reading at a time: of two, one keeps its threads", async () => {
    const [one, other] = [keptThreads(module), keptThreads(module)];
    const [ids, otherIds] = [await idsOf(one), await idsOf(other)];
    expect(new Set([...ids, ...otherIds]).size).toBe(ids.size + otherIds.size);
    await one.close();
    await other.close();
    await expect(other.parse(plan, own())).rejects.toMatchObject({ code: "INTERNAL" });
    const next = keptThreads(module);
    expect(await idsOf(next)).toEqual(ids);
    await next.close();
  });

  it("are new ones where one died while they rested", async () => {
    const first = keptThreads(module);
    const ids = await idsOf(first);
    await first.parse(plan, Buffer.from(new ArrayBuffer(dying)));
    await first.close();
    const isAlive = (): Promise<boolean> =>
      first.parse(plan, own()).then(
        () => true,
        () => false,
      );
    while (await isAlive());
    const second = keptThreads(module);
    const newIds = await idsOf(second);
    expect([...newIds].filter((id) => ids.has(id))).toEqual([]);
    await second.close();
  });

  it("keep no process alive while they rest, and end then", async () => {
    const crew = keptThreads(module);
    const ids = await idsOf(crew);
    expect(nAlive()).toBeGreaterThan(nWithoutThreads);
    await crew.close();
    expect(nAlive()).toBe(nWithoutThreads);
    expect(await idsOf(crew)).toEqual(ids);
    await tire();
    await expect(crew.parse(plan, own())).rejects.toMatchObject({ code: "INTERNAL" });
  });
});
