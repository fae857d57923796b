import { parentPort } from "node:worker_threads";

import { failTeam, joinTeam } from "./team.ts";
import type { CrewMember, CrewOrder, CrewReply } from "./crew.ts";

async function obey(order: CrewOrder): Promise<CrewReply> {
  const control = new Int32Array(order.control);
  try {
    const member = (await import(order.module)) as CrewMember;
    const team = joinTeam(control, order.thread, order.threads, () => Promise.resolve());
    return { result: await member.runMember(order.payload, team), error: null };
  } catch (error) {
    failTeam(control);
    return { result: null, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

parentPort?.on("message", (order: CrewOrder) => {
  void obey(order).then((reply) => {
    parentPort?.postMessage(reply);
    // Where it cannot be loaded, the order that asks for it says so.
    if (order.next !== null) import(order.next).catch(() => {});
  });
});
