// Serves the champion of adult with a prediction log or without one, all else equal. Usage: log-server.mjs none|async|sync
import { ours } from "./process.mjs";

const [mode] = process.argv.slice(2);
const { systemClock: clock } = await ours("core/clock.js");
const { openProject } = await ours("app/project.js");
const { loadModel } = await ours("app/champion.js");
const { openServedLog } = await ours("app/served-log.js");
const { createServer } = await ours("serve/server.js");

const project = await openProject(process.cwd(), { clock });
const { version, digest, metrics } = await project.registry.champion("adult");
const model = await loadModel(project, digest);
const served = Object.freeze({ model, version, digest, metrics });
const log = mode === "none" ? null : openServedLog(project, { mode, keepDays: null, onEvent: console.error });
await log?.learn(model, digest);
const models = { list: () => [served], get: (name) => (name === "adult" ? served : undefined) };
const server = await createServer({ models, clock, version: "0", port: 0, log: log?.log ?? null });
const { url } = await server.listen();
console.log(url);
process.once("SIGTERM", async () => {
  await server.close();
  await log?.close();
  await project.close();
});
