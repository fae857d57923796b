import { describe, expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import type { HyperparameterDeclaration } from "../model/estimator.ts";
import { autoCandidates } from "./auto.ts";
import { boosting, isolationForest, kmeans, linear, mlp, naiveBayes, neighbors, svm } from "./choice.ts";
import { auto, tune } from "./tuning-choice.ts";
import {
  checkEstimatorChoice,
  estimatorNames,
  findEstimator,
  hyperparametersOf,
  resolveHyperparameters,
} from "./implementations.ts";

/** Values that break a declaration: of another type, and just beyond each bound. */
function invalidValues(declaration: HyperparameterDeclaration): unknown[] {
  if (declaration.type === "boolean") return ["true", 1];
  if (declaration.type === "names") return ["area", [1], ["a", "a"], [["a"]], { 0: "a" }];
  if (declaration.type === "groups") return ["area", ["area"], [["a", "a"]], [[1]]];
  if (declaration.type === "sizes")
    return ["8", 8, [declaration.min - 1], [declaration.max + 1], [8.5], ["8"], Array(declaration.most + 1).fill(8)];
  if (declaration.type === "choice") return ["", `${declaration.choices[0]!} `, 0, true];
  const outside = [declaration.openMin ? declaration.min : declaration.min - 1, declaration.max + 1];
  return [
    "1",
    true,
    Number.NaN,
    Infinity,
    -Infinity,
    ...outside,
    ...(declaration.type === "integer" ? [declaration.min + 0.5] : []),
  ];
}

describe("resolveHyperparameters", () => {
  for (const estimator of estimatorNames) {
    const hyperparameters = hyperparametersOf(estimator);
    const implementation = { name: estimator, hyperparameters };
    for (const [name, declaration] of Object.entries(hyperparameters)) {
      it(`refuses every value of ${estimator}.${name} outside its declaration`, () => {
        for (const value of invalidValues(declaration)) {
          expect(() => resolveHyperparameters(implementation, { [name]: value as number })).toThrow(
            `${estimator}.${name} must be `,
          );
        }
      });

      it(`has a default, a search range and a text for ${estimator}.${name} that hold`, () => {
        const searched = "search" in declaration ? (declaration.search ?? []) : [];
        for (const value of [declaration.default, ...searched]) {
          expect(resolveHyperparameters(implementation, { [name]: value })[name]).toBe(value);
        }
        expect(declaration.doc).toMatch(/\.$/);
      });
    }
  }

  it("fills defaults and keeps what is given", () => {
    const implementation = { name: "linear", hyperparameters: hyperparametersOf("linear") };
    expect(resolveHyperparameters(implementation, { l2: 5 })).toEqual({
      l2: 5,
      l1: 0,
      loss: "auto",
      huberDelta: 1,
      maxIterations: 500,
      tolerance: 1e-5,
      components: 0,
      classWeights: "none",
    });
  });

  it("names the nearest hyperparameter for an unknown one, and never looks at the prototype", () => {
    const implementation = { name: "boosting", hyperparameters: hyperparametersOf("boosting") };
    expect(() => resolveHyperparameters(implementation, { learningrate: 0.1 })).toThrow(
      'boosting.learningrate must be left out (there is no such hyperparameter; did you mean "learningRate"?), got 0.1',
    );
    expect(() => resolveHyperparameters(implementation, { toString: 1 })).toThrow("boosting.toString must be left out");
    expect(() => resolveHyperparameters(implementation, { learningRate: -0.3 })).toThrow(
      /^boosting\.learningRate must be a number in \(0, 1\], got -0\.3$/,
    );
  });
});

describe("findEstimator", () => {
  for (const name of estimatorNames) {
    it(`loads ${name} with the table that stands without it`, async () => {
      const estimator = await findEstimator(name);
      expect(estimator.name).toBe(name);
      expect(estimator.hyperparameters).toBe(hyperparametersOf(name));
    });
  }

  it("knows the tasks that the builders promise", async () => {
    for (const choice of [boosting(), linear(), naiveBayes(), mlp(), svm(), neighbors(), kmeans(), isolationForest()]) {
      const { tasks } = await findEstimator(choice.estimator);
      const ranked = choice.estimator === "boosting" ? Object.keys(boosting({ loss: "lambdarank" }).tasks) : [];
      expect(tasks.toSorted()).toEqual([...Object.keys(choice.tasks), ...ranked].sort());
    }
  });

  it("says which estimators there are", async () => {
    await expect(findEstimator("bosting")).rejects.toMatchObject({
      code: "DEFINITION_INVALID",
      message:
        'model must be one of boosting(), forest(), extraTrees(), tree(), linear(), naiveBayes(), mlp(), svm(), neighbors(), kmeans(), isolationForest(), auto(), got "bosting"',
      remedy: "Did you mean boosting()?",
    });
  });
});

describe("checkEstimatorChoice", () => {
  it("accepts every builder's defaults and refuses bad values and spaces", () => {
    for (const choice of [boosting(), linear(), kmeans(), auto(), tune(boosting()), tune(linear()), tune(kmeans())]) {
      expect(() => checkEstimatorChoice(choice)).not.toThrow();
    }
    expect(() => checkEstimatorChoice(linear({ l2: -1 }))).toThrow("linear.l2");
    expect(() => checkEstimatorChoice(tune(linear(), { space: { l2: [-1] } }))).toThrow("linear.l2");
  });
});

describe("autoCandidates", () => {
  it("begins with linear and boosting as they are and goes on with settings that are allowed", () => {
    const candidates = autoCandidates("binary", 24, createRng(1));
    expect(candidates.length).toBe(24);
    expect(candidates.slice(0, 2)).toEqual([
      { estimator: "linear", hyperparameters: {}, tuning: null },
      { estimator: "boosting", hyperparameters: {}, tuning: null },
    ]);
    for (const candidate of candidates) expect(() => checkEstimatorChoice(candidate)).not.toThrow();
    expect(candidates.filter((candidate) => candidate.estimator === "linear").length).toBe(5);
    expect(autoCandidates("binary", 24, createRng(1))).toEqual(candidates);
  });

  it("varies the number of clusters without a target", () => {
    const clusters = autoCandidates("clustering", 24, createRng(1)).map(
      (candidate) => candidate.hyperparameters["clusters"],
    );
    expect(clusters).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});
