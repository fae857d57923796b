"""The demo's work in scikit-learn: read Parquet, split by time, fit as many trees and leaves, evaluate."""

import json
import sys

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, log_loss, precision_recall_curve, roc_auc_score

path, trees, leaves = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

flights = pd.read_parquet(path).sort_values("date", kind="stable", ignore_index=True)
target = (flights["delay"] >= 15).to_numpy()
features = pd.DataFrame(
    {
        "distance": flights["distance"].astype("float64"),
        "origin": flights["origin"].astype("category"),
        "destination": flights["destination"].astype("category"),
        "hour": flights["date"].dt.hour.astype("float64"),
        "weekday": flights["date"].dt.day_of_week.astype("float64"),
    }
)
n = len(features)
n_past = n - round(0.2 * n)
n_train = n_past - round(0.1 * n_past)
train, validation, test = slice(0, n_train), slice(n_train, n_past), slice(n_past, n)

model = HistGradientBoostingClassifier(
    max_iter=trees, max_leaf_nodes=leaves, learning_rate=0.1, early_stopping=False, categorical_features="from_dtype"
)
model.fit(features[train], target[train])

precision, recall, thresholds = precision_recall_curve(target[validation], model.predict_proba(features[validation])[:, 1])
f1 = 2 * precision * recall / (precision + recall + 1e-300)
threshold = thresholds[f1[:-1].argmax()]

p = model.predict_proba(features[test])[:, 1]
print(
    json.dumps(
        {
            "auc": roc_auc_score(target[test], p),
            "logLoss": log_loss(target[test], p),
            "averagePrecision": average_precision_score(target[test], p),
            "brier": brier_score_loss(target[test], p),
            "f1": f1_score(target[test], p >= threshold),
            "trees": int(model.n_iter_),
        }
    )
)
