"""Answers of an ONNX file for columns given as JSON (model.onnx, columns.json), as JSON. Needs requirements.txt."""
import json
import sys

import numpy as np
import onnx
import onnxruntime

path, columns = sys.argv[1], json.load(open(sys.argv[2]))
onnx.checker.check_model(onnx.load(path), full_check=True)
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
inputs = {}
for one in session.get_inputs():
    cells = columns[one.name]
    if one.type == "tensor(string)":
        array = np.array(["" if cell is None else cell for cell in cells], dtype=object)
    else:
        array = np.array([np.nan if cell is None else float(cell) for cell in cells])
    inputs[one.name] = array.reshape(-1, 1)
names = [one.name for one in session.get_outputs()]
answers = {name: array.tolist() for name, array in zip(names, session.run(names, inputs))}
json.dump(answers, sys.stdout)
