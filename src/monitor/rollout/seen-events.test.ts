import { describe, expect, it } from "vitest";
import { type KeyLife, SeenEvents } from "./seen-events.ts";

const firsts = (seen: SeenEvents, keys: readonly number[]): number[] =>
  keys.filter((key) => seen.isFirst("errors", `key ${key}`));
const upTo = (n: number): number[] => Array.from({ length: n }, (_, key) => key);

describe("events of keys", () => {
  it.each<KeyLife>(["short", "long"])("are first once a kind and key, where keys have a %s life", (life) => {
    const seen = new SeenEvents(life, 100);
    expect(firsts(seen, [1, 2, 1])).toEqual([1, 2]);
    expect(seen.isFirst("slow", "key 1")).toBe(true);
    expect(seen.isFirst("slow", "key 1")).toBe(false);
  });

  it("are never first of a new key where people's keys fill the memory, and none is forgotten", () => {
    const seen = new SeenEvents("long", 100);
    expect(firsts(seen, upTo(1000))).toEqual(upTo(100));
    expect(firsts(seen, upTo(1000))).toEqual([]);
  });

  it("of ids go on being counted however many there are, and are remembered while they may be sent again", () => {
    const seen = new SeenEvents("short", 100);
    for (const key of upTo(1000)) {
      expect(firsts(seen, [key])).toEqual([key]);
      expect(firsts(seen, [Math.max(0, key - 49)])).toEqual([]);
    }
    expect(firsts(seen, [0])).toEqual([0]);
  });
});
