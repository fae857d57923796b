"""Writes metrics.json: what scikit-learn (and NumPy, where scikit-learn has no such metric) reports on small inputs.

Run: python test/vectors/make_metrics.py      (needs numpy and scikit-learn; the versions used are written down)
"""

import json
import math
import platform
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics as m

warnings.simplefilter("ignore")


def plain(x):
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, np.ndarray):
        return plain(x.tolist())
    if isinstance(x, (float, np.floating)):
        x = float(x)
        return x if math.isfinite(x) else str(x).replace("nan", "NaN").replace("inf", "Infinity")
    if isinstance(x, np.integer):
        return int(x)
    return x


def ece(y, p, w, bins=10):
    """The NumPy twin: scikit-learn has no expected calibration error."""
    w = np.ones(len(y)) if w is None else w
    at = np.clip(np.floor(p * bins).astype(int), 0, bins - 1)
    total = 0.0
    for b in range(bins):
        inside = (at == b) & (w > 0)
        if inside.any():
            total += w[inside].sum() * abs(np.average(p[inside], weights=w[inside]) - np.average(y[inside], weights=w[inside]))
    return total / w.sum()


def best_f1(y, p, w):
    candidates = np.unique(p)
    if not (y == 1).any():
        return 0.0
    return max(m.f1_score(y, (p >= t).astype(int), sample_weight=w, zero_division=0) for t in candidates)


def binary(title, y, p, w=None, threshold=0.5):
    y, p = np.asarray(y, float), np.asarray(p, float)
    w = None if w is None else np.asarray(w, float)
    answered = (p >= threshold).astype(float)
    k = dict(sample_weight=w)
    expected = {
        "auc": m.roc_auc_score(y, p, **k),
        "averagePrecision": m.average_precision_score(y, p, **k),
        "logLoss": m.log_loss(y, p, labels=[0, 1], **k),
        "brier": m.brier_score_loss(y, p, labels=[0, 1], pos_label=1, **k),
        "ece": ece(y, p, w),
        "accuracy": m.accuracy_score(y, answered, **k),
        "precision": m.precision_score(y, answered, **k),
        "recall": m.recall_score(y, answered, **k),
        "f1": m.f1_score(y, answered, **k),
    }
    return dict(
        title=title, labels=y, probabilities=p, weights=w, threshold=threshold, expected=expected,
        bestF1=best_f1(y, p, w), confusion=m.confusion_matrix(y, answered, labels=[0, 1], **k).ravel().astype(float),
    )


def multiclass(title, y, probs, w=None):
    y, probs = np.asarray(y), np.asarray(probs, float)
    w = None if w is None else np.asarray(w, float)
    k = probs.shape[1]
    answered = probs.argmax(axis=1)
    s = dict(sample_weight=w)
    expected = {
        "accuracy": m.accuracy_score(y, answered, **s),
        "macroF1": m.f1_score(y, answered, average="macro", **s),
        "topK": m.top_k_accuracy_score(y, probs, k=3, labels=np.arange(k), **s),
        "logLoss": m.log_loss(y, probs, labels=np.arange(k), **s),
        "ece": ece((answered == y).astype(float), probs.max(axis=1), w),
    }
    return dict(title=title, labels=y, probabilities=probs.ravel(), nLabels=k, weights=w, expected=expected)


def regression(title, y, p, w=None):
    y, p = np.asarray(y, float), np.asarray(p, float)
    w = None if w is None else np.asarray(w, float)
    k = dict(sample_weight=w)
    near = np.abs(y - p) <= 0.1 * np.abs(y)
    expected = {
        "r2": m.r2_score(y, p, **k),
        "rmse": m.root_mean_squared_error(y, p, **k),
        "mae": m.mean_absolute_error(y, p, **k),
        "mape": m.mean_absolute_percentage_error(y, p, **k),
        "within10": float(np.average(near, weights=w)),
    }
    return dict(title=title, truth=y, predicted=p, weights=w, expected=expected)


def clustering(title, points, one, other):
    points = np.asarray(points, float)
    expected = {
        "silhouette": m.silhouette_score(points, one),
        "daviesBouldin": m.davies_bouldin_score(points, one),
        "adjustedRand": m.adjusted_rand_score(one, other),
    }
    return dict(title=title, points=points.ravel(), nColumns=points.shape[1], one=one, other=other, expected=expected)


