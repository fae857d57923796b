import { describe, expect, it } from "vitest";
import { GraphBuilder } from "./graph.ts";
import { bytesField, integerField, messageBytes, packedField } from "./protobuf.ts";

describe("protobuf", () => {
  it("writes the bytes of the specification's examples", () => {
    // protobuf.dev/programming-guides/encoding: { a: 150 }, { b: "testing" }, { c: { a: 150 } }, { f: [3, 270, 86942] }.
    expect([...messageBytes([integerField(1, 150)])]).toEqual([0x08, 0x96, 0x01]);
    expect([...messageBytes([bytesField(2, "testing")])]).toEqual([0x12, 7, ...Buffer.from("testing")]);
    expect([...messageBytes([bytesField(3, [integerField(1, 150)])])]).toEqual([0x1a, 3, 0x08, 0x96, 0x01]);
    expect([...messageBytes([packedField(6, [3, 270, 86_942])])]).toEqual([0x32, 6, 3, 0x8e, 2, 0x9e, 0xa7, 5]);
  });

  it("writes negative integers as ten bytes", () => {
    expect([...messageBytes([integerField(1, -1)])]).toEqual([0x08, ...Array.from({ length: 9 }, () => 0xff), 1]);
  });
});

describe("the graph", () => {
  it("never names a value of its own as a column is named", () => {
    const graph = new GraphBuilder(["v1", "v3"]);
    const names = [
      graph.node("Abs", ["v1"]),
      graph.node("Neg", ["v1"]),
      graph.constant({ type: "double", dims: [], values: [1] }),
    ];
    expect(names).toEqual(["v2", "v4", "v5"]);
  });
});
