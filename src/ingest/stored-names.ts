/**
 * The column names of a dataset file for the columns of a contract. They are the contract's own, but where two names
 * are equal ignoring case the later ones get their position added: DuckDB, which writes the file, would rename them.
 */
export function storedNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name, position) => {
    let stored = name;
    for (let tries = 0; taken.has(stored.toLowerCase()); ++tries) stored = `${name}~${position + tries}`;
    taken.add(stored.toLowerCase());
    return stored;
  });
}
