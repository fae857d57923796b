import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { root, tool } from "../../tools/setup.mjs";

/** Beyond this a process hangs: each mutant has a minute of its own, and a run of them about 50 ms each. */
const timeoutMs = 3_600_000;

/**
 * Damaged files at length: 20,000 of CSV, JSON and Parquet in several processes of limited memory, 2,000 of Arrow.
 * MILLRACE_MUTANTS changes the first number.
 */
export async function runMutants() {
  const env = { MILLRACE_MUTANTS: "20000", MILLRACE_ARROW_MUTANTS: "2000", ...process.env };
  const nShares = Math.min(4, availableParallelism());
  const shares = Array.from({ length: nShares }, (_, i) =>
    run(["src/ingest/mutants.test.ts"], { ...env, MILLRACE_MUTANTS_SHARE: `${i}/${nShares}` }),
  );
  const statuses = await Promise.all(shares);
  statuses.push(await run(["src/ingest/bombs.test.ts", "src/ingest/arrow/arrow.test.ts"], env));
  return Math.max(...statuses);
}

/** A process that dies of a signal, as of memory or of time, has no status. */
function run(files, env) {
  const child = spawn(tool("vitest"), ["run", "--execArgv=--max-old-space-size=384", ...files], {
    cwd: root,
    env,
    stdio: "inherit",
    timeout: timeoutMs,
    shell: process.platform === "win32",
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve(status ?? 1));
  });
}
