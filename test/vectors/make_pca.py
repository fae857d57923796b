"""scikit-learn's PCA, alone and before a ridge regression, for src/train/components; run: python make_pca.py > pca.json"""

import json

import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline


def main():
    rng = np.random.default_rng(40)
    cases = []
    for n_rows, n_columns, components, alpha in [(60, 4, 2, 1.0), (200, 9, 3, 0.1), (50, 6, 6, 10.0), (30, 40, 5, 1.0)]:
        mixing = rng.normal(size=(n_columns, n_columns))
        rows = (rng.normal(size=(n_rows, n_columns)) * np.linspace(3, 0.2, n_columns)) @ mixing + rng.normal(size=n_columns)
        target = rows @ rng.normal(size=n_columns) + rng.normal(size=n_rows)
        asked = rng.normal(size=(10, n_columns)) @ mixing
        pca = PCA(components, svd_solver="full").fit(rows)
        regression = make_pipeline(PCA(components, svd_solver="full"), Ridge(alpha)).fit(rows, target)
        cases.append(
            {
                "name": f"{components} of {n_columns} columns, {n_rows} rows",
                "components": components,
                "l2": alpha,
                "rows": rows.tolist(),
                "target": target.tolist(),
                "means": pca.mean_.tolist(),
                "directions": pca.components_.tolist(),
                # Divided by the rows, not by one less.
                "variances": (pca.explained_variance_ * (n_rows - 1) / n_rows).tolist(),
                "share": float(pca.explained_variance_ratio_.sum()),
                "asked": asked.tolist(),
                "predicted": regression.predict(asked).tolist(),
            }
        )
    print(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}))


main()
