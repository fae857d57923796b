"""Writes a table to cluster as fit_data.py writes tables: ten overlapping normal blobs of different sizes.

Usage: blobs_data.py FOLDER ROWS COLUMNS SEED
"""

import json
import sys

import numpy as np

folder, rows, columns, seed = sys.argv[1], *map(int, sys.argv[2:])
rng = np.random.default_rng(seed)
centres = 0.7 * rng.normal(size=(10, columns))
blob = rng.choice(10, rows, p=np.arange(1, 11) / 55)
with open(f"{folder}/train.f32", "wb") as file:
    for j in range(columns):
        (centres[blob, j] + rng.normal(size=rows)).astype(np.float32).tofile(file)
blob.astype(np.uint8).tofile(f"{folder}/train.u8")
with open(f"{folder}/shape.json", "w") as file:
    json.dump({"rows": rows, "columns": columns, "testRows": 0}, file)
