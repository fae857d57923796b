"""Test losses of scikit-learn's boosting by loss on generated data, for src/train/boosting/losses.test.ts; run: python make_boosting_losses.py > boosting-losses.json

The data is not stored: the generator below is written again in the test, number for number.
"""

import json

import numpy as np
import sklearn
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.metrics import mean_pinball_loss

ROWS = 2000


def generate(seed):
    state = seed

    def draw():
        nonlocal state
        state = (state * 1664525 + 1013904223) % 4294967296
        return state / 4294967296

    rows, numbers, counts = [], [], []
    for _ in range(2 * ROWS):
        a, b, c = draw(), draw(), draw()
        d = draw() if draw() < 0.8 else float("nan")
        noise = draw() + draw() + draw() + draw() - 2
        outlier = draw()
        signal = 4 * a * b + (1.5 if c > 0.6 else 0) - (2 * d if d == d else 1.7)
        rows.append([a, b, c, d])
        numbers.append(signal + noise + (40 * noise if outlier < 0.05 else 0))
        # Eight trials of a chance make a count.
        chance = (0.1 + 0.6 * a) * (1 if c > 0.5 else 0.4)
        counts.append(sum(1 for _ in range(8) if draw() < chance))
    return np.array(rows), np.array(numbers), np.array(counts, dtype=float)


def main():
    x, numbers, counts = generate(77)
    train, test = slice(0, ROWS), slice(ROWS, None)
    common = dict(max_iter=100, early_stopping=False, min_samples_leaf=20)
    losses = {}
    for name, y, options, score in [
        ("absolute", numbers, dict(loss="absolute_error"), lambda t, p: np.mean(np.abs(t - p))),
        ("quantile", numbers, dict(loss="quantile", quantile=0.8), lambda t, p: mean_pinball_loss(t, p, alpha=0.8)),
        ("poisson", counts, dict(loss="poisson"), lambda t, p: np.mean(p - t * np.log(p))),
    ]:
        model = HistGradientBoostingRegressor(**options, **common).fit(x[train], y[train])
        losses[name] = float(score(y[test], model.predict(x[test])))
    # There is no histogram boosting with huber loss; the exact one, missing values replaced, judged by the absolute error.
    filled = np.nan_to_num(x, nan=-1)
    huber = GradientBoostingRegressor(loss="huber", alpha=0.9, n_estimators=100, max_leaf_nodes=31, max_depth=None, min_samples_leaf=20, random_state=0)
    huber.fit(filled[train], numbers[train])
    losses["huber"] = float(np.mean(np.abs(numbers[test] - huber.predict(filled[test]))))
    print(json.dumps({"version": sklearn.__version__, "checksum": float(numbers.sum() + counts.sum()), "losses": losses}, indent=2))


main()
