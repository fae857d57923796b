"""Writes a fitted scikit-learn model as strict JSON, for `millrace import`.

    python millrace_sklearn.py model.joblib model.json       # or, in Python:
    from millrace_sklearn import export_model; export_model(model, "model.json")

Trees, forests, (histogram) gradient boosting and linear models of numbers, alone or in a Pipeline after SimpleImputer,
StandardScaler or MinMaxScaler. What could not be repeated exactly raises ValueError. Needs scikit-learn 1.3 or later.
"""

import json
import sys

import numpy as np
import sklearn

IDENTITY = {
    "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "Lars", "LassoLars",
    "BayesianRidge", "ARDRegression", "HuberRegressor", "QuantileRegressor", "TheilSenRegressor", "SGDRegressor", "LinearSVR",
}  # fmt: skip
FORESTS = {"RandomForestRegressor", "ExtraTreesRegressor", "RandomForestClassifier", "ExtraTreesClassifier"}
TREES = {"DecisionTreeRegressor", "ExtraTreeRegressor", "DecisionTreeClassifier", "ExtraTreeClassifier"}


def export_model(model, path, names=None):
    """Writes `model` to `path`; `names` are the input columns, where the model was not fitted on a DataFrame."""
    document = describe(model, names)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, allow_nan=False)


def describe(model, names=None):
    steps = [step for _, step in model.steps] if hasattr(model, "steps") else [model]
    first, estimator = steps[0], steps[-1]
    n_columns = int(first.n_features_in_)
    if names is None:
        names = getattr(first, "feature_names_in_", [f"x{i}" for i in range(n_columns)])
    names = [str(name) for name in names]
    if len(names) != n_columns:
        raise ValueError(f"the model reads {n_columns} columns, and {len(names)} names were given")
    learned = learned_part(estimator)
    columns = [{"name": name, "steps": []} for name in names]
    for step in steps[:-1]:
        prepare(step, columns)
    imputed = any("impute" in step for column in columns for step in column["steps"])
    classes = [str(label) for label in getattr(estimator, "classes_", [])]
    return {
        "millrace": "scikit-learn model",
        "format": 1,
        "scikit-learn": sklearn.__version__,
        "estimator": type(estimator).__name__,
        "labels": classes,
        "columns": columns,
        "missing": imputed or takes_missing(estimator),
        **learned,
    }


def prepare(step, columns):
    kind = type(step).__name__
    if kind == "SimpleImputer":
        if step.add_indicator or not np.isnan(step.missing_values) or np.isnan(step.statistics_).any():
            raise ValueError("a SimpleImputer is exported that replaces NaN, without indicators, in columns with values")
        parts = [{"impute": float(value)} for value in step.statistics_]
    elif kind == "StandardScaler":
        means = step.mean_ if step.with_mean else np.zeros(len(columns))
        scales = step.scale_ if step.with_std else np.ones(len(columns))
        parts = [{"standardize": [float(mean), float(scale)]} for mean, scale in zip(means, scales)]
    elif kind == "MinMaxScaler" and not step.clip:
        parts = [{"standardize": [float(-m / s), float(1 / s)]} for m, s in zip(step.min_, step.scale_)]
    else:
        raise ValueError(f"{kind} is not exported; put what it does into the pipeline's features")
    for column, part in zip(columns, parts):
        column["steps"].append(part)


def takes_missing(estimator):
    tags = getattr(estimator, "__sklearn_tags__", None)
    return bool(tags().input_tags.allow_nan) if tags else type(estimator).__name__.startswith("Hist")


def learned_part(estimator):
    kind = type(estimator).__name__
    if getattr(estimator, "n_outputs_", 1) != 1:
        raise ValueError("a model of several targets is not exported")
    if kind in TREES:
        return averaged([estimator])
    if kind in FORESTS:
        return averaged(estimator.estimators_)
    if kind in ("GradientBoostingRegressor", "GradientBoostingClassifier"):
        return boosted(estimator)
    if kind in ("HistGradientBoostingRegressor", "HistGradientBoostingClassifier"):
        return histogram_boosted(estimator)
    return linear(estimator, kind)


def link_of(estimator):
    n_labels = len(getattr(estimator, "classes_", []))
    return "identity" if n_labels == 0 else "sigmoid" if n_labels == 2 else "softmax"


