"""XGBoost models as JSON and UBJ with their own raw scores and answers, for src/model/import; run: python make_xgboost.py > xgboost.json

Values that are missing are the text "NaN"; the category is a text or null. Among the probes are numbers at, and one double
beside, the places where doubles begin to round to another float32 than a threshold's neighbour.
"""

import base64
import json
import os
import tempfile

import numpy as np
import pandas as pd
import xgboost as xgb

levels = ["red", "green", "blue", "black", "white"]


def data(rng, n, spread):
    frame = pd.DataFrame(rng.normal(scale=spread, size=(n, 3)), columns=["a", "b", "c"])
    frame["b"] = np.where(rng.random(n) < 0.5, 0.0, frame["b"].round(1))
    frame.loc[rng.random(n) < 0.15, "a"] = np.nan
    frame["level"] = pd.Categorical.from_codes(rng.integers(-1, 5, n), levels)
    return frame


def edges(booster):
    """Doubles around the thresholds of the column c."""
    trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    trees = trees.get("gbtree", trees)["model"]["trees"]
    found = [
        np.float32(t)
        for tree in trees
        for t, f, left in zip(tree["split_conditions"], tree["split_indices"], tree["left_children"])
        if f == 2 and left >= 0
    ]
    for t in found[:6]:
        middle = (np.float64(np.nextafter(t, np.float32(-np.inf))) + np.float64(t)) / 2
        yield from (np.float64(t), middle, np.nextafter(middle, -np.inf), np.nextafter(middle, np.inf))


def saved(booster, ending):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model." + ending)
        booster.save_model(path)
        with open(path, "rb") as file:
            return file.read()


def cells(row):
    numbers = ["NaN" if np.isnan(row[c]) else float(row[c]) for c in "abc"]
    return [*numbers, row["level"] if isinstance(row["level"], str) else None]


def main():
    rng = np.random.default_rng(12)
    train = data(rng, 400, 1.0)
    signal = train["a"].fillna(1.5) + train["b"] * train["c"] + train["level"].isin(["green", "white"]) * 2
    counts = rng.poisson(np.exp(np.clip(signal, -2, 2))).astype(float)
    cases = []
    for name, target, options in [
        ("regression", signal, {"objective": "reg:squarederror"}),
        ("dart", signal, {"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.5}),
        ("forest", signal, {"num_parallel_tree": 4, "subsample": 0.7, "learning_rate": 1}),
        ("quantile", signal, {"objective": "reg:quantileerror", "quantile_alpha": 0.3}),
        ("one level a split", signal, {"max_cat_to_onehot": 10}),
        ("pruned", signal, {"gamma": 30, "tree_method": "exact"}),
        ("poisson", counts, {"objective": "count:poisson"}),
        ("tweedie", counts, {"objective": "reg:tweedie"}),
        ("gamma", np.exp(signal), {"objective": "reg:gamma"}),
        ("binary", (signal > 1).astype(int), {"objective": "binary:logistic"}),
        ("multiclass", np.digitize(signal, [0, 1.5]), {"objective": "multi:softprob", "num_class": 3}),
    ]:
        columns = ["a", "b", "c"] if name == "pruned" else ["a", "b", "c", "level"]
        dataset = xgb.DMatrix(train[columns], target, enable_categorical=True)
        booster = xgb.train({"max_depth": 4, "max_cat_to_onehot": 2, "seed": 3, "nthread": 1, **options}, dataset, 6)
        probes = data(rng, 24, 3.0)
        beside = pd.DataFrame({"a": 0.25, "b": 0.5, "c": list(edges(booster))})
        beside["level"] = pd.Categorical.from_codes(rng.integers(-1, 5, len(beside)), levels)
        probes = pd.concat([probes, beside], ignore_index=True)
        # A DMatrix of doubles rounds them to float32, as every way into XGBoost does.
        asked = xgb.DMatrix(probes[columns], enable_categorical=True)
        case = {
            "name": name,
            "json": saved(booster, "json").decode(),
            "ubj": base64.b64encode(saved(booster, "ubj")).decode(),
            "rows": [cells(row) for _, row in probes.iterrows()],
            "raw": booster.predict(asked, output_margin=True).astype(float).tolist(),
            "answers": booster.predict(asked).astype(float).tolist(),
        }
        if name in ("regression", "binary"):
            case["contributions"] = booster.predict(asked, pred_contribs=True).astype(float).tolist()
        cases.append(case)
    x, y = train[["a", "b", "c"]], (signal > 1).astype(int)
    stopped = xgb.XGBClassifier(n_estimators=60, early_stopping_rounds=2, learning_rate=1, n_jobs=1)
    stopped.fit(x, y, eval_set=[(x, rng.permutation(y))], verbose=False)
    probes = data(rng, 24, 3.0)
    cases.append(
        {
            "name": "stopped early",
            "json": saved(stopped, "json").decode(),
            "ubj": base64.b64encode(saved(stopped, "ubj")).decode(),
            "rows": [cells(row) for _, row in probes.iterrows()],
            "raw": stopped.predict(probes[["a", "b", "c"]], output_margin=True).astype(float).tolist(),
            "answers": stopped.predict_proba(probes[["a", "b", "c"]])[:, 1].astype(float).tolist(),
        }
    )
    print(json.dumps({"xgboost": xgb.__version__, "cases": cases}))


main()
