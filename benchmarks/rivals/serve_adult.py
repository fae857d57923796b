"""Serves adult's prediction from scikit-learn's model in one process, with every row validated, and prints the address once it listens.

Usage: serve_adult.py CSV WAY
  fastapi-frame   FastAPI and pydantic, the pipeline over a DataFrame, as its documentation shows it
  fastapi-arrays  the same, the bare estimator over an array that the handler codes by hand
  bentoml         a service of BentoML, which validates by pydantic, the pipeline over a DataFrame
  mlflow          MLflow's scorer, which validates by the model's signature
"""

import socket
import sys
import tempfile

import numpy as np
import pandas as pd
import uvicorn
from adult_model import fit_adult
from pydantic import BaseModel


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


def over_frame(model, inputs):
    """What answers rows with the pipeline over a DataFrame."""
    names = list(inputs)
    return lambda rows: answer(model, model.predict_proba(pd.DataFrame([row.model_dump() for row in rows], columns=names)))


def over_arrays(model, inputs):
    """What answers rows with the estimator over an array of their codes and numbers."""
    texts = list(inputs.select_dtypes(exclude="number"))
    levels_of = model[0].named_transformers_["ordinalencoder"].categories_
    codes = {name: {level: code for code, level in enumerate(levels)} for name, levels in zip(texts, levels_of)}
    order = texts + [name for name in inputs if name not in texts]

    def answer_rows(rows):
        fields = [row.model_dump() for row in rows]
        values = [[codes[name].get(row[name], np.nan) if name in codes else row[name] for name in order] for row in fields]
        return answer(model, model[-1].predict_proba(np.array(values, dtype=np.float64)))

    return answer_rows


def answer(model, shares):
    labels = model.classes_
    return {
        "predictions": [
            {"label": labels[int(one.argmax())], "probabilities": dict(zip(labels, one.tolist()))} for one in shares
        ]
    }


def fastapi_app(answer_rows):
    from fastapi import FastAPI

    app = FastAPI()

    @app.post("/predict")
    def predict(request: Request):
        return answer_rows(request.rows)

    return app, "/predict"


def bentoml_app(answer_rows):
    import bentoml

    @bentoml.service
    class Adult:
        @bentoml.api
        def predict(self, rows: list[Row]) -> dict:
            return answer_rows(rows)

    return Adult.to_asgi(), "/predict"


def mlflow_app(model, inputs):
    import mlflow
    from mlflow.pyfunc import scoring_server

    signature = mlflow.models.infer_signature(inputs, model.predict_proba(inputs))
    with tempfile.TemporaryDirectory() as folder:
        mlflow.sklearn.save_model(
            model,
            f"{folder}/adult",
            signature=signature,
            pyfunc_predict_fn="predict_proba",
            serialization_format="cloudpickle",
        )
        return scoring_server.init(mlflow.pyfunc.load_model(f"{folder}/adult")), "/invocations"


ways = {
    "fastapi-frame": lambda *fitted: fastapi_app(over_frame(*fitted)),
    "fastapi-arrays": lambda *fitted: fastapi_app(over_arrays(*fitted)),
    "bentoml": lambda *fitted: bentoml_app(over_frame(*fitted)),
    "mlflow": mlflow_app,
}
csv, way = sys.argv[1:]
app, path = ways[way](*fit_adult(csv))
listener = socket.create_server(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listener.getsockname()[1]}{path}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
