import fs from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../core/clock.ts";
import { decodeLine } from "../monitor/log-line.ts";
import { entriesOf, isTornAtStart, listSegments, textOfSegment } from "../monitor/segments.ts";
import { createRegistry } from "../registry/registry.ts";
import { type BackupReport, restoreBackup } from "../store/backup.ts";
import type { InspectedStore } from "../store/open.ts";
import { restoreToServer } from "../store/restore-metadata.ts";
import { type Fault, type Verification, verifyStore } from "../store/verify.ts";
import { artifactsPlace } from "./artifacts-place.ts";
import { metadataPlace } from "./metadata-place.ts";

function storeOf(root: string): string {
  return path.join(path.resolve(root), ".millrace");
}

/** Checks all that the project in `root` keeps: the store, the audit log with the aliases, the prediction log. */
export async function verifyProject(root: string, clock: Clock): Promise<Verification> {
  const more = async (inspected: InspectedStore): Promise<Fault[]> => [
    ...(await auditFaults(inspected, clock)),
    ...(await logFaults(inspected.store.folder)),
  ];
  return verifyStore(storeOf(root), clock, more, { artifacts: artifactsPlace(), metadata: metadataPlace() });
}

async function auditFaults({ store }: InspectedStore, clock: Clock): Promise<Fault[]> {
  const verdict = await createRegistry(store, clock).verifyAudit();
  if (verdict.intact) return [];
  return [
    {
      subject: `audit log, entry ${verdict.sequence}`,
      problem: verdict.reason,
      remedy: "Restore the store from a backup with `millrace restore`, and find out who changed it.",
    },
  ];
}

/** A line without its end or its beginning is what a crash leaves, and no fault. */
async function logFaults(folder: string): Promise<Fault[]> {
  const models = await fs.readdir(path.join(folder, "predictions")).catch(() => [] as string[]);
  const faults: Fault[] = [];
  for (const model of models) {
    for (const segment of await listSegments(path.join(folder, "predictions", model))) {
      const lines = entriesOf(await textOfSegment(segment))
        .split("\n")
        .slice(0, -1);
      const damaged = lines.filter((line) => !isTornAtStart(line) && decodeLine(line) === undefined).length;
      if (damaged === 0) continue;
      faults.push({
        subject: path.relative(folder, segment.path),
        problem: `${damaged} of ${lines.length} lines do not fit their checksum`,
        remedy: "Nothing: they are passed over when the log is read. Restore the file from a backup to have them back.",
      });
    }
  }
  return faults;
}

/** Puts a backup in the place of the project's store. */
export async function restoreProject(
  root: string,
  backup: string,
  clock: Clock,
  options: { readonly force: boolean },
): Promise<BackupReport> {
  const places = { artifacts: artifactsPlace(), metadata: metadataPlace() };
  if (places.metadata) return restoreToServer(backup, storeOf(root), { clock, ...options, ...places });
  return restoreBackup(backup, storeOf(root), clock, { ...options, ...places });
}
