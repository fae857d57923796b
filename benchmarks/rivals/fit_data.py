"""Writes the tables of the fit benchmarks: columns of float32 one after the other, labels a byte each, train and test.

Usage: fit_data.py FOLDER ROWS COLUMNS SEED [TEST_ROWS=200000]. Like a physics table: gamma, normal and uniform inputs, a few discrete ones,
features derived from them with noise, and a label that depends on interactions. Beyond 28 columns the rest is noise and weak
copies. The test rows come on top.
"""

import json
import os
import sys

import numpy as np


def inputs(rng, n):
    x = np.empty((n, 28), np.float32)
    for j in range(21):
        x[:, j] = (rng.gamma(2.0, 0.5, n), rng.normal(0, 1, n), rng.uniform(-1.74, 1.74, n))[j % 3]
    x[:, 20] = np.round(x[:, 20])
    x[:, 8] = rng.integers(0, 3, n)
    noise = rng.normal(size=(n, 3)).astype(np.float32)
    x[:, 21] = np.sqrt(np.abs(x[:, 0] ** 2 + x[:, 3] ** 2 + 2 * x[:, 0] * x[:, 3] * np.cos(x[:, 2] - x[:, 5])))
    x[:, 22] = x[:, 1] * x[:, 4] + 0.5 * noise[:, 0]
    x[:, 23] = np.abs(x[:, 7] + x[:, 10]) + 0.2 * x[:, 6]
    x[:, 24] = np.sqrt(x[:, 6] * x[:, 9]) + 0.1 * noise[:, 1]
    x[:, 25] = x[:, 12] * np.exp(-(x[:, 13] ** 2)) + 0.2 * noise[:, 2]
    x[:, 26] = np.log1p(np.abs(x[:, 15])) * x[:, 16]
    x[:, 27] = x[:, 18] + x[:, 19] ** 2
    return x


def labels(rng, x):
    f = 0.9 * np.sin(1.5 * x[:, 21]) + 0.8 * x[:, 22] * (x[:, 0] > 1) - 0.7 * x[:, 23] + 0.6 * x[:, 25] * x[:, 24]
    f += 0.5 * (x[:, 26] > 0.3) * x[:, 27] + 0.3 * x[:, 1] * x[:, 7] - 0.3 * x[:, 20] * x[:, 14]
    return (f + rng.logistic(size=len(x)) * 0.9 > np.median(f)).astype(np.uint8)


def widened(rng, x, columns):
    if columns <= x.shape[1]:
        return x[:, :columns]
    extra = rng.normal(size=(len(x), columns - x.shape[1])).astype(np.float32)
    for j in range(0, extra.shape[1], 2):
        extra[:, j] += 0.5 * x[:, j % x.shape[1]]
    return np.concatenate([x, extra], axis=1)


folder, rows, columns, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
test_rows = int(sys.argv[5]) if len(sys.argv) > 5 else 200_000
rng = np.random.default_rng(seed)
x = inputs(rng, rows + test_rows)
y = labels(rng, x)
x = widened(rng, x, columns)
os.makedirs(folder, exist_ok=True)
for name, part in (("train", slice(0, rows)), ("test", slice(rows, None))):
    np.ascontiguousarray(x[part].T).tofile(f"{folder}/{name}.f32")
    y[part].tofile(f"{folder}/{name}.u8")
with open(f"{folder}/shape.json", "w") as file:
    json.dump({"rows": rows, "columns": columns, "testRows": test_rows}, file)
