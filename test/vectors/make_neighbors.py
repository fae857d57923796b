"""scikit-learn's nearest neighbours on random rows, for src/train/neighbors; run: python make_neighbors.py > neighbors.json"""

import json

import numpy as np
import sklearn
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor


def main():
    rng = np.random.default_rng(14)
    cases = []
    for weighting in ["uniform", "distance"]:
        for n_labels in [0, 2, 3]:
            for k, n_columns in [(1, 2), (5, 3), (30, 12)]:
                rows = rng.normal(size=(150, n_columns))
                asked = np.concatenate([rng.normal(scale=1.5, size=(30, n_columns)), rows[:5]])
                signal = rows[:, 0] + rows[:, 1] ** 2
                target = signal if n_labels == 0 else np.digitize(signal, [0.5, 1.5][: n_labels - 1])
                kind = KNeighborsRegressor if n_labels == 0 else KNeighborsClassifier
                model = kind(k, weights=weighting, algorithm="kd_tree").fit(rows, target)
                answers = model.predict(asked) if n_labels == 0 else model.predict_proba(asked)
                cases.append(
                    {
                        "name": f"{k} of {n_columns} columns, {weighting}, {n_labels} labels",
                        "neighbors": k,
                        "weighting": weighting,
                        "nLabels": n_labels,
                        "rows": rows.tolist(),
                        "target": target.tolist(),
                        "asked": asked.tolist(),
                        "answers": answers.tolist(),
                    }
                )
    print(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}))


main()
