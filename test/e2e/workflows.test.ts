import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { housePipeline, houses } from "./data.ts";
import { createProject, expectRefusal, isBuilt, until, type Answer, type Project, type Running } from "./cli.ts";

interface Ran {
  readonly run: string;
  readonly steps: readonly {
    readonly step: string;
    readonly status: string;
    readonly reason: string | null;
    readonly metrics: Record<string, number>;
    readonly outputs: Record<string, string>;
  }[];
}

interface Kept {
  readonly step: string;
  readonly attempt: number;
  readonly head: readonly { readonly stream: string; readonly text: string }[];
  readonly dropped: number;
  readonly tail: readonly { readonly stream: string; readonly text: string }[];
}

function statuses(answer: Answer): string[] {
  return answer.json<Ran>().steps.map(({ step, status }) => `${step} ${status}`);
}

/** Whether a process is there. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!isBuilt)("a workflow of own steps", () => {
  let project: Project;
  beforeAll(() => {
    project = createProject();
    project.write(
      "lib/text.ts",
      `import { gap } from "./gap.ts";\nexport const words = (text: string): number => text.split(gap).length;\nexport const unrelated = 1;\n`,
    );
    project.write("lib/gap.ts", `export const gap = " ";\nexport const other = 1;\n`);
    project.write(
      "pipelines/words.ts",
      `
      import { map, step, workflow } from "millrace";
      import { words } from "../lib/text.ts";
      const texts = step({ name: "texts", run: () => ["a b", "c d-e"] });
      const counts = map(texts.output, (text) => step({ name: "count", inputs: { text }, run: ({ inputs }) => words(inputs.text) }));
      const total = step({ name: "total", inputs: { counts: counts.output }, run: ({ inputs, record }) => {
        const total = inputs.counts.reduce((a, b) => a + b, 0);
        record({ total });
        return total;
      } });
      export default workflow({ name: "words", steps: [total] });
    `,
    );
  });
  afterAll(() => project.remove());

  it("runs by name, in processes, and is answered from the cache the next time", async () => {
    const first = await project.run("run", "words", "--json");
    expect(first.code, first.stderr).toBe(0);
    expect(statuses(first)).toEqual(["texts ran", "count ran", "total ran"]);
    expect(first.json<Ran>().steps[2]!.metrics).toEqual({ total: 4 });
    expect(statuses(await project.run("run", "words", "--json"))).toEqual([
      "texts cached",
      "count cached",
      "total cached",
    ]);
  });

  it("repeats what a helper two imports away changed, names it, and nothing for an unrelated export", async () => {
    project.write("lib/gap.ts", `export const gap = " "; // as before\nexport const other = 2;\n`);
    expect(statuses(await project.run("run", "words", "--json"))).toEqual([
      "texts cached",
      "count cached",
      "total cached",
    ]);
    project.write("lib/gap.ts", `export const gap = /[ -]/;\nexport const other = 2;\n`);
    const changed = await project.run("run", "words", "--json");
    expect(statuses(changed)).toEqual(["texts cached", "count ran", "total ran"]);
    const why = await project.run("why", changed.json<Ran>().run, "count");
    expect(why.stdout).toMatch(/count +ran +1 part of what it depends on changed\n +code lib\/gap\.ts#gap: sha256:/);
  });

  it("takes --force, --from, --until, --no-cache and --inline, and refuses a step there is not", async () => {
    const ran = async (...options: string[]): Promise<string[]> =>
      statuses(await project.run("run", "words", "--json", ...options));
    expect(await ran("--force", "texts")).toEqual(["texts ran", "count cached", "total cached"]);
    expect(await ran("--from", "count")).toEqual(["texts cached", "count ran", "total ran"]);
    expect(await ran("--until", "texts")).toEqual(["texts cached", "count skipped", "total skipped"]);
    expect(await ran("--no-cache", "--inline", "--jobs", "1")).toEqual(["texts ran", "count ran", "total ran"]);
    expectRefusal(
      await project.run("run", "words", "--json", "--from", "cuont"),
      "STEP_UNKNOWN",
      2,
      'Did you mean "count"?',
    );
  });

  it("is found again by the numbers it recorded", async () => {
    const ids = async (test: string): Promise<number> =>
      (await project.run("runs", "--json", "--metric", test)).json<{ runs: object[] }>().runs.length;
    expect(await ids("total>=4")).toBeGreaterThan(0);
    expect(await ids("total.total < 0")).toBe(0);
    expectRefusal(await project.run("runs", "--metric", "total", "--json"), "USAGE", 2, '"total"');
  });

  it("is checked", async () => {
    expect((await project.run("check", "words")).stdout).toBe("ok     words\n");
  });

  it("is warned of a step that nobody uses, by check and by run, and runs all the same", async () => {
    project.write(
      "pipelines/forgetful.ts",
      `
      import { step, workflow } from "millrace";
      const one = step({ name: "one", run: () => 1 });
      const checked = step({ name: "checked", inputs: { one: one.output }, run: () => 2 });
      export default workflow({ name: "forgetful", steps: [one] });
    `,
    );
    const check = await project.run("check", "forgetful");
    expect(check.code).toBe(0);
    expect(check.stdout).toContain('warning: step "checked" should be read by another step or be wanted itself');
    const run = await project.run("run", "forgetful");
    expect(run.code).toBe(0);
    expect(run.stderr).toContain('warning: the step "checked" should be read by another step');
    fs.rmSync(project.path("pipelines/forgetful.ts"));
  });

  it("runs twice at once without harm", async () => {
    const both = await Promise.all([0, 1].map(() => project.run("run", "words", "--json", "--no-cache")));
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const [one, two] = both.map((answer) => answer.json<Ran>().steps.map(({ outputs }) => outputs));
    expect(one).toEqual(two);
  });

  it("repeats the step whose artifact was deleted", async () => {
    const before = (await project.run("run", "words", "--json")).json<Ran>();
    const digest = before.steps[0]!.outputs["output"]!.slice("sha256:".length);
    fs.rmSync(project.path(`.millrace/artifacts/${digest.slice(0, 2)}/${digest.slice(2)}`));
    expect(statuses(await project.run("run", "words", "--json"))).toEqual([
      "texts ran",
      "count cached",
      "total cached",
    ]);
  });
});

describe.skipIf(!isBuilt)("a step that misbehaves", () => {
  let project: Project;
  const badly = (name: string, options: string, body: string): string =>
    `const ${name} = step({ name: "${name}", inputs: { fine: fine.output }, ${options} run: async ({ inputs, signal }): Promise<number> => { ${body} } });`;
  beforeAll(() => {
    project = createProject();
    project.write(
      "pipelines/bad.ts",
      `
      import { writeFileSync } from "node:fs";
      import { step, workflow } from "millrace";
      const fine = step({ name: "fine", run: () => 1 });
      ${badly("throws", "", `throw new TypeError("no such luck");`)}
      ${badly("hangs", `timeout: "300ms",`, `writeFileSync("pid", String(process.pid)); for (;;);`)}
      ${badly("empty", "", `return undefined as unknown as number;`)}
      ${badly("odd", "", `return { when: new Date() } as unknown as number;`)}
      ${badly("hungry", "memory: 32,", `const kept: unknown[] = []; for (;;) kept.push(new Array(1e4).fill(Math.random()));`)}
      ${badly("bulky", "memory: 32,", `const kept: Uint8Array[] = []; for (;;) { kept.push(new Uint8Array(1e7).fill(1)); await new Promise((r) => setTimeout(r, 1)); }`)}
      ${badly("leaves", "", `process.exit(0);`)}
      ${badly("killed", "", `process.kill(process.pid, "SIGSEGV"); return new Promise(() => {});`)}
      ${badly("chatty", "", `const line = "x".repeat(99) + "\\n"; for (let i = 0; i < 300_000; ++i) process.stdout.write(line); return 7;`)}
      ${badly("peeks", "", `return process.env.MILLRACE_TEST_SECRET === undefined ? 0 : 1;`)}
      ${badly("waits", "", `writeFileSync("pid", String(process.pid)); return new Promise((_, reject) => signal.addEventListener("abort", () => { writeFileSync("heard", ""); reject(signal.reason); }));`)}
      ${badly("stuck", "", `writeFileSync("pid", String(process.pid)); for (;;);`)}
      export default workflow({ name: "bad", steps: [throws, hangs, empty, odd, hungry, bulky, leaves, killed, chatty, peeks, waits, stuck] });
    `,
    );
  });
  afterAll(() => project.remove());

  it.each([
    ["throws", "STEP_FAILED", "no such luck"],
    ["empty", "STEP_OUTPUT_INVALID", "got nothing"],
    ["odd", "STEP_OUTPUT_INVALID", "a Date at output.when"],
    ["hungry", "STEP_OUT_OF_MEMORY", "32 MiB"],
    ["bulky", "STEP_OUT_OF_MEMORY", "32 MiB"],
    ["leaves", "STEP_EXITED", "with code 0"],
    ["killed", "STEP_EXITED", "SIGSEGV"],
  ])("ends with a coded error and a true record: one that %s", async (step, code, words) => {
    const answer = await project.run("run", "bad", "--json", "--until", step);
    expectRefusal(answer, code, 1, words);
    const { runs } = (await project.run("runs", "--json", "--limit", "1")).json<{
      runs: { runId: string; status: string; error: { code: string } }[];
    }>();
    expect(runs[0]).toMatchObject({ status: "failed", error: { code } });
    if (step !== "throws") return;
    const shown = await project.run("show", runs[0]!.runId, "--json");
    const steps = shown.json<{ steps: { step: string; status: string }[] }>().steps.slice(0, 2);
    expect(steps.map((one) => `${one.step} ${one.status}`)).toEqual(["fine ran", "throws failed"]);
  });

  it("is killed when its time is up", async () => {
    fs.rmSync(project.path("pid"), { force: true });
    expectRefusal(await project.run("run", "bad", "--json", "--until", "hangs"), "STEP_TIMED_OUT", 1);
    await until(() => !isThere(Number(fs.readFileSync(project.path("pid"), "utf8"))), "the step's process to end");
  });

  it("may flood its output: a bounded part is shown, and the step ends well", async () => {
    const answer = await project.run("run", "bad", "--until", "chatty");
    expect(answer.code, answer.stderr.slice(-500)).toBe(0);
    const lines = answer.stderr.split("\n").filter((line) => line.includes("chatty | "));
    expect(lines.length).toBeLessThanOrEqual(10_001);
    expect(lines.at(-1)).toContain("... and 290000 more lines");
    const { runs } = (await project.run("runs", "--json", "--limit", "1")).json<{ runs: { runId: string }[] }>();
    const logs = await project.run("logs", runs[0]!.runId, "chatty", "--json");
    const [kept] = logs.json<{ logs: Kept[] }>().logs;
    expect(kept!.head.length + kept!.dropped + kept!.tail.length).toBe(300_000);
    expect(kept!.tail.at(-1)).toEqual({ stream: "stdout", text: "x".repeat(99) });
    expect(logs.stdout.length).toBeLessThan(1_000_000);
  });

  it("may flood its output without end: others go on, and the run's process does not grow", async () => {
    project.write(
      "pipelines/flood.ts",
      `
      import { existsSync, writeFileSync } from "node:fs";
      import { step, workflow } from "millrace";
      const line = ("y".repeat(199) + "\\n").repeat(500);
      const floods = step({ name: "floods", run: () => { while (!existsSync("stop")) process.stdout.write(line); return 1; } });
      let last = step({ name: "q0", run: () => 0 });
      for (let i = 1; i < 6; ++i) {
        const before = last;
        last = step({ name: "q" + i, inputs: { n: before.output }, run: ({ inputs }) => inputs.n + 1 });
      }
      const stops = step({ name: "stops", inputs: { n: last.output }, run: async () => {
        await new Promise((done) => setTimeout(done, 2000));
        writeFileSync("stop", "");
        return 1;
      } });
      export default workflow({ name: "flood", steps: [floods, stops] });
    `,
    );
    const running = project.start("run", "flood", "--json", "--jobs", "2");
    running.child.stderr.resume();
    let peakKb = 0;
    const watch = setInterval(() => {
      const status = fs.readFileSync(`/proc/${running.child.pid}/status`, { encoding: "utf8", flag: "r" });
      peakKb = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? peakKb);
    }, 50);
    running.child.on("exit", () => clearInterval(watch));
    if (!fs.existsSync("/proc/self/status")) clearInterval(watch);
    expect(await running.ended, running.said().slice(-500)).toBe(0);
    clearInterval(watch);
    expect(peakKb).toBeLessThan(400_000);
  });

  it("leaves what each attempt printed, failed ones too, for logs, and how it was tried, for show", async () => {
    project.write(
      "pipelines/retried.ts",
      `
      import { existsSync, writeFileSync } from "node:fs";
      import { step, workflow } from "millrace";
      const flaky = step({ name: "flaky", tags: ["net", "slow"], retry: { attempts: 3, delay: "1ms" }, timeout: "30s", memory: 256, slots: 2, run: () => {
        console.log("trying");
        console.error("careful");
        if (existsSync("tried")) return 1;
        writeFileSync("tried", "");
        throw new Error("not yet");
      } });
      export default workflow({ name: "retried", steps: [flaky] });
    `,
    );
    const { run } = (await project.run("run", "retried", "--json")).json<Ran>();
    const { logs } = (await project.run("logs", run, "--json")).json<{ logs: Kept[] }>();
    expect(logs.map(({ step, attempt }) => [step, attempt])).toEqual([
      ["flaky", 1],
      ["flaky", 2],
    ]);
    for (const { head } of logs)
      expect([...head].sort((a, b) => (a.stream < b.stream ? -1 : 1))).toEqual([
        { stream: "stderr", text: "careful" },
        { stream: "stdout", text: "trying" },
      ]);
    expect((await project.run("logs", run, "flaky")).stdout).toContain("flaky (attempt 2) | trying\n");
    expectRefusal(await project.run("logs", run, "flakey", "--json"), "STEP_UNKNOWN", 2, 'Did you mean "flaky"?');
    const shown = await project.run("show", run);
    expect(shown.stdout).toContain("tags net, slow; up to 3 attempts; timeout 30.0 s; memory 256 MiB; slots 2");
    expect(shown.stdout).toMatch(/flaky +failed.*\n.*\n +STEP_FAILED: .*not yet\n +flaky \(attempt 2\) ran/);
    const { steps } = (await project.run("show", run, "--json")).json<{ steps: object[] }>();
    expect(steps[1]).toMatchObject({
      attempt: 2,
      status: "ran",
      settings: { tags: ["net", "slow"], retry: { attempts: 3 }, timeoutMs: 30_000, memoryMb: 256, slots: 2 },
    });
  });

  it("does not see the environment", async () => {
    process.env["MILLRACE_TEST_SECRET"] = "x";
    const answer = await project.run("run", "bad", "--json", "--until", "peeks");
    delete process.env["MILLRACE_TEST_SECRET"];
    const digest = answer
      .json<Ran>()
      .steps.find(({ step }) => step === "peeks")!
      .outputs["output"]!.slice(7);
    expect(fs.readFileSync(project.path(`.millrace/artifacts/${digest.slice(0, 2)}/${digest.slice(2)}`), "utf8")).toBe(
      "0\n",
    );
  });

  /** Starts a run, and waits until the step is at work in a process of its own. */
  async function startUntil(step: string): Promise<{ readonly running: Running; readonly pid: number }> {
    fs.rmSync(project.path("pid"), { force: true });
    const running = project.start("run", "bad", "--until", step);
    const pid = await until(
      () => fs.existsSync(project.path("pid")) && Number(fs.readFileSync(project.path("pid"), "utf8")),
      "the step",
    );
    return { running, pid };
  }

  it.each([["waits"], ["stuck"]])("is cancelled by one Ctrl-C, its process with it: one that is %s", async (step) => {
    const { running, pid } = await startUntil(step);
    running.child.kill("SIGINT");
    expect(await running.ended).toBe(1);
    expect(running.said()).toContain("CANCELLED");
    await until(() => !isThere(pid), "the step's process to end");
    expect(fs.existsSync(project.path("heard"))).toBe(true);
    const { runs } = (await project.run("runs", "--json", "--limit", "1")).json<{ runs: { status: string }[] }>();
    expect(runs[0]!.status).toBe("cancelled");
  });

  it("is killed by Ctrl-C twice, its process with it", async () => {
    const { running, pid } = await startUntil("stuck");
    const pressing = setInterval(() => running.child.kill("SIGINT"), 50);
    try {
      expect(await running.ended).toBe(130);
    } finally {
      clearInterval(pressing);
    }
    await until(() => !isThere(pid), "the step's process to end");
  });

  it("does not outlive a run that is killed", async () => {
    const { running, pid } = await startUntil("stuck");
    running.child.kill("SIGKILL");
    await running.ended;
    await until(() => !isThere(pid), "the step's process to end");
  });
});

