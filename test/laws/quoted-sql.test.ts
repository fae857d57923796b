import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
// Below the checkout, for the linter asks the plugin from there.
const folder = mkdtempSync(join(root, "node_modules", ".quoted-sql-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sound = [
  "`SELECT ${quoteIdentifier(name)} FROM t WHERE v = ${quoteLiteral(value)}`",
  "`SELECT * FROM read_parquet([${paths.map(quoteLiteral).join()}])`",
  "`SELECT 'it''s', \"a\" FROM ${table}`",
  '`"${name}" is read from "${path}"`',
  "'a' + name",
];
const quotedByHand = [
  "`SELECT * FROM t WHERE name = '${name}'`",
  '`SELECT "${name}" FROM t`',
  "`SELECT * FROM t WHERE name LIKE '%${part}%'`",
  "`COPY t TO '${path}' (FORMAT parquet)`",
  "`date_trunc('${grain}', ${value})`",
  '`select * from "${table}"`',
  "'SELECT * FROM t WHERE name = ' + name",
];

/** The lines that the rule finds. */
function linesFound(expressions: readonly string[]): readonly number[] {
  const [file, config] = [join(folder, "statements.mjs"), join(folder, "oxlintrc.json")];
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, expressions.map((one, i) => `export const sql${i} = ${one};\n`).join(""));
  const jsPlugins = [join(root, "tools", "lint", "sql.mjs")];
  writeFileSync(config, JSON.stringify({ jsPlugins, rules: { "sql/no-hand-quoting": "error" } }));
  const linter = join(root, "node_modules", "oxlint", "bin", "oxlint");
  const args = [linter, "--no-ignore", "--format", "json", "-c", config, file];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect(stderr).toBe("");
  const { diagnostics } = JSON.parse(stdout) as {
    readonly diagnostics: readonly {
      readonly code: string;
      readonly labels: readonly { readonly span: { readonly line: number } }[];
    }[];
  };
  const found = diagnostics.filter(({ code }) => code.includes("no-hand-quoting"));
  return [...new Set(found.map(({ labels }) => labels[0]!.span.line))];
}

describe("names and values get into SQL by one way alone", () => {
  it("which `npm run check` sees to", () => {
    expect(linesFound(sound)).toEqual([]);
    expect(linesFound(quotedByHand)).toEqual(quotedByHand.map((_, i) => i + 1));
  });
});
