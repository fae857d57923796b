import { decodeLine, idOfLine, isRejected } from "./log-line.ts";
import type { PredictionEntry } from "./log-line.ts";
import { timeOfPredictionId } from "./prediction-id.ts";
import { listSegments, segmentFolder, segmentsWithin, textOfSegment } from "./segments.ts";

/** An entry is written after its id was made: the time to predict, to wait for the disk, and for a clock that was set. */
const latestMs = 600_000;

/** The entries of some predictions of a model, by id; one whose id is no id of ours, or that was swept, is not found. */
export async function findPredictions(
  folder: string,
  model: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PredictionEntry>> {
  const found = new Map<string, PredictionEntry>();
  const times = new Map<string, number>();
  for (const id of ids) {
    const time = timeOfPredictionId(id);
    if (time !== undefined) times.set(id, time);
  }
  if (times.size === 0) return found;
  const segments = await listSegments(segmentFolder(folder, model));
  const distinct = [...new Set(times.values())];
  const wanted = new Set(distinct.flatMap((time) => segmentsWithin(segments, time, time + latestMs)));
  for (const segment of wanted) {
    if (found.size === times.size) break;
    for (const line of (await textOfSegment(segment)).split("\n")) {
      const id = idOfLine(line);
      if (id === undefined || !times.has(id)) continue;
      const entry = decodeLine(line);
      if (entry && !isRejected(entry)) found.set(id, entry);
    }
  }
  return found;
}