def linear(estimator, kind):
    link = link_of(estimator)
    if kind in ("PoissonRegressor", "GammaRegressor", "TweedieRegressor"):
        link = "identity" if getattr(estimator, "link", "log") == "identity" else "log"
        if getattr(estimator, "link", "") == "auto" and estimator.power <= 0:
            link = "identity"
    elif kind in ("LogisticRegression", "LogisticRegressionCV"):
        if link == "softmax" and getattr(estimator, "solver", "") == "liblinear":
            raise ValueError("liblinear learns one model a label, whose answers are not exported")
        if getattr(estimator, "multi_class", "auto") == "ovr" and link == "softmax":
            raise ValueError("one model a label (multi_class='ovr') is not exported")
    elif kind == "SGDClassifier":
        if estimator.loss != "log_loss" or link != "sigmoid":
            raise ValueError("an SGDClassifier is exported with loss='log_loss' and two labels")
    elif kind not in IDENTITY:
        raise ValueError(f"{kind} is not exported")
    coefficients = np.atleast_2d(np.asarray(estimator.coef_, dtype=float))
    intercept = np.broadcast_to(np.asarray(estimator.intercept_, dtype=float), (len(coefficients),))
    if link in ("identity", "log") and len(coefficients) != 1:
        raise ValueError("a model of several targets is not exported")
    return {"link": link, "linear": {"coefficients": coefficients.tolist(), "intercept": intercept.tolist()}}


def averaged(estimators):
    """Mean of trees: of numbers, or of the probabilities of each label (of two labels, the second's)."""
    trees, labels = [], len(getattr(estimators[0], "classes_", []))
    outputs = [None] if labels == 0 else [1] if labels == 2 else range(labels)
    for estimator in estimators:
        value = estimator.tree_.value[:, 0, :]
        if labels > 0:
            value = value / value.sum(axis=1, keepdims=True)
        for at, output in enumerate(outputs):
            trees.append(tree_part(estimator.tree_, value[:, 0 if output is None else output] / len(estimators), at))
    n_outputs = len(list(outputs))
    return {"link": "share" if labels else "identity", "trees": {"base": [0.0] * n_outputs, "float32": True, "trees": trees}}


def boosted(estimator):
    base = np.ravel(raw_start(estimator))
    link = link_of(estimator)
    # The loss "exponential" answers 1 / (1 + exp(-2 * raw)); doubling is exact.
    factor = 2.0 if estimator.loss == "exponential" else 1.0
    trees = [
        tree_part(one.tree_, estimator.learning_rate * one.tree_.value[:, 0, 0] * factor, k)
        for stage in estimator.estimators_
        for k, one in enumerate(stage)
    ]
    return {"link": link, "trees": {"base": (base * factor).tolist(), "float32": True, "trees": trees}}


def raw_start(estimator):
    kind = type(estimator.init_).__name__
    if kind not in ("DummyRegressor", "DummyClassifier") and not isinstance(estimator.init_, str):
        raise ValueError(f"gradient boosting that starts from {kind} is not exported")
    return estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), dtype=np.float32)).astype(float)


def tree_part(tree, value, output):
    left = tree.children_left
    missing = getattr(tree, "missing_go_to_left", np.zeros(len(left)))
    inner = left >= 0
    return {
        "output": output,
        "feature": np.where(inner, tree.feature, 0).tolist(),
        "threshold": np.where(inner, tree.threshold, 0.0).tolist(),
        "missingLeft": [int(flag) for flag in missing],
        "left": left.tolist(),
        "right": tree.children_right.tolist(),
        "value": np.where(inner, 0.0, value).tolist(),
        "cover": tree.weighted_n_node_samples.tolist(),
        "gain": gains(tree, inner).tolist(),
    }


def gains(tree, inner):
    """How much impurity each split takes away, as feature_importances_ counts it."""
    impurity = tree.weighted_n_node_samples * tree.impurity
    left, right = tree.children_left, tree.children_right
    return np.where(inner, np.maximum(0.0, impurity - impurity[left] - impurity[right]), 0.0)


def histogram_boosted(estimator):
    if getattr(estimator, "is_categorical_", None) is not None:
        raise ValueError("histogram gradient boosting over categories is not exported")
    log = type(estimator._loss.link).__name__ == "LogLink"
    link = "log" if log else link_of(estimator)
    trees = [histogram_tree(one.nodes, k) for stage in estimator._predictors for k, one in enumerate(stage)]
    base = np.ravel(estimator._baseline_prediction).astype(float).tolist()
    return {"link": link, "trees": {"base": base, "float32": False, "trees": trees}}


def histogram_tree(nodes, output):
    leaf = nodes["is_leaf"].astype(bool)
    largest = np.finfo(float).max
    return {
        "output": output,
        "feature": np.where(leaf, 0, nodes["feature_idx"]).tolist(),
        "threshold": np.where(leaf, 0.0, np.clip(nodes["num_threshold"], -largest, largest)).tolist(),
        "missingLeft": nodes["missing_go_to_left"].astype(int).tolist(),
        "left": np.where(leaf, -1, nodes["left"].astype(int)).tolist(),
        "right": np.where(leaf, -1, nodes["right"].astype(int)).tolist(),
        "value": np.where(leaf, nodes["value"], 0.0).tolist(),
        "cover": nodes["count"].astype(float).tolist(),
        "gain": np.where(leaf, 0.0, np.maximum(0.0, nodes["gain"])).tolist(),
    }


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    import joblib

    export_model(joblib.load(sys.argv[1]), sys.argv[2])
