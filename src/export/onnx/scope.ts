import { MillraceError } from "../../core/errors/error.ts";
import type { Kind } from "../../frame/column.ts";
import { isKeptHidden } from "../../frame/privacy.ts";
import type { Model } from "../../model/model.ts";
import { GraphBuilder } from "./graph.ts";

/**
 * A column within the graph. Numbers, truths (0 and 1) and times (UTC milliseconds) are doubles, NaN where missing; categories
 * are strings, "" where missing. All are of shape [rows, 1].
 */
export interface Operand {
  readonly name: string;
  readonly kind: Kind;
}

/** The graph being built, with the columns expressions and features may read. */
export interface Scope {
  readonly graph: GraphBuilder;
  readonly model: Model;
  column(name: string): Operand;
  define(name: string, operand: Operand): void;
}

export const outputNames = ["prediction", "label", "probabilities"] as const;

/** What ONNX cannot say of a model. */
export function unsupported(model: Pick<Model, "name">, reason: string): MillraceError {
  return new MillraceError("EXPORT_UNSUPPORTED", { model: model.name, form: "ONNX", reason });
}

/** Inputs are made as they are first read: a column no feature needs is none of the graph's. */
export function createScope(model: Model): Scope {
  const clash = model.inputs.find((input) => (outputNames as readonly string[]).includes(input));
  if (clash !== undefined) throw unsupported(model, `the column "${clash}" is called as an output is`);
  const graph = new GraphBuilder([...model.inputs, ...outputNames]);
  const known = new Map<string, Operand>();
  return {
    graph,
    model,
    column(name) {
      const operand = known.get(name) ?? inputOf(model, graph, name);
      known.set(name, operand);
      return operand;
    },
    define: (name, operand) => void known.set(name, operand),
  };
}

function inputOf(model: Model, graph: GraphBuilder, name: string): Operand {
  const column = model.contract.columns.find((one) => one.name === name)!;
  if (column.clean || (column.privacy && !isKeptHidden(column.privacy)))
    throw unsupported(model, `values of the column "${name}" are cleaned or made coarser first`);
  if (column.kind === "text") throw unsupported(model, `the column "${name}" is text`);
  graph.input({ name, type: column.kind === "category" ? "string" : "double", width: 1 });
  return { name, kind: column.kind };
}
