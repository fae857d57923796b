"""Fits PyTorch's network on a table of fit_data.py and prints as JSON: seconds of the fit, test log loss, test AUC and peak memory.

Usage: fit_network.py FOLDER LAYERS EPOCHS BATCH_ROWS THREADS SEED. LAYERS like 64-32. Needs torch alone.
"""

import json
import resource
import sys
import time

import torch

folder, layers, epochs, batch_rows, threads, seed = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
torch.set_num_threads(threads)
torch.manual_seed(seed)
with open(f"{folder}/shape.json") as file:
    shape = json.load(file)


def table(name, rows):
    columns = torch.from_file(f"{folder}/{name}.f32", size=rows * shape["columns"], dtype=torch.float32)
    labels = torch.from_file(f"{folder}/{name}.u8", size=rows, dtype=torch.uint8)
    return columns.view(shape["columns"], rows).T.contiguous(), labels.float()


def network(inputs):
    units = [inputs, *map(int, layers.split("-"))]
    hidden = [part for a, b in zip(units, units[1:]) for part in (torch.nn.Linear(a, b), torch.nn.ReLU())]
    return torch.nn.Sequential(*hidden, torch.nn.Linear(units[-1], 1))


x, y = table("train", shape["rows"])
start = time.perf_counter()
mean, deviation = x.mean(0), x.std(0, correction=0)
x = (x - mean) / deviation
model = network(shape["columns"])
adam = torch.optim.Adam(model.parameters(), lr=0.001)
log_loss = torch.nn.BCEWithLogitsLoss()
for _ in range(epochs):
    order = torch.randperm(len(x))
    for rows in order.split(batch_rows):
        adam.zero_grad()
        log_loss(model(x[rows]).squeeze(1), y[rows]).backward()
        adam.step()
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
x, y = table("test", shape["testRows"])
with torch.no_grad():
    scores = model((x - mean) / deviation).squeeze(1)
    loss = log_loss(scores, y).item()
positive = y[scores.argsort()].nonzero().squeeze(1).double() + 1
n = len(positive)
auc = (positive.sum().item() - n * (n + 1) / 2) / (n * (len(y) - n))
print(json.dumps({"seconds": seconds, "loss": loss, "auc": auc, "peakMb": peak}))
