import { spawnSync } from "node:child_process";
import { root, tool } from "../../tools/setup.mjs";

/** Damaged files at length: 20,000 of CSV, JSON and Parquet, 2,000 of Arrow. MILLRACE_MUTANTS changes the first number. */
export async function runMutants() {
  const env = { MILLRACE_MUTANTS: "20000", MILLRACE_ARROW_MUTANTS: "2000", ...process.env };
  const files = ["src/ingest/mutants.test.ts", "src/ingest/bombs.test.ts", "src/ingest/arrow/arrow.test.ts"];
  return (
    spawnSync(tool("vitest"), ["run", ...files], {
      cwd: root,
      env,
      stdio: "inherit",
      shell: process.platform === "win32",
    }).status ?? 1
  );
}
