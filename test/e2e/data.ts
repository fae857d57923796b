/** Seeded numbers in [0, 1), so that every run of the suite sees the same files. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/** CSV text of `n` rows, each made by `row`; a cell that is null is empty. */
export function csvOf(
  n: number,
  row: (i: number, next: () => number) => Readonly<Record<string, unknown>>,
  seed = 7,
): string {
  const next = numbers(seed);
  const rows = Array.from({ length: n }, (_, i) => row(i, next));
  const names = Object.keys(rows[0] ?? {});
  return `${[names.join(","), ...rows.map((r) => names.map((name) => cell(r[name])).join(","))].join("\n")}\n`;
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "number" ? String(Number(value.toFixed(6))) : String(value as string | boolean);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Houses: price follows area and place, with noise. */
export function houses(n: number, options: { readonly seed?: number; readonly shift?: number } = {}): string {
  return csvOf(
    n,
    (i, next) => {
      const area = 40 + 160 * next() + (options.shift ?? 0);
      const place = ["north", "south", "west"][Math.floor(3 * next())]!;
      return { id: `h${i}`, area, place, price: 1000 * area * (place === "north" ? 1.5 : 1) + 5000 * next() };
    },
    options.seed,
  );
}

/** The definition that goes with houses(). */
export function housePipeline(
  options: { readonly model?: string; readonly gate?: string; readonly more?: string } = {},
): string {
  return `{
    name: "houses",
    data: m.csv("data/houses.csv"),
    schema: { id: m.text(), area: m.number({ min: 0 }), place: m.category(), price: m.number() },
    target: "price",
    id: "id",
    split: { by: "hash", test: 0.25 },
    model: ${options.model ?? "m.linear()"},
    gate: ${options.gate ?? '[m.atLeast("r2", 0.5)]'},
    ${options.more ?? ""}
  }`;
}
