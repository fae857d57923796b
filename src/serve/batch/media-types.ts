/** How the rows of a batch come, and how its answers go. */
export type BatchForm = "jsonl" | "csv" | "parquet";

export const parquetType = "application/vnd.apache.parquet";

const typesOf: Readonly<Record<BatchForm, readonly string[]>> = {
  jsonl: ["application/x-ndjson", "application/jsonl"],
  csv: ["text/csv"],
  parquet: [parquetType],
};

/** All that a body may be. */
export const batchTypes: readonly string[] = Object.values(typesOf).flat();

/** The form that a header `content-type` or `accept` begins with; JSON lines where it is none. */
export function formOf(header: string | undefined): BatchForm {
  const forms: readonly BatchForm[] = ["csv", "parquet"];
  return forms.find((form) => typesOf[form].some((type) => header?.toLowerCase().startsWith(type))) ?? "jsonl";
}
