# Seconds of pandas.read_csv with default settings, after a first reading that is not counted, and sums of what it read.
import json
import sys
import time

import pandas as pd

path, engine, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
seconds, cpu = [], []
for _ in range(rounds):
    start, before = time.perf_counter(), time.process_time()
    frame = pd.read_csv(path, parse_dates=["t0", "t1"], engine=engine)
    seconds.append(time.perf_counter() - start)
    cpu.append(time.process_time() - before)
sums = {}
for name in frame.columns:
    column = frame[name]
    if name[0] in "di":
        sums[name] = [int(column.count()), float(column.sum())]
    elif name[0] == "t":
        ms = column.dropna().astype("datetime64[ms]").astype("int64")
        sums[name] = [int(column.count()), float(ms.sum())]
    elif name[0] == "b":
        sums[name] = [int(column.count()), float((column.dropna().astype(str) == "True").sum())]
    else:
        sums[name] = [int(column.count()), float(column.dropna().str.len().sum())]
print(json.dumps({"seconds": min(seconds[1:] or seconds), "cpu": min(cpu[1:] or cpu), "rows": len(frame), "sums": sums}))
