"""LightGBM text models with their own raw scores and answers, for src/model/import; run: python make_lightgbm.py > lightgbm.json

Values that are missing are the text "NaN"; categories are codes. Numbers reach far below and above the training rows.
"""

import json

import lightgbm as lgb
import numpy as np


def data(rng, n, spread):
    x = rng.normal(scale=spread, size=(n, 4))
    x[:, 1] = np.where(rng.random(n) < 0.5, 0.0, np.round(x[:, 1], 1))
    x[:, 3] = rng.integers(0, 45, n)
    x[:, 0][rng.random(n) < 0.15] = np.nan
    return x


def main():
    rng = np.random.default_rng(11)
    x = data(rng, 400, 1.0)
    signal = np.nan_to_num(x[:, 0], nan=1.5) + x[:, 1] * x[:, 2] + (x[:, 3] % 3 == 1) * 2
    probes = data(rng, 40, 3.0)
    probes[:8, 2] = np.nan
    probes[8:12, 3] = np.nan
    probes[12:16, 3] = 999
    probes[16:20, 1] = [1e-36, -1e-36, -0.0, 1e300]
    counts = rng.poisson(np.exp(np.clip(signal, -2, 2))).astype(float)
    cases = []
    for name, target, options in [
        ("regression", signal, {"objective": "regression"}),
        ("dart", signal, {"objective": "regression", "boosting": "dart", "drop_rate": 0.5}),
        ("huber without missing values", signal, {"objective": "huber", "use_missing": False}),
        ("poisson", counts, {"objective": "poisson"}),
        ("tweedie", counts, {"objective": "tweedie"}),
        ("binary", (signal > 1).astype(int), {"objective": "binary"}),
        ("goss", (signal > 1).astype(int), {"objective": "binary", "data_sample_strategy": "goss"}),
        ("multiclass", np.digitize(signal, [0, 1.5]), {"objective": "multiclass", "num_class": 3}),
    ]:
        parameters = {**options, "num_leaves": 7, "min_data_in_leaf": 8, "min_data_per_group": 10, "cat_smooth": 1, "verbose": -1, "seed": 3, "num_threads": 1, "deterministic": True}
        dataset = lgb.Dataset(x, target, feature_name=["a", "b", "c", "level"], categorical_feature=[3])
        booster = lgb.train(parameters, dataset, 5)
        text = booster.model_to_string()
        cases.append(
            {
                "name": name,
                # Parameters do not reach a prediction.
                "text": text[: text.index("\nparameters:")] + "\npandas_categorical:null\n",
                "raw": booster.predict(probes, raw_score=True).tolist(),
                "answers": booster.predict(probes).tolist(),
                "contributions": booster.predict(probes, pred_contrib=True).tolist(),
            }
        )
    rows = [[("NaN" if np.isnan(v) else float(v)) for v in row] for row in probes]
    print(json.dumps({"lightgbm": lgb.__version__, "rows": rows, "cases": cases}))


main()
