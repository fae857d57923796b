"""Writes Arrow files as pyarrow packs them, with what they hold as JSON lines: python make_arrow.py (pyarrow 14 or newer)."""
import datetime as dt
import decimal
import json
import pathlib

import pyarrow as pa
import pyarrow.feather as feather

folder = pathlib.Path(__file__).parent / "arrow"
D = decimal.Decimal
utc = dt.timezone.utc
n = 300
table = pa.table({
    "i8": pa.array([i % 100 - 50 for i in range(n)], pa.int8()),
    "i64": pa.array([None if i % 7 == 0 else 9007199254740993 + i for i in range(n)], pa.int64()),
    "u64": pa.array([18446744073709551615 - i for i in range(n)], pa.uint64()),
    "f32": pa.array([i / 2 for i in range(n)], pa.float32()),
    "f64": pa.array([float("nan") if i == 3 else 0.1 * i for i in range(n)], pa.float64()),
    "ok": pa.array([None if i == 5 else i % 2 == 0 for i in range(n)], pa.bool_()),
    "text": pa.array([None if i == 2 else f'row {i} "ü🙂", x' for i in range(n)], pa.string()),
    "large": pa.array([f"l{i % 3}" for i in range(n)], pa.large_string()),
    "level": pa.array([["a", "b", None][i % 3] for i in range(n)], pa.string()).dictionary_encode(),
    "dec": pa.array([D("12345678901234567.89") if i == 1 else D(i) / 4 for i in range(n)], pa.decimal128(30, 2)),
    "day": pa.array([dt.date(1969, 12, 30) + dt.timedelta(days=i) for i in range(n)], pa.date32()),
    "us": pa.array([dt.datetime(2024, 1, 2, 3, 4, 5, i) for i in range(n)], pa.timestamp("us")),
    "ns": pa.array([1704164645000000001 + i for i in range(n)], pa.timestamp("ns", tz="Europe/Berlin")),
    "none": pa.nulls(n),
    "blob": pa.array([b"\x00\xff"] * n, pa.binary()),
    "list": pa.array([[i] for i in range(n)], pa.list_(pa.int32())),
})
for packing in ["uncompressed", "lz4", "zstd"]:
    feather.write_feather(table, folder / f"{packing}.feather", compression=packing, chunksize=128)
with pa.OSFile(str(folder / "stream.arrows"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
    writer.write_table(table, max_chunksize=100)


def plain(value):
    if isinstance(value, (D, bytes)):
        return str(value)
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    return value


names = ["i8", "i64", "u64", "f32", "f64", "ok", "text", "large", "level", "dec", "day", "us"]
rows = [{k: plain(v) for k, v in row.items()} for row in table.select(names).slice(0, 12).to_pylist()]
for row in rows:
    row["i64"] = None if row["i64"] is None else str(row["i64"])
    row["u64"] = str(row["u64"])
    row["f64"] = None if row["f64"] != row["f64"] else row["f64"]
(folder / "rows.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
