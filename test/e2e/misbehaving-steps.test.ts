import fs from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, expectRefusal, isBuilt, until, type Project, type Ran, type Running } from "./cli.ts";

interface Kept {
  readonly step: string;
  readonly attempt: number;
  readonly head: readonly { readonly stream: string; readonly text: string }[];
  readonly dropped: number;
  readonly tail: readonly { readonly stream: string; readonly text: string }[];
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

  it("counts what its file prints as it is loaded to the first step of that process", async () => {
    project.write(
      "pipelines/talkative.ts",
      `
      import { step, workflow } from "millrace";
      console.error("loading");
      const first = step({ name: "first", run: () => (console.error("running"), 1) });
      const second = step({ name: "second", inputs: { n: first.output }, run: ({ inputs }) => inputs.n });
      export default workflow({ name: "talkative", steps: [second] });
    `,
    );
    const { run } = (await project.run("run", "talkative", "--json")).json<Ran>();
    const { logs } = (await project.run("logs", run, "--json")).json<{ logs: Kept[] }>();
    const texts = logs.map(({ step, head }) => [step, ...head.map(({ text }) => text)]);
    expect(texts).toEqual([["first", "loading", "running"]]);
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
