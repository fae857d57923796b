import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { markedPredictionId, markOfPredictionId, predictionId, timeOfPredictionId } from "./prediction-id.ts";

const now = Date.UTC(2026, 1, 3, 4, 5, 6, 789);
const mark = "00ff12345678";

it("tells when it was made, with a mark and without", () => {
  const plain = predictionId(now + 0.25, randomUUID());
  const marked = markedPredictionId(now + 0.25, mark, 0);
  expect([plain, marked].map(timeOfPredictionId)).toEqual([now, now]);
  expect([plain, marked].map(markOfPredictionId)).toEqual([null, mark]);
  expect(["", "x", marked.replace("-8", "-4"), `${marked}0`].map(markOfPredictionId)).toEqual([null, null, null, null]);
});

it("is another one for each count, in the form of a UUID", () => {
  const counts = [0, 1, 4095, 4096, 4097, 2 ** 25, 2 ** 26 - 1];
  const ids = counts.map((count) => markedPredictionId(now, mark, count));
  expect(new Set(ids).size).toBe(counts.length);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
