"""Scikit-learn with its defaults on the very rows and columns of our runs, and both sides measured by scikit-learn.

Arguments: the JSON files that quality/ours.mjs left. Prints one JSON line a file.
"""

import json
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score, root_mean_squared_error

MOST_LEVELS = 255


def tabular(frame, features):
    """Numbers as they are, booleans as 0/1, categories as such where HistGradientBoosting takes that many."""
    columns = {}
    for name, kind in features:
        column = frame[name]
        if kind in ("number", "boolean"):
            columns[name] = column.astype("float64")
        elif kind == "category" and column.nunique() <= MOST_LEVELS:
            columns[name] = column.astype("category")
        elif kind == "category":
            columns[name] = column.astype("category").cat.codes.astype("float64").replace(-1, np.nan)
        else:
            raise SystemExit(f"{name}: a {kind} column is no feature of this benchmark")
    return pd.DataFrame(columns)


def rival_predictions(facts, frame, y, learned, test):
    features = [(feature["name"], feature["kind"]) for feature in facts["features"]]
    if [kind for _, kind in features] == ["text"]:
        texts = frame[features[0][0]].fillna("")
        vectorizer = TfidfVectorizer()
        model = LogisticRegression().fit(vectorizer.fit_transform(texts[learned]), y[learned])
        return model.predict_proba(vectorizer.transform(texts[test]))[:, 1]
    x = tabular(frame, features)
    settings = {"categorical_features": "from_dtype", "random_state": facts["seed"]}
    if facts["task"] == "regression":
        return HistGradientBoostingRegressor(**settings).fit(x[learned], y[learned]).predict(x[test])
    return HistGradientBoostingClassifier(**settings).fit(x[learned], y[learned]).predict_proba(x[test])[:, 1]


def measure(task, y, predictions, threshold):
    if task == "regression":
        return {"rmse": root_mean_squared_error(y, predictions)}
    return {"auc": roc_auc_score(y, predictions), "f1": f1_score(y, predictions >= threshold)}


for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        facts = json.load(file)
    frame = parquet.read_table(facts["dataset"]).to_pandas()
    split = np.fromfile(facts["split"], dtype="uint8")
    learned, test = split <= 1, split == 2
    y = frame[facts["target"]]
    y = y.to_numpy("float64") if facts["task"] == "regression" else (y == facts["positive"]).to_numpy()
    ours = measure(facts["task"], y[test], np.fromfile(facts["predictions"]), facts["threshold"])
    theirs = measure(facts["task"], y[test], rival_predictions(facts, frame, y, learned, test), 0.5)
    print(json.dumps({"seed": facts["seed"], "rows": len(frame), "tested": int(test.sum()), "ours": ours, "theirs": theirs}), flush=True)
