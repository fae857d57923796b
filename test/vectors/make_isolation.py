"""scikit-learn's isolation forests, node by node, with the scores they give, for src/train/isolation; run: python make_isolation.py > isolation.json"""

import json

import numpy as np
import sklearn
from scipy.stats import spearmanr
from sklearn.ensemble import IsolationForest
from sklearn.ensemble._iforest import _average_path_length
from sklearn.metrics import roc_auc_score


def forest_of(model, asked):
    trees = [
        {
            "feature": np.where(tree.feature < 0, -1, tree.feature).tolist(),
            "threshold": tree.threshold.tolist(),
            "left": tree.children_left.tolist(),
            "right": tree.children_right.tolist(),
            "rows": tree.n_node_samples.tolist(),
        }
        for tree in (estimator.tree_ for estimator in model.estimators_)
    ]
    return {
        "sampleRows": int(model.max_samples_),
        "trees": trees,
        "asked": asked.tolist(),
        "scores": (-model.score_samples(asked)).tolist(),
    }


def planted(n_rows=1000, n_outliers=50):
    """Rows of a generator the test repeats: two crowds, and outliers spread evenly over a wide box."""
    state = 77

    def draw():
        nonlocal state
        state = (state * 1664525 + 1013904223) % 4294967296
        return state / 4294967296

    rows = []
    for row in range(n_rows):
        if row < n_outliers:
            rows.append([12 * draw() - 6 for _ in range(4)])
        else:
            centre = 2 if draw() < 0.5 else -2
            rows.append([centre + draw() + draw() + draw() - 1.5 for _ in range(4)])
    return np.array(rows), np.arange(n_rows) < n_outliers


def main():
    rng = np.random.default_rng(8)
    forests = []
    for n_rows, n_columns, sample_rows, trees in [(300, 3, 64, 8), (40, 2, 256, 5), (1, 2, 256, 2)]:
        # Single precision, for scikit-learn compares inputs in it.
        rows = rng.normal(size=(n_rows, n_columns)).astype(np.float32).astype(float)
        asked = (2 * rng.normal(size=(40, n_columns))).astype(np.float32).astype(float)
        model = IsolationForest(n_estimators=trees, max_samples=min(sample_rows, n_rows), random_state=1).fit(rows)
        forests.append(forest_of(model, asked))
    rows, is_outlier = planted()
    fits = [IsolationForest(n_estimators=100, random_state=seed).fit(rows) for seed in range(5)]
    aucs = [roc_auc_score(is_outlier, -fit.score_samples(rows)) for fit in fits]
    sizes = np.array([1, 2, 3, 4, 10, 64, 256, 1000, 65536])
    one, other = rng.normal(size=30).round(1), rng.normal(size=30).round(1)
    print(
        json.dumps(
            {
                "scikit-learn": sklearn.__version__,
                "pathLengths": {"sizes": sizes.tolist(), "expected": _average_path_length(sizes).tolist()},
                "forests": forests,
                "plantedAuc": float(np.mean(aucs)),
                "ranks": {"one": one.tolist(), "other": other.tolist(), "expected": float(spearmanr(one, other).statistic)},
            }
        )
    )


main()
