"""Fits one rival on a table of fit_data.py and prints as JSON: seconds of the fit, test AUC, peak memory of the fit, and
the median of five predictions of the test rows, in seconds. Of several fits, one after the other, the seconds are the median of those after the
first.

Usage: fit_boosting.py FOLDER lightgbm|xgboost|sklearn TREES LEAVES THREADS [FITS]
"""

import json
import os
import resource
import sys
import time

folder, rival, trees, leaves, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
os.environ["OMP_NUM_THREADS"] = str(threads)

import numpy as np  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402

with open(f"{folder}/shape.json") as file:
    shape = json.load(file)
columns, categories = shape["columns"], list(range(len(shape.get("levels", []))))


def table(name):
    """Read column by column, so that no copy stands beside it."""
    y = np.fromfile(f"{folder}/{name}.u8", np.uint8)
    x = np.empty((len(y), columns), np.float32)
    with open(f"{folder}/{name}.f32", "rb") as file:
        for column in range(columns):
            x[:, column] = np.fromfile(file, np.float32, len(y))
    return x, y


# Each lets its table go once the library has one of its own, as ours does.


def fit_lightgbm():
    import lightgbm as lgb

    x, y = table("train")
    settings = {"objective": "binary", "num_leaves": leaves, "learning_rate": 0.1, "max_bin": 255, "lambda_l2": 1}
    settings |= {"min_data_in_leaf": 20, "num_threads": threads, "verbosity": -1}
    start = time.perf_counter()
    data = lgb.Dataset(x, y, params=settings, categorical_feature=categories).construct()
    del x
    model = lgb.train(settings, data, trees)
    return time.perf_counter() - start, lambda rows: model.predict(rows, num_threads=threads)


def fit_xgboost():
    import xgboost as xgb

    x, y = table("train")
    settings = {"objective": "binary:logistic", "tree_method": "hist", "grow_policy": "lossguide", "max_leaves": leaves}
    settings |= {"max_depth": 0, "max_bin": 255, "eta": 0.1, "reg_lambda": 1, "nthread": threads, "verbosity": 0}
    start = time.perf_counter()
    data = xgb.DMatrix(x, label=y, nthread=threads)
    del x
    model = xgb.train(settings, data, trees)
    return time.perf_counter() - start, model.inplace_predict


def fit_sklearn():
    from sklearn.ensemble import HistGradientBoostingClassifier

    x, y = table("train")
    model = HistGradientBoostingClassifier(
        max_iter=trees, max_leaf_nodes=leaves, learning_rate=0.1, max_bins=255, early_stopping=False, l2_regularization=1
    )
    start = time.perf_counter()
    model.fit(x, y)
    return time.perf_counter() - start, lambda rows: model.predict_proba(rows)[:, 1]


fits = {"lightgbm": fit_lightgbm, "xgboost": fit_xgboost, "sklearn": fit_sklearn}
runs = [fits[rival]() for _ in range(int(sys.argv[6]) if len(sys.argv) > 6 else 1)]
predict = runs[-1][1]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
x, y = table("test")
times = []
for _ in range(5):
    start = time.perf_counter()
    scores = predict(x)
    times.append(time.perf_counter() - start)
auc = roc_auc_score(y, scores)


def middle(values):
    return sorted(values)[len(values) // 2]


seconds = middle([run[0] for run in runs[1:] or runs])
print(json.dumps({"seconds": seconds, "auc": auc, "peakMb": peak, "predictSeconds": middle(times)}))
