import { createRequire } from "node:module";
import { parentPort } from "node:worker_threads";

import { failTeam, joinTeam } from "./team.ts";
import type { CrewMember, CrewOrder, CrewReply } from "./crew.ts";

const load = (file: string): CrewMember => createRequire(file)(file) as CrewMember;

async function obey(order: CrewOrder): Promise<CrewReply> {
  const control = new Int32Array(order.control);
  try {
    const team = joinTeam(control, order.thread, order.threads, () => Promise.resolve());
    return { result: await load(order.module).runMember(order.payload, team), error: null };
  } catch (error) {
    failTeam(control);
    return { result: null, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

function loadEarly(file: string): void {
  try {
    load(file);
  } catch {
    // The order that asks for it says so.
  }
}

parentPort?.on("message", (order: CrewOrder) => {
  void obey(order).then((reply) => {
    parentPort?.postMessage(reply);
    if (order.next !== null) loadEarly(order.next);
  });
});
