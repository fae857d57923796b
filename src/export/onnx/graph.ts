import { bytesField, type Field, integerField, messageBytes, packedField } from "./protobuf.ts";

/** The element types of tensors we write, with their numbers in onnx.proto. */
export const elementTypes = { uint8: 2, int64: 7, string: 8, bool: 9, double: 11 } as const;

export type ElementType = keyof typeof elementTypes;

/** Constant numbers or texts with their shape. */
export interface Tensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly values: ArrayLike<number> | readonly string[];
}

export type Attribute = number | string | readonly number[] | readonly string[] | Tensor;

export interface Value {
  readonly name: string;
  readonly type: ElementType;
  /** Rows are one dimension, unnamed numbers the others. */
  readonly width: number | null;
}

const mlDomain = "ai.onnx.ml";

/** Operators of this set: Equal takes strings from 19 on. */
const opset = 19;
/** TreeEnsemble is of this set. */
const mlOpset = 5;
const irVersion = 9;

/** Builds one ONNX graph (github.com/onnx/onnx, onnx.proto): nodes in order, constants as initializers. */
export class GraphBuilder {
  readonly #nodes: Field[] = [];
  readonly #initializers: Field[] = [];
  readonly #inputs: Field[] = [];
  readonly #outputs: Field[] = [];
  readonly #taken: ReadonlySet<string>;
  #names = 0;

  /** `taken`: names that inputs and outputs have. */
  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
  }

  input(value: Value): string {
    this.#inputs.push(bytesField(11, valueInfo(value)));
    return value.name;
  }

  output(value: Value, from: string): void {
    this.#addNode("Identity", [from], value.name, {}, "");
    this.#outputs.push(bytesField(12, valueInfo(value)));
  }

  constant(tensor: Tensor): string {
    const name = this.#name();
    this.#initializers.push(bytesField(5, tensorFields(tensor, name)));
    return name;
  }

  /** The name of an operator's result. */
  node(operator: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const name = this.#name();
    const isMl = operator === "TreeEnsemble" || operator === "LabelEncoder";
    this.#addNode(operator, inputs, name, attributes, isMl ? mlDomain : "");
    return name;
  }

  /** The whole model's bytes. */
  model(name: string, version: number, metadata: Readonly<Record<string, string>>): Uint8Array {
    const graph = [...this.#nodes, bytesField(2, name), ...this.#initializers, ...this.#inputs, ...this.#outputs];
    const sets = [
      ["", opset],
      [mlDomain, mlOpset],
    ] as const;
    return messageBytes([
      integerField(1, irVersion),
      bytesField(2, "millrace"),
      integerField(5, version),
      bytesField(7, graph),
      ...sets.map(([domain, number]) => bytesField(8, [bytesField(1, domain), integerField(2, number)])),
      ...Object.entries(metadata).map(([key, value]) => bytesField(14, [bytesField(1, key), bytesField(2, value)])),
    ]);
  }

  #addNode(
    operator: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, Attribute>>,
    domain: string,
  ): void {
    const fields = [
      ...inputs.map((input) => bytesField(1, input)),
      bytesField(2, output),
      bytesField(4, operator),
      ...Object.entries(attributes).map(([key, value]) => bytesField(5, attributeFields(key, value))),
      bytesField(7, domain),
    ];
    this.#nodes.push(bytesField(1, fields));
  }

  #name(): string {
    let name: string;
    do name = `v${++this.#names}`;
    while (this.#taken.has(name));
    return name;
  }
}

const attributeTypes = { integer: 2, string: 3, tensor: 4, integers: 7, strings: 8 } as const;

function attributeFields(name: string, value: Attribute): Field[] {
  const named = bytesField(1, name);
  if (typeof value === "number") return [named, integerField(3, value), integerField(20, attributeTypes.integer)];
  if (typeof value === "string") return [named, bytesField(4, value), integerField(20, attributeTypes.string)];
  if ("dims" in value) return [named, bytesField(5, tensorFields(value, "")), integerField(20, attributeTypes.tensor)];
  if (typeof value[0] === "string") {
    const strings = (value as readonly string[]).map((one) => bytesField(9, one));
    return [named, ...strings, integerField(20, attributeTypes.strings)];
  }
  return [named, packedField(8, value as readonly number[]), integerField(20, attributeTypes.integers)];
}

function tensorFields({ type, dims, values }: Tensor, name: string): Field[] {
  const head = [packedField(1, dims), integerField(2, elementTypes[type]), bytesField(8, name)];
  if (type === "string") return [...head, ...(values as readonly string[]).map((one) => bytesField(6, one))];
  return [...head, bytesField(9, rawBytes(type, values as ArrayLike<number>))];
}

function rawBytes(type: ElementType, values: ArrayLike<number>): Uint8Array {
  if (type === "double") return new Uint8Array(Float64Array.from(values).buffer);
  if (type === "int64") return new Uint8Array(BigInt64Array.from(Array.from(values, BigInt)).buffer);
  return Uint8Array.from(values);
}

function valueInfo({ name, type, width }: Value): Field[] {
  const rows = bytesField(1, [bytesField(2, "rows")]);
  const shape = width === null ? [rows] : [rows, bytesField(1, [integerField(1, width)])];
  const tensor = [integerField(1, elementTypes[type]), bytesField(2, shape)];
  return [bytesField(1, name), bytesField(2, [bytesField(1, tensor)])];
}
