const shape = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * The id of a prediction: a UUID of version 7 (RFC 9562), which tells when it was made, so that its entry is found in the log
 * without reading all of it. `random` is a UUID of version 4.
 */
export function predictionId(ms: number, random: string): string {
  const time = Math.floor(ms).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}

/** UTC milliseconds; undefined where the text is no id of ours. */
export function timeOfPredictionId(id: string): number | undefined {
  const found = shape.exec(id);
  return found ? Number.parseInt(found[1]! + found[2]!, 16) : undefined;
}
