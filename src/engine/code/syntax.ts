import { loadJiti } from "./jiti.ts";

/** A node of a syntax tree as Babel makes it. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [member: string]: unknown;
}

/** A module's tree, and where each of its top-level names is used. */
export interface ParsedModule {
  readonly body: readonly SyntaxNode[];
  /** Positions at which a top-level name is read or assigned; a local of the same name is another name. */
  readonly uses: ReadonlyMap<string, readonly number[]>;
}

export type Parse = (source: string, file: string) => ParsedModule;

interface BabelPath {
  readonly node: SyntaxNode;
}
interface BabelBinding {
  readonly referencePaths: readonly BabelPath[];
  readonly constantViolations: readonly BabelPath[];
}
interface BabelProgram {
  readonly node: { readonly body: readonly SyntaxNode[] };
  readonly scope: { readonly bindings: Readonly<Record<string, BabelBinding>> };
}

/**
 * A parser for TypeScript and JavaScript: the Babel inside jiti, which loads the files anyway, watched by a plug-in that
 * looks at the tree and its scopes before anything is transformed.
 */
export function createParser(): Parse {
  const { createJiti } = loadJiti();
  const jiti = createJiti(import.meta.url, { fsCache: false });
  return (source, file) => {
    let parsed: ParsedModule | null = null;
    const look = (program: BabelProgram): void => {
      const uses = Object.entries(program.scope.bindings).map(([name, { referencePaths, constantViolations }]) => {
        const positions = [...referencePaths, ...constantViolations].map((path) => path.node.start);
        return [name, positions] as const;
      });
      // A copy of the list: the transform that follows replaces statements in place.
      parsed = { body: structuredClone([...program.node.body]), uses: new Map(uses) };
    };
    const plugin = (): object => ({ visitor: { Program: look } });
    jiti.transform({ source, filename: file, ts: /\.[cm]?ts$/.test(file), async: true, babel: { plugins: [plugin] } });
    return parsed ?? { body: [], uses: new Map() };
  };
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** The node's own members that are nodes, in order. */
export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  return Object.entries(node)
    .filter(([member]) => !isNoise(member))
    .flatMap(([, value]) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .filter(isNode);
}

const noise = new Set([
  "start",
  "end",
  "loc",
  "range",
  "extra",
  "leadingComments",
  "trailingComments",
  "innerComments",
  "comments",
  "tokens",
  "typeAnnotation",
  "returnType",
  "typeParameters",
  "typeArguments",
  "superTypeParameters",
  "superTypeArguments",
  "implements",
  "accessibility",
  "declare",
  "definite",
  "readonly",
  "override",
  "importKind",
  "exportKind",
]);

function isNoise(member: string): boolean {
  return noise.has(member) || member.startsWith("_");
}

const wrappers = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "ParenthesizedExpression",
  "TSInstantiationExpression",
]);

/** What is TypeScript's alone and yet runs; all else of it is types. */
const running = new Set([
  ...wrappers,
  "TSModuleDeclaration",
  "TSModuleBlock",
  "TSEnumBody",
  "TSParameterProperty",
  "TSExternalModuleReference",
]);

/** The node without parentheses and type assertions around it. */
export function unwrapped(node: SyntaxNode): SyntaxNode {
  return wrappers.has(node.type) && isNode(node["expression"]) ? unwrapped(node["expression"]) : node;
}

/** Text that is equal for code that computes the same: without comments, spaces, types, quotes' and numbers' spelling. */
export function canonicalCode(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalCode).join(",")}]`;
  if (typeof value === "bigint") return `${value}n`;
  if (!isNode(value)) {
    if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
    return `{${Object.entries(value)
      .map(([name, member]) => `${name}:${canonicalCode(member)}`)
      .join(",")}}`;
  }
  const node = unwrapped(value);
  const members = Object.entries(node)
    .filter(([member, of]) => !isNoise(member) && of !== undefined && of !== null && of !== false)
    .filter(([member, of]) => member !== "type" && !(isNode(of) && of.type.startsWith("TS") && !running.has(of.type)))
    .map(([member, of]) => `${member}:${canonicalCode(of)}`);
  return `${node.type}{${members.join(",")}}`;
}

/** The text of a literal property key or identifier. */
export function nameOf(node: unknown): string | null {
  if (!isNode(node)) return null;
  if (node.type === "Identifier") return String(node["name"]);
  return node.type === "StringLiteral" ? String(node["value"]) : null;
}
