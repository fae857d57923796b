"""Scores a Parquet file with pandas and a scikit-learn pipeline and writes the scores to another.

Usage: predict_batch.py MODEL INPUT OUTPUT to score, or predict_batch.py --prepare CSV MODEL INPUT ROWS to fit and to write the input.
"""

import pickle
import sys

import numpy as np
import pandas as pd


def prepare(csv, model_path, input_path, rows):
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    data = pd.read_csv(csv)
    inputs = data.drop(columns="income")
    coder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    texts = make_column_selector(dtype_exclude="number")
    boosting = HistGradientBoostingClassifier(
        max_iter=100, max_leaf_nodes=31, early_stopping=False, categorical_features=list(range(len(texts(inputs))))
    )
    model = make_pipeline(make_column_transformer((coder, texts), remainder="passthrough"), boosting)
    model.fit(inputs, data["income"])
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
