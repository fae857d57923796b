import { describe, expect, it } from "vitest";
import { keyOf, placeOf } from "./arm.ts";
import type { Rollout } from "../../registry/rollouts.ts";

const rolloutBy = (key: string): Rollout => ({ model: "m", sequence: 1, plan: { key } }) as unknown as Rollout;
let ids = 0;
const createId = (): string => `new-${++ids}`;

describe("the key of a request", () => {
  it("is its id, which a request sent again keeps", () => {
    const given = keyOf(rolloutBy("request"), { headers: { "x-request-id": "r1" } }, [], createId);
    expect(given).toEqual({ text: "r1", isShared: true });
    expect(keyOf(rolloutBy("request"), { headers: {} }, [], createId)).toEqual({ text: "new-1", isShared: false });
  });

  it("is a header or an own field of the first row, and none where that is absent or no plain value", () => {
    const asker = { headers: { "x-user": "ann" } };
    expect(keyOf(rolloutBy("header:X-User"), asker, [], createId)).toEqual({ text: "ann", isShared: true });
    expect(keyOf(rolloutBy("header:x-other"), asker, [], createId)).toBeNull();
    expect(keyOf(rolloutBy("field:id"), asker, [{ id: 7 }], createId)).toEqual({ text: "7", isShared: true });
    for (const row of [{}, null, { id: null }, { id: {} }])
      expect(keyOf(rolloutBy("field:id"), asker, [row], createId)).toBeNull();
    expect(keyOf(rolloutBy("field:constructor"), asker, [{}], createId)).toBeNull();
  });
});

describe("the place of a key", () => {
  const places = Array.from({ length: 20_000 }, (_, i) => placeOf({ model: "m", sequence: 1 }, `user-${i}`));

  it("is always the same, and another in another rollout", () => {
    expect(placeOf({ model: "m", sequence: 1 }, "user-0")).toBe(places[0]);
    expect(placeOf({ model: "m", sequence: 2 }, "user-0")).not.toBe(places[0]);
    expect(placeOf({ model: "n", sequence: 1 }, "user-0")).not.toBe(places[0]);
  });

  it("spreads evenly, so that a share of the places is that share of the keys", () => {
    for (const share of [0.05, 0.25, 0.5]) {
      const found = places.filter((place) => place < share).length / places.length;
      // Four standard deviations of chance.
      expect(Math.abs(found - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / places.length));
    }
  });
});