def large_binary():
    """From formulas of whole numbers, so that the test can make the same 60,000 rows: heavy ties and weights."""
    i = np.arange(60_000, dtype=np.int64)
    p = (i * 7919 % 10007) / 10007
    y = ((i * 31 + i // 7) % 10007 < (i * 7919 % 10007) // 2).astype(float)
    w = 1 + (i % 4).astype(float)
    case = binary("60,000 rows from formulas", y, p, w)
    for name in ("labels", "probabilities", "weights"):
        del case[name]
    del case["bestF1"]
    return case


rng = np.random.default_rng(20261120)
n = 60
y = rng.integers(0, 2, n)
p = np.clip(0.35 * y + rng.normal(0.3, 0.2, n), 0.001, 0.999)
w = rng.uniform(0.1, 3, n)
w_zeros = np.where(rng.random(n) < 0.3, 0, w)
y3 = rng.integers(0, 5, n)
raw = rng.gamma(1, 1, (n, 5)) + 2 * np.eye(5)[y3] * rng.random((n, 1))
probs = raw / raw.sum(axis=1, keepdims=True)
ties = np.array([[0.25, 0.25, 0.25, 0.25], [0.1, 0.1, 0.4, 0.4], [0.4, 0.4, 0.1, 0.1], [0.5, 0.5, 0, 0], [0, 0, 0, 1], [0.3, 0.2, 0.3, 0.2]])
t = rng.normal(50, 20, n)
points = np.concatenate([rng.normal(c, 0.8, (20, 3)) for c in (0, 3, 7)])
truth = np.repeat([0, 1, 2], 20)
noisy = np.where(rng.random(n) < 0.2, rng.integers(0, 3, n), truth)

vectors = {
    "madeBy": {"script": "test/vectors/make_metrics.py", "python": platform.python_version(), "numpy": np.__version__, "scikit-learn": sklearn.__version__},
    "binary": [
        binary("plain rows", y, p),
        binary("weights", y, p, w),
        binary("weights of which some are zero", y, p, w_zeros),
        binary("tied probabilities", y, np.round(p, 1), threshold=0.3),
        binary("tied probabilities with weights", y, np.round(p, 1), w, threshold=0.7),
        binary("one probability for all", y, np.full(n, 0.4)),
        binary("probabilities of exactly 0 and 1, some wrong", y, (p > 0.6).astype(float)),
        binary("a perfect ranking", [0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.9]),
        binary("a ranking upside down", [1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9]),
        binary("no positive row", [0, 0, 0], [0.1, 0.6, 0.9]),
        binary("no negative row", [1, 1, 1], [0.1, 0.6, 0.9]),
        binary("nothing answered positive", [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], threshold=0.9),
        binary("two rows", [0, 1], [0.5, 0.5]),
    ],
    "largeBinary": large_binary(),
    "multiclass": [
        multiclass("plain rows", y3, probs),
        multiclass("weights", y3, probs, w),
        multiclass("weights of which some are zero", y3, probs, w_zeros),
        multiclass("tied probabilities", [0, 1, 2, 3, 3, 0], ties),
        multiclass("labels that never occur", [0, 0, 1, 1, 0, 1], ties),
        multiclass("a sure and wrong answer", [0, 1], [[0, 0, 0, 1.0], [0, 1.0, 0, 0]]),
    ],
    "regression": [
        regression("plain rows", t, t + rng.normal(0, 5, n)),
        regression("weights", t, t + rng.normal(0, 5, n), w),
        regression("weights of which some are zero", t, t + rng.normal(0, 5, n), w_zeros),
        regression("a target far from zero", t + 1e6, t + 1e6 + rng.normal(0, 5, n)),
        regression("truths of zero", [0, 0, 1, -1], [0.1, 0, 1.05, -1.2]),
        regression("a constant target, predicted exactly", [2, 2, 2], [2, 2, 2]),
        regression("a constant target, predicted badly", [2, 2, 2], [2, 2, 3]),
        regression("one row", [2], [3]),
        regression("residuals of exactly a tenth", [10, -10, 20, 5], [11, -9, 18, 5.5]),
    ],
    "clustering": [
        clustering("three clouds", points, truth, noisy),
        clustering("noisy clusters", points, noisy, truth),
        clustering("the same clusters under other numbers", points, truth, (truth + 1) % 3),
        clustering("a cluster of one row", points, np.where(np.arange(n) == 7, 9, truth), truth),
        clustering("clusters that share their points", [[0.0, 0], [0, 0], [0, 0], [0, 0]], [0, 0, 1, 1], [0, 1, 0, 1]),
    ],
}
Path(__file__).with_name("metrics.json").write_text(json.dumps(plain(vectors), separators=(",", ":")) + "\n")
