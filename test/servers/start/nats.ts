import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import type { RunningServer } from "./running-server.ts";

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
  await untilReady(child, port);
  return {
    url: `nats://127.0.0.1:${port}`,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGKILL");
        await gone;
      }
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilReady(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 100; ++tries) {
    if (child.exitCode !== null) throw new Error("nats-server ended");
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("nats-server did not answer");
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
