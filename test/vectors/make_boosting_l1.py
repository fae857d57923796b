"""What XGBoost predicts after a few trees with an l1 penalty, for src/train/boosting/l1.test.ts; run: python make_boosting_l1.py > boosting-l1.json

The columns have few values, so that both sides try the same cuts. (LightGBM no longer looks at a column in a leaf that could not
be split by it a level higher, which an l1 penalty makes matter.) The data is not stored: the generator below is written
again in the test, number for number.
"""

import json

import numpy as np
import xgboost as xgb

ROWS = 400


def generate(seed):
    state = seed

    def draw(count):
        nonlocal state
        state = (state * 1664525 + 1013904223) % 4294967296
        return state * count // 4294967296

    rows, target = [], []
    for _ in range(ROWS):
        a, b, c = draw(9), draw(7), draw(5)
        rows.append([a, b, c])
        target.append(a * b / 4 - 2 * c + (draw(1000) - 500) / 100)
    return np.array(rows, dtype=float), np.array(target)


def fit(x, y, objective, l1):
    settings = {"objective": objective, "alpha": l1, "lambda": 2, "eta": 0.5, "max_leaves": 6, "max_depth": 0}
    settings |= {"tree_method": "hist", "grow_policy": "lossguide", "min_child_weight": 3, "base_score": y.mean()}
    data = xgb.DMatrix(x, label=y)
    return xgb.train(settings | {"nthread": 1, "verbosity": 0}, data, 4).predict(data, output_margin=True)


x, y = generate(4711)
cases = [
    {"task": task, "l1": l1, "scores": [round(float(score), 6) for score in fit(x, target, objective, l1)[:60]]}
    for task, objective, target in (
        ("regression", "reg:squarederror", y),
        ("binary", "binary:logistic", (y > 0).astype(float)),
    )
    for l1 in (0, 6, 40)
]
print(json.dumps({"madeBy": f"XGBoost {xgb.__version__}", "checksum": y.sum(), "cases": cases}))
