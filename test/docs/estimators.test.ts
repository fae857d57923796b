import fs from "node:fs";
import { describe, expect, it } from "vitest";
import { ensembles, estimatorNames, findEstimator, hyperparametersOf } from "../../src/train/implementations.ts";
import { estimatorsPage } from "../../tools/estimators-doc.mjs";

describe("the page of estimators", () => {
  it("is what the declared tables say, as `npm run docs` writes it", async () => {
    const implementations = await Promise.all(estimatorNames.map(findEstimator));
    const page = estimatorsPage([...implementations, ...ensembles]);
    expect(fs.readFileSync(new URL("../../docs/estimators.md", import.meta.url), "utf8")).toBe(page);
    expect(page).not.toContain("undefined");
  });

  it("has one table an estimator, the one its values are checked against", async () => {
    for (const name of estimatorNames) {
      const implementation = await findEstimator(name);
      expect(implementation.name).toBe(name);
      expect(implementation.hyperparameters).toBe(hyperparametersOf(name));
    }
  });
});
