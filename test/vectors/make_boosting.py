"""Test losses of scikit-learn's HistGradientBoosting on generated data, for src/train/boosting; run: python make_boosting.py > boosting.json

The data is not stored: the generator below is written again in src/train/boosting/quality.test.ts, integer for integer.
"""

import json

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

ROWS = 3000


def generate(seed):
    state = seed

    def draw():
        nonlocal state
        state = (state * 1664525 + 1013904223) % 4294967296
        return state / 4294967296

    rows, signals = [], []
    for _ in range(2 * ROWS):
        a, b, c = draw(), draw(), draw()
        level = int(draw() * 12)
        d = draw() if draw() < 0.8 else float("nan")
        noise = draw() + draw() + draw() + draw() - 2
        rows.append([a, b, c, float(level), d])
        signal = 4 * a * b + (1.5 if c > 0.6 else 0) - (2 * d if d == d else 1.7) + (level * 5 % 12) / 6
        signals.append(signal + noise)
    return np.array(rows), np.array(signals)


def main():
    x, signal = generate(2024)
    labels = {
        "regression": signal,
        "binary": (signal > 2).astype(int),
        "multiclass": np.digitize(signal, [1.2, 2.4]),
    }
    losses = {}
    for task, y in labels.items():
        kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
        model = kind(max_iter=100, early_stopping=False, categorical_features=[3]).fit(x[:ROWS], y[:ROWS])
        if task == "regression":
            losses[task] = float(np.mean((model.predict(x[ROWS:]) - y[ROWS:]) ** 2))
        else:
            p = model.predict_proba(x[ROWS:])
            losses[task] = float(-np.mean(np.log(p[np.arange(ROWS), y[ROWS:]])))
    print(json.dumps({"version": sklearn.__version__, "checksum": float(signal.sum()), "losses": losses}, indent=2))


if __name__ == "__main__":
    main()
