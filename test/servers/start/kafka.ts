import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import type { RunningServer } from "./running-server.ts";

const java = path.join(process.env["JAVA_HOME"] ?? "/usr", "bin", "java");

/**
 * A Kafka broker that is its own controller; undefined without MILLRACE_KAFKA_JARS, a folder of org.apache.kafka:kafka_2.13 and
 * what it needs: `mvn dependency:copy-dependencies -DoutputDirectory=jars` over a pom that names version 3.9.0.
 */
export async function startKafka(): Promise<RunningServer | undefined> {
  const jars = process.env["MILLRACE_KAFKA_JARS"];
  if (jars === undefined || spawnSync(java, ["-version"]).status !== 0) {
    console.log("MILLRACE_KAFKA_JARS names no folder of Kafka's jars, or there is no java: its suite is skipped");
    return undefined;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-kafka-"));
  const [port, control] = [await freePort(), await freePort()];
  const settings = path.join(folder, "server.properties");
  fs.writeFileSync(settings, settingsOf(folder, port, control));
  const classes = ["-Xmx400m", "-cp", path.join(jars, "*")];
  const format = ["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", settings];
  const made = spawnSync(java, [...classes, ...format], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`Kafka's storage was not made: ${made.stderr}`);
  const child = spawn(java, [...classes, "kafka.Kafka", settings], { stdio: "ignore" });
  await untilOpen(port, () => child.exitCode !== null);
  return {
    url: `127.0.0.1:${port}`,
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

function settingsOf(folder: string, port: number, control: number): string {
  return [
    "process.roles=broker,controller",
    "node.id=1",
    `controller.quorum.voters=1@127.0.0.1:${control}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${control}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    "controller.listener.names=CONTROLLER",
    "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    `log.dirs=${folder}/data`,
    "auto.create.topics.enable=false",
    "offsets.topic.replication.factor=1",
    "offsets.topic.num.partitions=1",
    "group.initial.rebalance.delay.ms=0",
  ].join("\n");
}

async function untilOpen(port: number, isOver: () => boolean): Promise<void> {
  for (let tries = 0; tries < 300; ++tries) {
    if (isOver()) throw new Error("Kafka ended");
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("Kafka did not answer");
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
