import { MillraceError } from "../core/errors/error.ts";

/** When a cron expression is due next. */
export interface Schedule {
  /** UTC milliseconds of the first time after `fromMs`; null = never again. */
  nextAfter(fromMs: number): number | null;
}

/**
 * A cron expression in a time zone (IANA name); throws DEFINITION_INVALID where either is none. A local time that a clock
 * change skips runs at the change, one that it repeats runs once (rules of croner).
 */
export async function createSchedule(subject: string, cron: string, timeZone: string): Promise<Schedule> {
  const { Cron } = await import("croner");
  try {
    const job = new Cron(cron, { timezone: timeZone, paused: true });
    // An unknown time zone shows only when it is used.
    job.nextRun(new Date(0));
    return { nextAfter: (fromMs) => job.nextRun(new Date(fromMs))?.getTime() ?? null };
  } catch (error) {
    throw new MillraceError("DEFINITION_INVALID", {
      subject,
      rule: "must be a cron expression in a known time zone",
      actual: `"${cron}" in "${timeZone}" (${error instanceof Error ? error.message : String(error)})`,
    });
  }
}
