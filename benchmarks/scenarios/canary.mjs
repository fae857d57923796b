// The simulations of src/monitor/rollout/canary.test.ts at length: 100 of each bad canary and of the good one, at shares of 5 and 25 percent.
import { spawnSync } from "node:child_process";
import { root, tool } from "../../tools/setup.mjs";

export function run() {
  const env = { MILLRACE_CANARY_SIMULATIONS: "100", ...process.env };
  const args = ["run", "src/monitor/rollout/canary.test.ts", "--disable-console-intercept"];
  return spawnSync(tool("vitest"), args, { cwd: root, env, stdio: "inherit" }).status ?? 1;
}
