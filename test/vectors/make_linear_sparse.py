"""Coefficients of scikit-learn's lasso, elastic net, l1 logistic and Poisson regression, and of SciPy's minimum of a ridge with
Huber loss, for src/train/linear; run: python make_linear_sparse.py > linear-sparse.json"""

import json

import numpy as np
import scipy.optimize
import sklearn
from sklearn.linear_model import ElasticNet, LogisticRegression, PoissonRegressor


def data(seed, n_rows=120, n_columns=8):
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(n_rows, n_columns)) * rng.uniform(0.3, 2, n_columns) + rng.normal(size=n_columns), 3)
    weights = np.round(rng.uniform(0.2, 3, n_rows), 3)
    true = rng.normal(size=n_columns) * (rng.random(n_columns) < 0.5)
    return rng, x, weights, x @ true


def case(name, task, l1, l2, loss, x, y, weights, coefficients, intercept):
    return {
        "name": name,
        "task": task,
        "l1": l1,
        "l2": l2,
        "loss": loss,
        "rows": x.tolist(),
        "target": np.asarray(y).tolist(),
        "weights": None if weights is None else weights.tolist(),
        "coefficients": np.atleast_2d(coefficients).tolist(),
        "intercept": np.atleast_1d(intercept).tolist(),
    }


def elastic(name, l1, l2, weighted, seed):
    rng, x, weights, scores = data(seed)
    y = np.round(scores + rng.normal(size=len(scores)), 3)
    w = weights if weighted else None
    total = weights.sum() if weighted else len(y)
    # scikit-learn divides the squared residuals by the total weight.
    alpha = (l1 + l2) / total
    model = ElasticNet(alpha=alpha, l1_ratio=l1 / (l1 + l2), tol=1e-14, max_iter=1000000).fit(x, y, sample_weight=w)
    return case(name, "regression", l1, l2, "auto", x, y, w, model.coef_, model.intercept_)


def logistic(name, l1, l2, labels, seed):
    rng, x, weights, scores = data(seed)
    y = np.digitize(scores + rng.normal(size=len(scores)), np.quantile(scores, np.arange(1, labels) / labels))
    model = LogisticRegression(
        C=1 / (l1 + l2), l1_ratio=l1 / (l1 + l2), solver="saga", tol=1e-13, max_iter=1000000, random_state=0
    ).fit(x, y, sample_weight=weights)
    return case(name, "binary" if labels == 2 else "multiclass", l1, l2, "auto", x, y, weights, model.coef_, model.intercept_)


def poisson(seed):
    rng, x, weights, scores = data(seed)
    y = rng.poisson(np.exp(0.3 * scores + 1))
    model = PoissonRegressor(alpha=2 / weights.sum(), tol=1e-10, max_iter=100000, solver="newton-cholesky").fit(x, y, sample_weight=weights)
    return case("poisson", "regression", 0, 2, "poisson", x, y, weights, model.coef_, model.intercept_)


def huber(seed):
    rng, x, weights, scores = data(seed)
    y = np.round(scores + rng.standard_t(1.5, size=len(scores)), 3)
    delta = float(np.median(np.abs(y - np.median(y))))

    def value(p):
        r = np.abs(x @ p[:-1] + p[-1] - y)
        loss = np.where(r <= delta, r**2 / 2, delta * (r - delta / 2)).sum() + 0.5 * 3 * p[:-1] @ p[:-1]
        g = np.clip(x @ p[:-1] + p[-1] - y, -delta, delta)
        return loss, np.append(x.T @ g + 3 * p[:-1], g.sum())

    found = scipy.optimize.minimize(value, np.zeros(x.shape[1] + 1), jac=True, method="BFGS", options={"gtol": 1e-10, "maxiter": 10000})
    return case("huber", "regression", 0, 3, "huber", x, y, None, found.x[:-1], found.x[-1])


cases = [
    elastic("lasso", 20.0, 0.0, False, 1),
    elastic("elastic net with row weights", 10.0, 15.0, True, 2),
    logistic("l1 logistic", 4.0, 0.0, 2, 3),
    logistic("elastic net logistic", 2.0, 3.0, 2, 4),
    logistic("l1 multinomial", 4.0, 0.0, 3, 5),
    poisson(6),
    huber(7),
]
print(json.dumps({"madeBy": f"scikit-learn {sklearn.__version__}, test/vectors/make_linear_sparse.py", "cases": cases}))
