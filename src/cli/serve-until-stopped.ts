import { once } from "node:events";
import type { MessagesOptions } from "../app/messages.ts";
import type { ServerLog } from "../app/server-log.ts";
import type { Up } from "../app/up.ts";
import type { Output } from "./output.ts";
import { type addressOf, eventsOf, logOptionsOf, vertexRoutesOf } from "./serve-options.ts";
import type { ExitCode, OptionValues, VerbCall } from "./verb.ts";

/** Serves until the first SIGINT or SIGTERM, then drains. */
export async function serveUntilStopped(
  { root, options: given, output, signal }: VerbCall,
  options: ReturnType<typeof addressOf> & { readonly loop: boolean; readonly messages?: MessagesOptions },
): Promise<ExitCode> {
  const log = logOptionsOf(given);
  const { systemClock } = await import("../core/clock.ts");
  const { openProject } = await import("../app/project.ts");
  const { startUp } = await import("../app/up.ts");
  const { tracingOptionsOf } = await import("../app/tracing.ts");
  const tracing = tracingOptionsOf(process.env);
  const serverLog = await serverLogOf(given, output);
  const project = await openProject(root, { clock: systemClock });
  try {
    const running = await startUp(project, {
      host: options.host,
      port: options.port,
      allowedHosts: options.allowedHosts,
      log,
      tracing,
      vertex: vertexRoutesOf(process.env),
      messages: options.messages ?? null,
      command: options.loop ? [process.execPath, process.argv[1]!] : null,
      serverLog,
    });
    await untilStopped(running, output, signal);
    return 0;
  } finally {
    serverLog.close();
    await project.close();
  }
}

/** Serves the models of an exported folder until the first SIGINT or SIGTERM, then drains. */
export async function serveExported(
  { options, output, signal }: VerbCall,
  folder: string,
  address: ReturnType<typeof addressOf>,
): Promise<ExitCode> {
  const { systemClock } = await import("../core/clock.ts");
  const { startExported } = await import("../app/serve-exported.ts");
  const { tracingOptionsOf } = await import("../app/tracing.ts");
  const vertex = vertexRoutesOf(process.env);
  const serverLog = await serverLogOf(options, output);
  try {
    const tracing = tracingOptionsOf(process.env);
    const running = await startExported(folder, systemClock, { ...address, vertex, tracing, serverLog });
    await untilStopped(running, output, signal);
    return 0;
  } finally {
    serverLog.close();
  }
}

/** Where a server says what happens to it: under --json somewhere, too. */
async function serverLogOf(options: OptionValues, output: Output): Promise<ServerLog> {
  const form = eventsOf(options);
  const { systemClock } = await import("../core/clock.ts");
  const { jsonLog, sentenceLog } = await import("../app/server-log.ts");
  if (form === "json") return jsonLog((text) => void process.stderr.write(text), systemClock);
  return sentenceLog((text) => (output.json ? output.log(text) : output.line(text)));
}

async function untilStopped(running: Up, output: Output, signal: AbortSignal): Promise<void> {
  output.line(`serving ${running.models.join(", ") || "no models yet"} on ${running.url}`);
  output.line(`  API docs  ${running.url}/docs`);
  for (const model of running.models) output.line(`  try it    ${running.url}/models/${model}/try`);
  output.document({ url: running.url, models: running.models });
  if (!signal.aborted) await once(signal, "abort");
  output.line("stopping: finishing requests in flight");
  await running.close();
}
