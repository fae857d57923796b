const shape = /^([0-9a-f]{8})-([0-9a-f]{4})-([78])[0-9a-f]{3}-[89ab][0-9a-f]{3}-([0-9a-f]{12})$/;

/**
 * The id of a prediction: a UUID of version 7 (RFC 9562), which tells when it was made, so that its entry is found in the log
 * without reading all of it. `random` is a UUID of version 4.
 */
export function predictionId(ms: number, random: string): string {
  return `${timeText(ms)}-7${random.slice(15)}`;
}

/**
 * The id of a prediction that chance gave its version: a UUID of version 8, which tells the time in the same place and ends
 * with the mark of what was given it together. `count` tells ids of one millisecond and mark apart, by its last 26 bits.
 */
export function markedPredictionId(ms: number, mark: string, count: number): string {
  const low = hex(count & 0xfff, 3);
  const high = hex(0x8000 | ((count >>> 12) & 0x3fff), 4);
  return `${timeText(ms)}-8${low}-${high}-${mark}`;
}

/** UTC milliseconds; undefined where the text is no id of ours. */
export function timeOfPredictionId(id: string): number | undefined {
  const found = shape.exec(id);
  return found ? Number.parseInt(found[1]! + found[2]!, 16) : undefined;
}

/** The mark of a marked id, 12 hexadecimal digits; null of any other. */
export function markOfPredictionId(id: string): string | null {
  const found = shape.exec(id);
  return found?.[3] === "8" ? found[4]! : null;
}

function timeText(ms: number): string {
  const time = hex(Math.floor(ms), 12);
  return `${time.slice(0, 8)}-${time.slice(8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
