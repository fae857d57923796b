"""Fits scikit-learn's learner on a table of fit_data.py or blobs_data.py and prints as JSON: seconds of the fit, what it
costs (penalised loss, inertia, or 1 - test AUC), iterations and peak memory.

Usage: fit_learner.py FOLDER logistic|kmeans|forest THREADS SEED
"""

import json
import os
import resource
import sys
import time

folder, kind, threads, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)

import numpy as np  # noqa: E402

with open(f"{folder}/shape.json") as file:
    columns = json.load(file)["columns"]


def table(name, dtype):
    x = np.fromfile(f"{folder}/{name}.f32", np.float32).reshape(columns, -1).T
    return np.ascontiguousarray(x, dtype), np.fromfile(f"{folder}/{name}.u8", np.uint8)


def logistic():
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    x, y = table("train", np.float64)
    model = LogisticRegression(C=1, tol=1e-4, max_iter=1000)
    seconds = timed(lambda: model.fit(x, y))
    cost = log_loss(y, model.predict_proba(x)[:, 1]) * len(y) + 0.5 * float((model.coef_**2).sum())
    return seconds, cost, int(model.n_iter_[0])


def kmeans():
    from sklearn.cluster import KMeans

    x, _ = table("train", np.float64)
    model = KMeans(10, n_init=1, algorithm="lloyd", random_state=seed)
    return timed(lambda: model.fit(x)), float(model.inertia_), int(model.n_iter_)


def forest():
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score

    x, y = table("train", np.float32)
    model = RandomForestClassifier(100, n_jobs=threads, random_state=seed)
    seconds = timed(lambda: model.fit(x, y))
    x, y = table("test", np.float32)
    return seconds, 1 - roc_auc_score(y, model.predict_proba(x)[:, 1]), 0


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


seconds, cost, iterations = {"logistic": logistic, "kmeans": kmeans, "forest": forest}[kind]()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "cost": cost, "iterations": iterations, "peakMb": peak}))
