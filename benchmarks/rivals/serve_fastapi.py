"""Serves adult's prediction with FastAPI and uvicorn: scikit-learn's boosting of 100 trees of 31 leaves, validated by pydantic.

Usage: serve_fastapi.py CSV frame|arrays. frame: a pipeline over a DataFrame, as its documentation shows it; arrays: the bare
estimator over an array that the handler codes by hand. Prints its address once it listens.
"""

import socket
import sys

import numpy as np
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

csv, way = sys.argv[1:]
data = pd.read_csv(csv)
inputs = data.drop(columns="income")
texts = list(inputs.select_dtypes(exclude="number"))
coder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
transformer = make_column_transformer((coder, make_column_selector(dtype_exclude="number")), remainder="passthrough")
model = make_pipeline(
    transformer,
    HistGradientBoostingClassifier(
        max_iter=100, max_leaf_nodes=31, early_stopping=False, categorical_features=list(range(len(texts)))
    ),
).fit(inputs, data["income"])
levels_of = model[0].named_transformers_["ordinalencoder"].categories_
codes = {name: {level: code for code, level in enumerate(levels)} for name, levels in zip(texts, levels_of)}
order = texts + [name for name in inputs if name not in texts]


class Row(BaseModel):
    age: float
    workclass: str | None = None
    fnlwgt: float
    education: str
    education_num: float
    marital_status: str
    occupation: str | None = None
    relationship: str
    race: str
    sex: str
    capital_gain: float
    capital_loss: float
    hours_per_week: float
    native_country: str | None = None


class Request(BaseModel):
    rows: list[Row]


app = FastAPI()


def answer(shares):
    labels = model.classes_
    return {
        "predictions": [
            {"label": labels[int(one.argmax())], "probabilities": dict(zip(labels, one.tolist()))} for one in shares
        ]
    }


@app.post("/predict")
def predict(request: Request):
    rows = [row.model_dump() for row in request.rows]
    if way == "frame":
        return answer(model.predict_proba(pd.DataFrame(rows, columns=list(inputs))))
    values = [
        [codes[name].get(row[name], np.nan) if name in codes else row[name] for name in order] for row in rows
    ]
    return answer(model[-1].predict_proba(np.array(values, dtype=np.float64)))


listener = socket.create_server(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listener.getsockname()[1]}/predict", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
