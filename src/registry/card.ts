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
  /** Drawn where there is room for drawings. */
  readonly curve?: CardCurve | null;
}

export interface CardTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** A bar for each row, in a column of its own; null = nothing is drawn in that row. */
  readonly bars?: readonly (CardBar | null)[];
}

/** Where a bar begins and ends, as shares of the width there is. */
export interface CardBar {
  readonly from: number;
  readonly to: number;
}

/** Points in a square from 0 to 1 both ways, the diagonal of which is what ought to be. */
export interface CardCurve {
  readonly x: string;
  readonly y: string;
  readonly points: readonly { readonly x: number; readonly y: number; readonly share: number }[];
}

/** The card as Markdown (GitHub's dialect). Names and values are data: none of them becomes markup. */
export function renderCard({ model, version, sections }: ModelCard): string {
  const parts = [`# ${plain(model)}, version ${version}`];
  for (const { heading, lines, table } of sections) {
    parts.push("", `## ${plain(heading)}`, "");
    parts.push(...lines.map((line) => `- ${plain(line)}`));
    if (!table) continue;
    if (lines.length > 0) parts.push("");
    const head = table.bars ? [...table.head, ""] : table.head;
    parts.push(
      rowOf(head),
      rowOf(head.map(() => "---")),
      ...table.rows.map((row, i) => rowOf([...row.map(plain), ...(table.bars ? [blocksOf(table.bars[i])] : [])])),
    );
  }
  return `${parts.join("\n")}\n`;
}

const barWidth = 20;

function blocksOf(bar: CardBar | null | undefined): string {
  if (!bar) return "";
  const [from, to] = [Math.round(bar.from * barWidth), Math.round(bar.to * barWidth)];
  return "░".repeat(from) + "█".repeat(to - from) + "░".repeat(barWidth - to);
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function plain(text: string): string {
  return text.replace(/[\\`*<>[\]|&~]/g, "\\$&").replace(/\s+/g, " ");
}
