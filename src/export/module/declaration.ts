import { asRequested, type ContractColumn } from "../../frame/contract.ts";
import type { Model } from "../../model/model.ts";

/** The types of an exported module (.d.mts), from its contract and labels: a wrong column or level does not compile. */
export function declarationText(model: Model): string {
  const columns = model.contract.columns.filter((column) => model.inputs.includes(column.name));
  return [
    "/** A row as the contract asks; what may be missing may be left out or null. */",
    "export interface Row {",
    ...columns.map(memberOf),
    "}",
    "",
    `export type Prediction = ${predictionType(model)};`,
    "",
    "/** One place where a row breaks the contract; rows count from 0. */",
    "export interface Issue {",
    "  readonly code: string;",
    "  readonly column: string;",
    "  readonly row: number;",
    "  readonly expected: string;",
    "  readonly actual: string;",
    "}",
    "",
    "export declare const model: {",
    "  readonly name: string;",
    "  readonly version: number;",
    "  readonly digest: string;",
    `  readonly task: ${JSON.stringify(model.task)};`,
    "  readonly inputs: readonly string[];",
    "  readonly labels: readonly (string | boolean)[];",
    "  readonly threshold: number | null;",
    "};",
    "",
    "/** Throws an error with `code` REQUEST_INVALID and `issues` where the row breaks the contract. */",
    "export declare function predict(row: Row): Prediction;",
    "/** One prediction a row; throws as `predict` does where any of them breaks the contract. */",
    "export declare function predictMany(rows: readonly Row[]): Prediction[];",
    "/** The first 1,000 places where rows, whatever they are, break the contract. */",
    "export declare function check(rows: readonly unknown[]): readonly Issue[];",
    "",
  ].join("\n");
}

function memberOf(given: ContractColumn): string {
  const column = asRequested(given);
  const name = JSON.stringify(column.name);
  const type = valueType(column);
  return column.missing === 0 ? `  readonly ${name}: ${type};` : `  readonly ${name}?: ${type} | null | undefined;`;
}

function valueType({ kind, levels }: ContractColumn): string {
  switch (kind) {
    case "number":
    case "boolean":
      return kind;
    case "timestamp":
      return "Date | string | number";
    case "text":
      return "string";
    case "category":
      return levels && levels.length > 0 ? levels.map((level) => JSON.stringify(level)).join(" | ") : "string";
  }
}

function predictionType({ labels }: Model): string {
  if (labels.length === 0) return "number";
  const members = labels.map((label) => `readonly ${JSON.stringify(String(label))}: number`);
  const union = labels.map((label) => JSON.stringify(label)).join(" | ");
  return `{ readonly label: ${union}; readonly probabilities: { ${members.join("; ")} } }`;
}
