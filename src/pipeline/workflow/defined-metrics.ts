/** The metrics that exist: one class in the test rows leaves AUC without a value, for example. */
export function definedMetrics(metrics: Readonly<Record<string, number | null>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).filter(
      (entry): entry is [string, number] => entry[1] !== null && Number.isFinite(entry[1]),
    ),
  );
}
