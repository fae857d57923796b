# A CSV of 20 mixed columns: 8 doubles, 4 integers, 4 categories, 2 truth values, 2 times; 5 % of the cells are missing.
import sys

import numpy as np
import pandas as pd

path, rows = sys.argv[1], int(sys.argv[2])
columns = [f"d{i}" for i in range(8)] + [f"i{i}" for i in range(4)] + [f"c{i}" for i in range(4)] + ["b0", "b1", "t0", "t1"]
block = 250_000
with open(path, "w") as out:
    for start in range(0, rows, block):
        n = min(block, rows - start)
        r = np.random.default_rng(7 + start)
        data = {}
        for i in range(8):
            data[f"d{i}"] = np.round(r.normal(0, 10 ** (i % 4), n), 6 if i % 2 else 3).astype(str)
        for i in range(4):
            data[f"i{i}"] = r.integers(-1000 if i % 2 else 0, 10 ** (2 + 2 * i), n).astype(str)
        for i, levels in enumerate((3, 12, 60, 1000)):
            names = np.array([f"level {j}" if i % 2 else f"k{j}" for j in range(levels)])
            data[f"c{i}"] = names[r.integers(0, levels, n)]
        for i in range(2):
            data[f"b{i}"] = np.array(["true", "false"])[r.integers(0, 2, n)]
        for i, form in enumerate(("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")):
            times = pd.Timestamp("2020-01-01") + pd.to_timedelta(r.integers(0, 10**8, n), unit="s")
            data[f"t{i}"] = times.strftime(form).to_numpy(dtype=str)
        frame = pd.DataFrame({name: np.where(r.random(n) < 0.05, "", data[name]) for name in columns})
        frame.to_csv(out, index=False, header=start == 0)
