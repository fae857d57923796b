// `npm run demo [-- --once]`: all set-up, then the commands a user would type in examples/flight-delays: `millrace run` takes
// 3,000,000 flights to a gated, registered model, `millrace up` serves it. One real request is sent. With --once it ends there.
import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { ensureBuilt, ensureInstalled, root } from "./setup.mjs";

const once = process.argv.includes("--once");
const project = path.join(root, "examples", "flight-delays");
const cli = path.join(root, "dist", "cli", "main.js");
const row = { date: "2001-06-29T18:30:00Z", distance: 946, origin: "ATL", destination: "BOS" };

ensureInstalled();
ensureBuilt();

console.log("$ millrace run flight-delays");
const trained = spawnSync(process.execPath, [cli, "run", "flight-delays", "--project", project], { stdio: "inherit" });
if (trained.status !== 0) process.exit(trained.status ?? 1);

console.log("\n$ millrace up");
const server = spawn(process.execPath, [cli, "up", "--port", once ? "0" : "4000", "--project", project], {
  stdio: ["ignore", "pipe", "inherit"],
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => server.kill("SIGTERM"));
server.on("exit", (code) => process.exit(process.exitCode || (code ?? 0)));

let printed = "";
let asked = false;
server.stdout.setEncoding("utf8");
server.stdout.on("data", (text) => {
  process.stdout.write(text);
  printed += text;
  const url = /on (http:\/\/\S+)/.exec(printed)?.[1];
  if (!url || asked || !printed.includes("/try")) return;
  asked = true;
  void ask(url);
});

/** Sends one real request and shows how to send another. */
async function ask(url) {
  const address = `${url}/v1/models/flight-delays/predict`;
  const body = JSON.stringify({ rows: [row] });
  const response = await fetch(address, { method: "POST", headers: { "content-type": "application/json" }, body });
  const answer = await response.json();
  console.log(
    `\nOne real request: will the flight from Atlanta to Boston on 29 June at 18:30 be 15 minutes late or more?`,
  );
  console.log(`HTTP ${response.status} ${JSON.stringify(answer, null, 2)}`);
  console.log(`\nThe same from a shell:\ncurl -s ${address} -H 'content-type: application/json' -d '${body}'`);
  console.log(`\nAPI docs: ${url}/docs\nTry it:   ${url}/models/flight-delays/try`);
  if (!once) console.log("Ctrl-C ends it.");
  if (once || !response.ok) server.kill("SIGTERM");
  if (!response.ok) process.exitCode = 1;
}
