import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { RunningServer } from "./running-server.ts";
import { end, freePort, isOpen, untilUp } from "./server-process.ts";

const server = ["/usr/sbin/nats-server", "/usr/bin/nats-server"].find((file) => fs.existsSync(file));

/** A NATS server with JetStream; undefined where it is not installed. */
export async function startNats(): Promise<RunningServer | undefined> {
  if (server === undefined) {
    console.log("nats-server is not installed: its suite is skipped");
    return undefined;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-nats-"));
  const port = await freePort();
  const child = spawn(server, ["-js", "-sd", folder, "-a", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  await untilUp("nats-server", child, () => isOpen(port));
  return {
    url: `nats://127.0.0.1:${port}`,
    async stop() {
      await end(child);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
