"""Scores a Parquet file with pandas and a scikit-learn pipeline and writes the scores to another.

Usage: predict_batch.py MODEL INPUT OUTPUT to score, or predict_batch.py --prepare CSV MODEL INPUT ROWS to fit and to write the input.
"""

import pickle
import sys

import numpy as np
import pandas as pd


def prepare(csv, model_path, input_path, rows):
    from adult_model import fit_adult

    model, inputs = fit_adult(csv)
    with open(model_path, "wb") as file:
        pickle.dump(model, file)
    inputs.iloc[np.arange(int(rows)) % len(inputs)].to_parquet(input_path, index=False)


def score(model_path, input_path, output_path):
    with open(model_path, "rb") as file:
        model = pickle.load(file)
    shares = model.predict_proba(pd.read_parquet(input_path))
    out = pd.DataFrame(shares, columns=[f"probability {label}" for label in model.classes_])
    out.insert(0, "label", model.classes_[shares.argmax(axis=1)])
    out.to_parquet(output_path, index=False)


if sys.argv[1] == "--prepare":
    prepare(*sys.argv[2:])
else:
    score(*sys.argv[1:])
