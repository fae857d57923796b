# Seconds of pandas.read_csv, Pandera's checks, a profile and cleaning, with the rules of benchmarks/ingest/checked.mjs. The
# profile does the same work: quantiles, distinct numbers and correlations of 100,000 evenly spaced rows, all else of all.
import json
import resource
import sys
import time
import warnings

import numpy as np
import pandas as pd
import pandera.pandas as pa

warnings.filterwarnings("ignore")
columns = {}
for i in range(8):
    bound = 3 * 10 ** (i % 4)
    columns[f"d{i}"] = pa.Column(float, pa.Check.in_range(-bound, bound), nullable=True)
for i in range(4):
    whole = pa.Check(lambda values: values % 1 == 0)
    columns[f"i{i}"] = pa.Column(float, [pa.Check.ge(-900 if i % 2 else 0), whole], nullable=True)
for i, levels in enumerate((3, 12, 60, 1000)):
    allowed = [f"level {j}" if i % 2 else f"k{j}" for j in range(levels)]
    columns[f"c{i}"] = pa.Column(None, pa.Check.isin(allowed), nullable=True)
for name in ("b0", "b1"):
    columns[name] = pa.Column(None, nullable=True)
for name in ("t0", "t1"):
    columns[name] = pa.Column("datetime64", nullable=True, coerce=True)
checks = [pa.Check(lambda frame, name=name: bool(frame[name].isna().mean() <= 0.1)) for name in columns]
schema = pa.DataFrameSchema(columns, checks=checks)


def processor():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def check(frame):
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        if error.failure_cases["index"].isna().any():
            raise
        return error.failure_cases
    return pd.DataFrame({"index": []})


def profile(frame):
    step = max(1, len(frame) // 100_000)
    for name, values in frame.items():
        if values.dtype.kind in "fM":
            values.agg(["count", "min", "max", "mean"])
            sample = values.iloc[::step].dropna()
            sample.quantile([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
            sample.nunique()
        if values.dtype.kind == "f":
            np.histogram(sample, bins=10)
            low, high = sample.quantile([0.25, 0.75])
            ((values < low - 3 * (high - low)) | (values > high + 3 * (high - low))).sum()
    frame.iloc[::step].select_dtypes("number").corr()
    levels = {name: frame[name].value_counts() for name in frame.columns if name[0] in "cb"}
    return frame.isna().sum(), levels, int(frame.duplicated().sum())


before = processor()
start = time.perf_counter()
frame = pd.read_csv(sys.argv[1], parse_dates=["t0", "t1"])
broken = check(frame)
missing, levels, repeated = profile(frame)
kept = frame.drop(index=broken["index"].unique()).drop_duplicates()
seconds = time.perf_counter() - start
cpu = processor() - before

numbers = frame[[name for name in frame.columns if name[0] in "di"]]
found = {
    "nBroken": len(broken),
    "nRepeated": repeated,
    "nKept": len(kept),
    "missing": [int(count) for count in missing],
    "levels": [[int(n) for n in levels[f"c{i}"].head(10)] for i in range(4)],
    "ranges": [float(x) for name in numbers for x in (numbers[name].min(), numbers[name].max())],
}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
means = [float(mean) for mean in numbers.mean()]
print(json.dumps({"seconds": seconds, "cpu": cpu, "peakMb": peak, "found": found, "means": means}))