describe.skipIf(!isBuilt)("own steps of a pipeline", () => {
  interface Judged extends Ran {
    readonly promoted: boolean;
    readonly verdict: { readonly passed: boolean; readonly reasons: readonly { readonly text: string }[] };
  }
  let project: Project;
  beforeAll(() => {
    project = createProject();
    project.write("data/houses.csv", houses(300));
  });
  afterAll(() => project.remove());

  it("stand before, after and instead of standard ones; each repeats for its own code alone", async () => {
    const define = (limit: number): void =>
      void project.write(
        "pipelines/houses.ts",
        `import * as m from "millrace";\nexport default m.pipeline(${housePipeline({
          more: `steps: {
            divide: { instead: "split", async run({ rows }) { const places = []; for await (const row of rows) places.push(places.length % 5 === 0 ? "test" : places.length % 5 === 1 ? "validation" : "train"); return places; } },
            look: { before: "train", async run({ rows }) { for await (const row of rows) if (row === null) throw new Error("no row"); } },
            judge: { instead: "gate", run: ({ metrics }) => ({ passed: metrics.r2 > ${limit}, reason: "r2 against ${limit}" }) },
            tell: { after: "promote", env: ["HOME"], run: ({ version }) => { console.log("told of", version, process.env.HOME !== undefined); } },
          },`,
        })});\n`,
      );
    define(0.2);
    const first = (await project.run("run", "houses", "--json")).json<Judged>();
    const order = first.steps.map(({ step }) => step);
    expect(order.slice(order.indexOf("tune"))).toEqual(
      "tune features look train evaluate explain gate register promote tell".split(" "),
    );
    expect(first.steps.find(({ step }) => step === "split")!.metrics).toEqual({ train: 180, validation: 60, test: 60 });
    expect(first).toMatchObject({ promoted: true, verdict: { passed: true } });
    expect(first.verdict.reasons.at(-1)!.text).toBe("own gate: r2 against 0.2");
    define(2);
    const second = await project.run("run", "houses", "--json");
    expect(second.code).toBe(3);
    const ran = second.json<Judged>().steps.filter(({ status }) => status === "ran");
    expect(ran.map(({ step }) => step)).toEqual(["gate", "register", "promote", "tell"]);
  });
});

