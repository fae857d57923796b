import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** Which process it is: a number alone can be given again, after a restart of a container even the same one. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** When the process started, as the system counts; "" where the system does not say. */
  readonly started: string;
}

/** State letter and start time from Linux's /proc; null elsewhere, or where there is no such process. */
function systemRecord(pid: number): { state: string; started: string } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in parentheses and may hold anything; the third, the state, follows the last one.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", started: fields[19] ?? "" };
  } catch {
    return null;
  }
}

/** Asked for several times in each run, and takes longer than all else that begins one. */
let startedHere: string | undefined;

export function thisProcess(): ProcessIdentity {
  startedHere ??= systemRecord(process.pid)?.started ?? "";
  return { host: hostname(), pid: process.pid, started: startedHere };
}

/** False only for a process that surely ended: it ran on this host, and its number is free or another's by now. */
export function mayBeAlive(identity: ProcessIdentity): boolean {
  if (identity.host !== hostname()) return true;
  const record = systemRecord(identity.pid);
  if (record) return record.state !== "Z" && (identity.started === "" || record.started === identity.started);
  try {
    process.kill(identity.pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Whether there may be a process of this number here, whichever it is: all that the name of a file tells of its writer. */
export function mayRun(pid: number): boolean {
  return mayBeAlive({ host: hostname(), pid, started: "" });
}

/** Whether a process on `host` is one of this machine. */
export function runsHere(host: string): boolean {
  return host === hostname();
}

/** Whether a process of this machine stands still by a signal or a debugger; false where the system does not say. */
export function isStopped(pid: number): boolean {
  const state = systemRecord(pid)?.state;
  return state === "T" || state === "t";
}
