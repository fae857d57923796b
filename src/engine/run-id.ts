import type { Rng } from "../core/rng.ts";

/** A run's id: UTC time and four random hexadecimal digits, "20260102-030405-ab12". Sorts by time. */
export function createRunId(nowMs: number, rng: Rng): string {
  const digits = new Date(nowMs).toISOString().replace(/[^0-9]/g, "");
  const suffix = rng.integer(0x10000).toString(16).padStart(4, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8, 14)}-${suffix}`;
}
