import type { HyperparameterDeclaration } from "../../model/estimator.ts";

/** What estimators that may learn in the space of principal components declare. */
export const componentsDeclaration: HyperparameterDeclaration = {
  type: "integer",
  min: 0,
  max: 1000,
  scale: "log",
  default: 0,
  doc: "Learns from so many principal components of the prepared columns, those of most variance, instead of from the columns; 0 = from the columns. As PCA of scikit-learn before the estimator; `pca()` sets it.",
};
