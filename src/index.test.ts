import { describe, expect, it } from "vitest";
import * as surface from "./index.ts";

describe("the public surface", () => {
  it("is these names and no others", () => {
    expect(Object.keys(surface).sort()).toStrictEqual([
      "MillraceError",
      "atLeast",
      "atMost",
      "auto",
      "beatsChampion",
      "between",
      "boolean",
      "boosting",
      "category",
      "connect",
      "csv",
      "cyclic",
      "impute",
      "imputeMode",
      "isMillraceError",
      "jsonl",
      "kmeans",
      "linear",
      "number",
      "oneHot",
      "parquet",
      "pipeline",
      "sql",
      "standardize",
      "targetEncode",
      "text",
      "tfidf",
      "timestamp",
      "track",
      "tsv",
      "tune",
      "when",
    ]);
  });
});
