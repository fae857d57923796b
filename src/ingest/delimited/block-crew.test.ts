import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openThreads } from "./block-crew.ts";
import { blockBytes, readBlocks, withLineEnd } from "./file-blocks.ts";

const root = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-crew-"));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

const plan = { delimiter: ",", quotes: true, nCells: 1, columns: [] };

/** A crew whose threads do this with an order. */
async function withThreads(body: string, run: (crew: ReturnType<typeof openThreads>) => Promise<void>): Promise<void> {
  const module = `import { parentPort } from "node:worker_threads"; parentPort.on("message", (order) => { ${body} });`;
  const crew = openThreads(new URL(`data:text/javascript,${encodeURIComponent(module)}`));
  try {
    await run(crew);
  } finally {
    await crew.close();
  }
}

const answerLength = "parentPort.postMessage({ id: order.id, block: order.length, bytes: order.bytes }, [order.bytes])";
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
const own = (): Buffer => Buffer.from(new ArrayBuffer(8));

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

  it("refuses with a code where a thread ends", async () => {
    await withThreads("process.exit(3)", async (crew) => {
      await expect(crew.parse(plan, own())).rejects.toThrow(/ended with code 3/);
      await expect(crew.parse(plan, own())).rejects.toMatchObject({ code: "INTERNAL" });
    });
  });
});
