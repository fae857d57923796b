import type { GraphBuilder } from "./graph.ts";

/** Doubles as constants and the few combinations of operators everything else is made of; truths of ONNX are its bool. */
export interface Numbers {
  constant(value: number): string;
  row(values: ArrayLike<number>): string;
  isMissing(a: string): string;
  where(condition: string, a: string, b: string): string;
  /** 0 or 1 as double. */
  ofTruth(truth: string): string;
  equals(a: string, value: number): string;
}

export function numbersOf(graph: GraphBuilder): Numbers {
  const known = new Map<string, string>();
  const constant = (value: number): string => {
    const key = Object.is(value, -0) ? "-0" : String(value);
    const name = known.get(key) ?? graph.constant({ type: "double", dims: [], values: [value] });
    known.set(key, name);
    return name;
  };
  return {
    constant,
    row: (values) => graph.constant({ type: "double", dims: [1, values.length], values }),
    isMissing: (a) => graph.node("IsNaN", [a]),
    where: (condition, a, b) => graph.node("Where", [condition, a, b]),
    ofTruth: (truth) => graph.node("Cast", [truth], { to: 11 }),
    equals: (a, value) => graph.node("Equal", [a, constant(value)]),
  };
}
