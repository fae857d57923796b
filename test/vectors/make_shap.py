"""TreeSHAP contributions by the shap package of scikit-learn trees, for src/model/explain.ts; run: python make_shap.py > shap.json

A tree is stored as the predictor stores it (float64 thresholds; cover is the weighted number of rows of a node).
"""

import json

import numpy as np
import shap
import sklearn
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor


def stored(tree, scale):
    t = tree.tree_
    leaf = t.children_left < 0
    return {
        "feature": np.where(leaf, -1, t.feature).tolist(),
        "threshold": np.where(leaf, 0, t.threshold).tolist(),
        "left": t.children_left.tolist(),
        "right": t.children_right.tolist(),
        "value": (t.value[:, 0, 0] * scale).tolist(),
        "cover": t.weighted_n_node_samples.tolist(),
    }


def main():
    rng = np.random.default_rng(7)
    # float32 values: scikit-learn compares in float32, and both sides must see the same numbers.
    x = rng.normal(size=(300, 5)).astype(np.float32)
    y = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + (x[:, 3] > 0.3) + 0.1 * rng.normal(size=300)
    weights = rng.uniform(0.5, 2, size=300)
    cases = {}
    for name, model, trees, scale, base in [
        ("deep tree", DecisionTreeRegressor(max_depth=14, random_state=1), lambda m: [m], 1.0, 0.0),
        ("forest", RandomForestRegressor(4, max_depth=6, random_state=2), lambda m: m.estimators_, 0.25, 0.0),
        ("boosting", GradientBoostingRegressor(n_estimators=12, max_depth=4, learning_rate=0.3, random_state=3), lambda m: m.estimators_[:, 0], 0.3, None),
    ]:
        model.fit(x, y, sample_weight=weights)
        if base is None:
            base = float(model.init_.constant_.ravel()[0])
        explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
        cases[name] = {
            "base": base,
            "trees": [stored(t, scale) for t in trees(model)],
            "expected": float(np.ravel(explainer.expected_value)[0]),
            "contributions": explainer.shap_values(x[:12].astype(np.float64)).tolist(),
        }
    print(json.dumps({"shap": shap.__version__, "scikit-learn": sklearn.__version__, "x": x[:12].astype(np.float64).tolist(), "cases": cases}))


main()
