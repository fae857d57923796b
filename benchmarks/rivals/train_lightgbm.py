"""Trains LightGBM on a table of fit_data.py and writes it to model.txt. Usage: train_lightgbm.py FOLDER TREES LEAVES"""

import json
import sys

import lightgbm as lgb
import numpy as np

folder, trees, leaves = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(f"{folder}/shape.json") as file:
    columns = json.load(file)["columns"]
x = np.fromfile(f"{folder}/train.f32", np.float32).reshape(columns, -1).T.astype(np.float64)
settings = {"objective": "binary", "num_leaves": leaves, "verbosity": -1}
model = lgb.train(settings, lgb.Dataset(x, np.fromfile(f"{folder}/train.u8", np.uint8), params=settings), trees)
model.save_model(f"{folder}/model.txt")
