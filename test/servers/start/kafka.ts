import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { RunningServer } from "./running-server.ts";
import { end, freePort, isOpen, untilUp } from "./server-process.ts";

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
  await untilUp("Kafka", child, () => isOpen(port));
  return {
    url: `127.0.0.1:${port}`,
    async stop() {
      await end(child);
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
