/** A model version described by what is recorded of it, as plain data. */
export interface ModelCard {
  readonly model: string;
  readonly version: number;
  readonly sections: readonly CardSection[];
}

export interface CardSection {
  readonly heading: string;
  readonly lines: readonly string[];
  readonly table: CardTable | null;
}

export interface CardTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The card as Markdown (GitHub's dialect). Names and values are data: none of them becomes markup. */
export function renderCard({ model, version, sections }: ModelCard): string {
  const parts = [`# ${plain(model)}, version ${version}`];
  for (const { heading, lines, table } of sections) {
    parts.push("", `## ${plain(heading)}`, "");
    parts.push(...lines.map((line) => `- ${plain(line)}`));
    if (!table) continue;
    if (lines.length > 0) parts.push("");
    parts.push(
      rowOf(table.head),
      rowOf(table.head.map(() => "---")),
      ...table.rows.map((row) => rowOf(row.map(plain))),
    );
  }
  return `${parts.join("\n")}\n`;
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function plain(text: string): string {
  return text.replace(/[\\`*<>[\]|&~]/g, "\\$&").replace(/\s+/g, " ");
}
