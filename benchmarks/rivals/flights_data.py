"""Writes a table of flights as fit_data.py writes tables: two categories of 300 airports, hour, weekday, month, distance; the label
says whether a flight is late, which depends on airports, routes, hours and seasons.

Usage: flights_data.py FOLDER ROWS COLUMNS SEED TEST_ROWS. COLUMNS is 6.
"""

import json
import sys

import numpy as np

folder, rows, columns, seed, test_rows = sys.argv[1], *map(int, sys.argv[2:])
n = rows + test_rows
airports = 300
rng = np.random.default_rng(seed)
popularity = rng.pareto(1.2, airports) + 0.05
popularity /= popularity.sum()
origin, destination = (rng.choice(airports, n, p=popularity) for _ in range(2))
hour, weekday, month = rng.integers(5, 24, n), rng.integers(0, 7, n), rng.integers(1, 13, n)
x, y = rng.uniform(0, 3000, (2, airports))
distance = np.hypot(x[origin] - x[destination], y[origin] - y[destination])
busy, windy, route = rng.normal(0, 0.6, airports), rng.normal(0, 0.4, airports), rng.normal(0, 0.5, (8, 8))
kind = rng.integers(0, 8, airports)
score = busy[origin] * (hour > 15) + 0.7 * busy[destination] + windy[origin] * np.cos(month * np.pi / 6)
score += route[kind[origin], kind[destination]] + 0.08 * (hour - 12) + 0.2 * (weekday == 4) - 0.0001 * distance
late = score + rng.logistic(size=n) > 1.2
table = [origin, destination, hour, weekday, month, distance][:columns]
for name, part in (("train", slice(0, rows)), ("test", slice(rows, None))):
    with open(f"{folder}/{name}.f32", "wb") as file:
        for column in table:
            column[part].astype(np.float32).tofile(file)
    late[part].astype(np.uint8).tofile(f"{folder}/{name}.u8")
with open(f"{folder}/shape.json", "w") as file:
    json.dump({"rows": rows, "columns": columns, "testRows": test_rows, "levels": [airports, airports]}, file)
