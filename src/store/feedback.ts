import { createHash } from "node:crypto";
import type { Digest } from "../core/digest.ts";
import type { FeedbackTable } from "./model-tables.ts";

/** What a row of feedback is sealed with. */
export function feedbackDigest(row: Omit<FeedbackTable, "digest">): Digest {
  const { model, prediction_id, version, predicted_at, output, actual, received_at } = row;
  const text = JSON.stringify([model, prediction_id, version, predicted_at, output, actual, received_at]);
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
