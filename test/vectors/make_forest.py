"""Test losses of scikit-learn's forests on generated data, for src/train/forest; run: python make_forest.py > forest.json

The data is that of make_boosting.py, without missing values and with the category as numbers; losses are means of 3 seeds.
"""

import json

import numpy as np
import sklearn
from make_boosting import ROWS, generate
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor


def main():
    x, signal = generate(2024)
    x = np.nan_to_num(x, nan=-1)
    labels = {"regression": signal, "binary": (signal > 2).astype(int), "multiclass": np.digitize(signal, [1.2, 2.4])}
    losses = {}
    for name, kinds, bootstrap in [
        ("forest", (RandomForestRegressor, RandomForestClassifier), True),
        ("extraTrees", (ExtraTreesRegressor, ExtraTreesClassifier), False),
    ]:
        losses[name] = {}
        for task, y in labels.items():
            found = []
            for seed in range(3):
                columns = 0.5 if task == "regression" else "sqrt"
                kind = kinds[0] if task == "regression" else kinds[1]
                model = kind(60, min_samples_leaf=3, max_features=columns, bootstrap=bootstrap, random_state=seed)
                model.fit(x[:ROWS], y[:ROWS])
                if task == "regression":
                    found.append(np.mean((model.predict(x[ROWS:]) - y[ROWS:]) ** 2))
                else:
                    p = model.predict_proba(x[ROWS:])
                    found.append(np.mean(np.sum((p - np.eye(p.shape[1])[y[ROWS:]]) ** 2, axis=1)))
            losses[name][task] = float(np.mean(found))
    print(json.dumps({"version": sklearn.__version__, "losses": losses}, indent=2))


main()
