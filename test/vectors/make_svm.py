"""Coefficients of scikit-learn's LinearSVC and LinearSVR with squared losses for src/train/svm; run: python make_svm.py > svm.json

They penalise the intercept as a coefficient of a column of `intercept_scaling`, and stop some 1e-8 from the minimum; Newton steps
for the same losses with a free intercept take their answers the rest of the way, by less than 1e-6.
"""

import json

import numpy as np
import sklearn
from sklearn.svm import LinearSVC, LinearSVR


def polished(x, y, weights, l2, epsilon, is_binary, start):
    columns = np.c_[x, np.ones(len(y))]
    penalty = np.diag([l2] * x.shape[1] + [0.0])
    at = start
    for _ in range(20):
        score = columns @ at
        if is_binary:
            side = 2 * y - 1
            residual = -side * np.maximum(0, 1 - side * score)
        else:
            residual = np.sign(score - y) * np.maximum(0, np.abs(score - y) - epsilon)
        gradient = 2 * columns.T @ (weights * residual) + penalty @ at
        curvature = 2 * (columns.T * (weights * (residual != 0))) @ columns + penalty
        at = at - np.linalg.solve(curvature, gradient)
    assert np.abs(gradient).max() < 1e-12 and np.abs(at - start).max() < 1e-6
    return at


def make_case(name, task, weighted, l2, seed):
    rng = np.random.default_rng(seed)
    n_rows = 60
    x = np.round(rng.normal(size=(n_rows, 4)) * [0.5, 1, 2, 1] + [0, 0.3, -0.2, 0.1], 3)
    score = x @ rng.normal(size=4) + 0.4 + rng.normal(size=n_rows)
    weights = rng.integers(1, 4, n_rows) if weighted else np.ones(n_rows, dtype=int)
    options = {"C": 1 / l2, "dual": False, "tol": 1e-14, "max_iter": 100_000, "intercept_scaling": 1e4}
    epsilon = 0.0
    if task == "binary":
        y = (score > 0).astype(int)
        model = LinearSVC(loss="squared_hinge", **options).fit(x, y, sample_weight=weights)
    else:
        y = np.round(score, 3)
        epsilon = 0.5
        model = LinearSVR(loss="squared_epsilon_insensitive", epsilon=epsilon, **options)
        model.fit(x, y, sample_weight=weights)
    start = np.r_[model.coef_.ravel(), np.ravel(model.intercept_)]
    plane = polished(x, y, weights, l2, epsilon, task == "binary", start)
    return {
        "name": name,
        "task": task,
        "l2": l2,
        "epsilon": epsilon,
        "rows": x.tolist(),
        "target": y.tolist(),
        "weights": weights.tolist() if weighted else None,
        "coefficients": plane[:-1].tolist(),
        "intercept": float(plane[-1]),
    }


cases = [
    make_case("two labels", "binary", False, 1.0, 1),
    make_case("two labels, weighted, much penalised", "binary", True, 20.0, 2),
    make_case("numbers", "regression", False, 1.0, 3),
    make_case("weighted numbers, little penalised", "regression", True, 0.1, 4),
]
print(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}))
