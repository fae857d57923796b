import { expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import { createRunId } from "./run-id.ts";

it("run ids sort by time", () => {
  const times = [Date.UTC(2025, 11, 31, 23, 59, 59), Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1, 0, 0, 1)];
  const ids = times.map((time, seed) => createRunId(time, createRng(seed)));
  expect(ids.toSorted()).toEqual(ids);
  expect(ids[0]).toMatch(/^20251231-235959-[0-9a-f]{4}$/);
});
