"""scikit-learn's model of adult, as large as ours: boosting of 100 trees of 31 leaves over a frame whose texts it codes."""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder


def fit_adult(csv):
    """The fitted pipeline and the frame of its inputs."""
    data = pd.read_csv(csv)
    inputs = data.drop(columns="income")
    coder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    texts = make_column_selector(dtype_exclude="number")
    boosting = HistGradientBoostingClassifier(
        max_iter=100, max_leaf_nodes=31, early_stopping=False, categorical_features=list(range(len(texts(inputs))))
    )
    model = make_pipeline(make_column_transformer((coder, texts), remainder="passthrough"), boosting)
    return model.fit(inputs, data["income"]), inputs
