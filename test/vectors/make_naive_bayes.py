"""Log joint probabilities of scikit-learn's naive Bayes for src/train/naive-bayes; run: python make_naive_bayes.py > naive-bayes.json"""

import json

import numpy as np
import sklearn
from sklearn.naive_bayes import CategoricalNB, GaussianNB, MultinomialNB


def one_hot(codes, levels):
    return np.concatenate([np.eye(n)[codes[:, j]] for j, n in enumerate(levels)], axis=1)


def make_case(name, kind, n_labels, weighted, smoothing, seed):
    rng = np.random.default_rng(seed)
    n_rows = 60
    y = np.concatenate([np.arange(n_labels), rng.integers(0, n_labels, n_rows - n_labels)])
    weights = rng.integers(1, 4, n_rows) if weighted else np.ones(n_rows, dtype=int)
    repeated = np.repeat(np.arange(n_rows), weights)
    if kind == "gaussian":
        x = np.round(rng.normal(size=(n_rows, 5)) * [0.1, 1, 2, 3, 10] + y[:, None] * rng.normal(size=5) + 3, 3)
        sources = []
        model = GaussianNB(var_smoothing=smoothing).fit(x[repeated], y[repeated])
        scores = model.predict_joint_log_proba(x)
    elif kind == "multinomial":
        x = np.round(rng.poisson(1 + (y[:, None] + np.arange(8)) % 3, size=(n_rows, 8)) * 0.75, 3)
        sources = ["text"] * 8
        model = MultinomialNB(alpha=smoothing).fit(x[repeated], y[repeated])
        scores = model.predict_joint_log_proba(x)
    else:
        levels = [2, 3, 5]
        codes = np.stack([(rng.integers(0, n, n_rows) + y * (rng.random(n_rows) < 0.5)) % n for n in levels], axis=1)
        x = one_hot(codes, levels)
        sources = [f"c{j}" for j, n in enumerate(levels) for _ in range(n)]
        model = CategoricalNB(alpha=smoothing, min_categories=levels).fit(codes[repeated], y[repeated])
        scores = model.predict_joint_log_proba(codes)
    return {
        "name": name,
        "sources": sources,
        "smoothing": smoothing,
        "nLabels": n_labels,
        "rows": x.tolist(),
        "target": y.tolist(),
        "weights": weights.tolist() if weighted else None,
        "scores": scores.tolist(),
    }


cases = [
    make_case("two labels of normal numbers", "gaussian", 2, False, 1e-9, 1),
    make_case("three labels of normal numbers, weighted, much smoothed", "gaussian", 3, True, 1e-2, 2),
    make_case("counts of terms", "multinomial", 2, False, 1.0, 3),
    make_case("weighted counts of terms, little smoothed", "multinomial", 4, True, 0.1, 4),
    make_case("levels", "categorical", 2, False, 1.0, 5),
    make_case("weighted levels of three labels", "categorical", 3, True, 0.5, 6),
]
print(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}))
