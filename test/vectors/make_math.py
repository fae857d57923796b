"""Writes math.json: elementary functions to the last bit (decimal arithmetic, 60 digits), distributions and quantiles by SciPy.

Run: python test/vectors/make_math.py      (needs numpy and scipy; the versions used are written down)
"""

import json
import math
import platform
import statistics
from decimal import Decimal, getcontext
from fractions import Fraction
from pathlib import Path

import numpy as np
import scipy
from scipy import linalg, stats

getcontext().prec = 60
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798")


def sine(x):
    """Taylor series after reduction by 2 pi."""
    x = x % (2 * PI)
    term = total = x
    k = 1
    while abs(term) > Decimal(10) ** -50:
        term *= -x * x / ((k + 1) * (k + 2))
        total += term
        k += 2
    return total


functions = {
    "exp": lambda x: x.exp(),
    "log": lambda x: x.ln(),
    "log1p": lambda x: (1 + x).ln(),
    "expm1": lambda x: x.exp() - 1,
    "sin": sine,
    "cos": lambda x: sine(x + PI / 2),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
}
rng = np.random.default_rng(7)
sign = lambda n: rng.choice([-1.0, 1.0], n)
tiny = lambda n: np.exp2(rng.uniform(-40, 0, n))
inputs = {
    "exp": np.concatenate([rng.uniform(-745, 709.7, 150), rng.uniform(-2, 2, 150), sign(40) * tiny(40), [709.782712893384, -745.13, -708.4, -708.1, 709.2, 0.34657359027997264, -0.34657359027997264]]),
    "log": np.concatenate([np.exp2(rng.uniform(-1074, 1023, 150)), rng.uniform(0.5, 2, 150), 1 + sign(40) * tiny(40) / 4, [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308]]),
    "log1p": np.concatenate([rng.uniform(-0.999999, 3, 150), sign(100) * tiny(100) * 0.9, np.exp2(rng.uniform(0, 1000, 50))]),
    "expm1": np.concatenate([rng.uniform(-40, 709.7, 100), rng.uniform(-2, 2, 150), sign(100) * tiny(100)]),
    "sin": np.concatenate([rng.uniform(-10, 10, 150), rng.uniform(-1.6e6, 1.6e6, 100), np.arange(1, 60) * math.pi / 2, tiny(20)]),
    "cos": np.concatenate([rng.uniform(-10, 10, 150), rng.uniform(-1.6e6, 1.6e6, 100), np.arange(1, 60) * math.pi / 2, tiny(20)]),
    "sigmoid": np.concatenate([rng.uniform(-40, 40, 150), rng.uniform(-700, 700, 50)]),
}
elementary = {name: [[float(x), float(functions[name](Decimal(float(x))))] for x in xs] for name, xs in inputs.items()}

z = np.concatenate([np.linspace(-8, 8, 65), [-37, -20, -2.5, 2.5, -2.4999999, 1e-10]])
chances = np.concatenate([np.linspace(0.001, 0.999, 61), [1e-300, 1e-20, 1e-8, 0.075, 0.925, 1 - 1e-12]])
ps = [0, 0.025, 0.1, 0.25, 1 / 3, 0.5, 0.77, 0.9, 0.999, 1]
samples = [rng.normal(0, 1, 17), rng.integers(0, 5, 40).astype(float), np.array([3.0]), rng.normal(1e9, 1e-3, 30), np.array([1.0, 2.0])]
half = rng.normal(0, 1, (12, 8))
matrix = half.T @ half + 0.1 * np.eye(8)
rhs = rng.normal(0, 1, 8)

vectors = {
    "madeBy": {"script": "test/vectors/make_math.py", "python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
    "elementary": elementary,
    "normalCdf": [[float(x), float(stats.norm.cdf(x))] for x in z],
    "normalQuantile": [[float(p), float(stats.norm.ppf(p))] for p in chances],
    "quantiles": [{"values": v.tolist(), "ps": ps, "expected": np.quantile(v, ps).tolist()} for v in samples],
    "variances": [{"values": v.tolist(), "population": float(statistics.pvariance([Fraction(x) for x in v.tolist()])), "sum": math.fsum(v)} for v in samples],
    "solve": {"n": 8, "matrix": matrix.ravel().tolist(), "rhs": rhs.tolist(), "expected": linalg.cho_solve(linalg.cho_factor(matrix), rhs).tolist()},
}
Path(__file__).with_name("math.json").write_text(json.dumps(vectors, separators=(",", ":")) + "\n")
