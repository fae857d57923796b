"""Trains LightGBM on a table of fit_data.py and explains the first test rows by the shap package, which hands LightGBM's models
to LightGBM's own code (`lightgbm`), and by shap's own extension (`shap`). Writes the model and the values, prints seconds as JSON.

Usage: shap_trees.py FOLDER TREES LEAVES THREADS ROWS
"""

import json
import os
import sys
import time

folder, trees, leaves, threads, rows = sys.argv[1], *map(int, sys.argv[2:])
os.environ["OMP_NUM_THREADS"] = str(threads)

import lightgbm as lgb  # noqa: E402
import numpy as np  # noqa: E402
import shap  # noqa: E402

with open(f"{folder}/shape.json") as file:
    columns = json.load(file)["columns"]


def table(name):
    x = np.fromfile(f"{folder}/{name}.f32", np.float32).reshape(columns, -1).T
    return np.ascontiguousarray(x, np.float64), np.fromfile(f"{folder}/{name}.u8", np.uint8)


def timed(explain):
    times = []
    for _ in range(3):
        start = time.perf_counter()
        values = explain()
        times.append(time.perf_counter() - start)
    return sorted(times)[1], values


settings = {"objective": "binary", "num_leaves": leaves, "num_threads": threads, "verbosity": -1}
x, y = table("train")
model = lgb.train(settings, lgb.Dataset(x, y, params=settings), trees)
model.save_model(f"{folder}/model.txt")
x = table("test")[0][:rows]
explainer = shap.TreeExplainer(model)
seconds = {}
seconds["lightgbm"], values = timed(lambda: explainer.shap_values(x))
explainer.model.model_type = "internal"
seconds["shap"], own = timed(lambda: explainer.shap_values(x))
np.ascontiguousarray(values, np.float64).tofile(f"{folder}/values.f64")
print(json.dumps({"seconds": seconds, "between": float(np.abs(values - own).max())}))
