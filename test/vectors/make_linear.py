"""Coefficients of scikit-learn's Ridge and LogisticRegression for src/train/linear; run: python make_linear.py > linear.json"""

import json

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression, Ridge


def make_case(name, task, l2, weighted, n_rows, n_columns, n_labels, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, n_columns)) * rng.uniform(0.2, 3, n_columns) + rng.normal(size=n_columns) * 2
    x[:, n_columns // 2 :] *= rng.random((n_rows, n_columns - n_columns // 2)) < 0.4  # the second half is sparse
    x = np.round(x, 3)
    weights = np.round(rng.uniform(0.2, 3, n_rows), 3) if weighted else None
    scores = x @ rng.normal(size=(n_columns, max(n_labels, 1))) + rng.normal(size=(n_rows, max(n_labels, 1))) * 2
    if task == "regression":
        y = np.round(scores[:, 0] + 5, 3)
        model = Ridge(alpha=l2, solver="cholesky").fit(x, y, sample_weight=weights)
    else:
        y = (scores[:, 0] > scores[:, 0].mean()).astype(int) if task == "binary" else scores.argmax(1)
        model = LogisticRegression(C=1 / l2, solver="lbfgs", tol=1e-12, max_iter=100000)
        model.fit(x, y, sample_weight=weights)
    return {
        "name": name,
        "task": task,
        "l2": l2,
        "nLabels": n_labels,
        "rows": x.tolist(),
        "target": y.tolist(),
        "weights": None if weights is None else weights.tolist(),
        "coefficients": np.atleast_2d(model.coef_).tolist(),
        "intercept": np.atleast_1d(model.intercept_).tolist(),
    }


cases = [
    make_case("ridge", "regression", 1.0, False, 50, 6, 0, 1),
    make_case("ridge with row weights and a strong penalty", "regression", 30.0, True, 50, 7, 0, 2),
    make_case("logistic", "binary", 1.0, False, 80, 6, 2, 3),
    make_case("logistic with row weights and a weak penalty", "binary", 0.05, True, 80, 5, 2, 4),
    make_case("multinomial", "multiclass", 1.0, False, 90, 5, 3, 5),
    make_case("multinomial with row weights", "multiclass", 10.0, True, 90, 5, 4, 6),
]
print(json.dumps({"madeBy": f"scikit-learn {sklearn.__version__}, test/vectors/make_linear.py", "cases": cases}))
