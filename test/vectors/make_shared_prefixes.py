"""Parquet files whose texts are written as what each shares with the one before (DELTA_BYTE_ARRAY), in every packing.

Writes shared-prefixes.json: files as base64, rows, and the bytes of all texts.
"""

import base64
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

N_ROWS = 300
texts = [None if i % 7 == 0 else f"a/long/path/that/all/share/{i * i:06d}" for i in range(N_ROWS)]
files = {}
for codec in ["none", "gzip", "snappy", "zstd", "brotli", "lz4"]:
    for version in ["1.0", "2.0"]:
        buffer = io.BytesIO()
        pq.write_table(
            pa.table({"a": texts}),
            buffer,
            compression=codec,
            use_dictionary=False,
            column_encoding={"a": "DELTA_BYTE_ARRAY"},
            data_page_version=version,
            store_schema=False,
        )
        files[f"{codec}, pages of version {version}"] = base64.b64encode(buffer.getvalue()).decode()
n_bytes = sum(len(text) for text in texts if text is not None)
target = Path(__file__).parent / "shared-prefixes.json"
target.write_text(json.dumps({"nRows": N_ROWS, "nBytes": n_bytes, "files": files}, indent=1) + "\n")
