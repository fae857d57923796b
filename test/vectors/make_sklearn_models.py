"""scikit-learn models, as src/app/assets/millrace_sklearn.py exports them, with their own answers, for src/model/import;
run: python make_sklearn_models.py > sklearn-models.json. Missing values are the text "NaN"."""

import json
import os
import sys

import numpy as np
import pandas as pd
import sklearn
from sklearn.ensemble import *
from sklearn.impute import SimpleImputer
from sklearn.linear_model import *
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import *

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../src/app/assets"))
from millrace_sklearn import describe


def data(rng, n, spread, missing):
    frame = pd.DataFrame(rng.normal(scale=spread, size=(n, 3)), columns=["a", "b", "c"])
    frame["b"] = np.where(rng.random(n) < 0.5, 0.0, frame["b"].round(1))
    if missing:
        frame.loc[rng.random(n) < 0.15, "a"] = np.nan
    return frame


def main():
    rng = np.random.default_rng(13)
    cases = []
    for name, model, target, missing in [
        ("decision tree of numbers", DecisionTreeRegressor(max_depth=4, random_state=1), "number", True),
        ("decision tree of three labels", DecisionTreeClassifier(max_depth=3, random_state=1), "three", False),
        ("random forest of numbers", RandomForestRegressor(4, max_depth=4, random_state=1), "number", True),
        ("random forest of two labels", RandomForestClassifier(4, max_depth=4, random_state=1), "two", True),
        ("random forest of three labels", RandomForestClassifier(3, max_depth=3, random_state=1), "three", False),
        ("extra trees of numbers", ExtraTreesRegressor(3, max_depth=4, random_state=1), "number", False),
        ("gradient boosting of numbers", GradientBoostingRegressor(n_estimators=6, random_state=1), "number", False),
        ("gradient boosting of two labels", GradientBoostingClassifier(n_estimators=6, random_state=1), "two", False),
        ("gradient boosting, exponential", GradientBoostingClassifier(n_estimators=6, loss="exponential", random_state=1), "two", False),
        ("gradient boosting of three labels", GradientBoostingClassifier(n_estimators=3, random_state=1), "three", False),
        ("histogram boosting of numbers", HistGradientBoostingRegressor(max_iter=6, max_depth=3, random_state=1), "number", True),
        ("histogram boosting of counts", HistGradientBoostingRegressor(max_iter=6, max_depth=3, loss="poisson"), "count", True),
        ("histogram boosting of two labels", HistGradientBoostingClassifier(max_iter=6, max_depth=3), "two", True),
        ("histogram boosting of three labels", HistGradientBoostingClassifier(max_iter=3, max_depth=3), "three", True),
        ("linear regression", LinearRegression(), "number", False),
        ("lasso, scaled", make_pipeline(StandardScaler(), Lasso(0.1)), "number", False),
        ("poisson regression", PoissonRegressor(), "count", False),
        ("logistic regression, imputed and scaled", make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression()), "two", True),
        ("multinomial regression, scaled to a range", make_pipeline(MinMaxScaler(), LogisticRegression()), "three", False),
    ]:
        train = data(rng, 300, 1.0, missing)
        signal = train["a"].fillna(1.5) + train["b"] * train["c"]
        y = {
            "number": signal,
            "count": rng.poisson(np.exp(np.clip(signal, -2, 2))).astype(float),
            "two": np.where(signal > 0, "yes", "no"),
            "three": np.digitize(signal, [-0.5, 0.5]) * 10,
        }[target]
        model.fit(train, y)
        probes = data(rng, 24, 3.0, missing)
        answers = model.predict_proba(probes) if hasattr(model, "classes_") else model.predict(probes)
        cases.append(
            {
                "name": name,
                "file": json.dumps(describe(model), allow_nan=False),
                "rows": [["NaN" if np.isnan(v) else float(v) for v in row] for row in probes.to_numpy()],
                "answers": answers.tolist(),
                "importances": getattr(model, "feature_importances_", np.array([])).tolist(),
            }
        )
    print(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}))


main()