describe.skipIf(!isBuilt)("docs/workflows.md", () => {
  it("shows a workflow that runs", async () => {
    const page = fs.readFileSync(path.join(import.meta.dirname, "..", "..", "docs", "workflows.md"), "utf8");
    const [, file, source] = /```ts file=(\S+)\n([\s\S]*?)```/.exec(page)!;
    const project = createProject();
    try {
      project.write(file!, source!);
      const answer = await project.run("run", "word-counts", "--json");
      expect(answer.code, answer.stdout).toBe(0);
      expect(answer.json<Ran>().steps.map(({ step, status, reason }) => [step, status, reason])).toEqual([
        ["texts", "ran", null],
        ["count", "ran", null],
        ["total", "ran", null],
        ["praise", "skipped", "too few words to praise"],
      ]);
      expect(answer.json<Ran>().steps[2]!.metrics).toEqual({ words: 10 });
      const [, commands] = /```sh\n([\s\S]*?)```/.exec(page)!;
      const { run } = answer.json<Ran>();
      for (const line of commands!.trim().split("\n")) {
        const [, ...words] = line.replace(/ *#.*/, "").replace("RUN", run).split(" ");
        expect((await project.run(...words)).code, line).toBe(0);
      }
      expect((await project.run("reproduce", run)).stdout).toContain("equal: all 3 artifacts");
    } finally {
      project.remove();
    }
  });
});
