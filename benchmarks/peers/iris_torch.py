"""Iris in PyTorch, the usual eager loop; with --fused by the fused Adam."""

import sys
import time

import torch
from iris_data import AGAIN, EPOCHS, read, report, split
from torch import nn

x_train, x_test, y_train, y_test = map(torch.from_numpy, split(*read()))


def train():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 30), nn.ReLU(), nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused="--fused" in sys.argv)
    loss_function = nn.CrossEntropyLoss()
    history = []
    began = time.perf_counter()
    for _ in range(EPOCHS):
        for row in torch.randperm(len(x_train)).split(1):
            optimizer.zero_grad()
            loss = loss_function(model(x_train[row]), y_train[row])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            history.append(loss_function(model(x_test), y_test).item())
    return model, time.perf_counter() - began


model, seconds = train()
with torch.no_grad():
    accuracy = (model(x_test).argmax(1) == y_test.argmax(1)).float().mean().item()
report(accuracy, [seconds, train()[1]] if AGAIN else [seconds], x_test)
