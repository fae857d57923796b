import { parseDuration } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";
import { compareWithReference } from "../monitor/drift.ts";
import type { DriftReport } from "../monitor/drift-report.ts";
import { readPredictionLog } from "../monitor/log-reader.ts";
import { loadVersion } from "./champion.ts";
import type { Project } from "./project.ts";

export interface MonitorOptions {
  /** A duration such as "1d"; default one day. */
  readonly window: string | undefined;
  readonly psi: string | undefined;
  readonly minRows: string | undefined;
}

/** Compares the window of the prediction log that ends now with the reference profile inside the champion. */
export async function monitorModel(project: Project, name: string, options: MonitorOptions): Promise<DriftReport> {
  const windowMs = parseDuration(options.window ?? "1d");
  if (windowMs === undefined)
    throw new MillraceError("USAGE", { reason: `--window must be a duration such as 12h, got "${options.window}"` });
  const { model, version } = await loadVersion(project, name);
  const untilMs = project.clock.now();
  const logged = await readPredictionLog(project.store.folder, name, {
    sinceMs: untilMs - windowMs,
    untilMs: untilMs + 1,
  });
  return compareWithReference({
    model,
    logged,
    version: version.version,
    options: {
      ...(options.psi === undefined ? {} : { psi: positive("--psi", options.psi) }),
      ...(options.minRows === undefined ? {} : { minRows: positive("--min-rows", options.minRows) }),
    },
  });
}

function positive(subject: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new MillraceError("USAGE", { reason: `${subject} must be a number above 0, got "${text}"` });
}
