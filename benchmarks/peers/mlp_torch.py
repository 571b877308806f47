"""The MLP in PyTorch: eager, with --compile compiled, with --fused by the fused Adam."""

import sys
import time

import torch
from mlp_data import BATCH, DECAY, EPOCHS, RATE, SEED, read, report, skip
from torch import nn

COMPILE = "--compile" in sys.argv
x_train, y_train, x_test, y_test = map(torch.from_numpy, read())
torch.manual_seed(SEED)
model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=RATE, eps=1e-7, fused="--fused" in sys.argv)
schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, DECAY)
loss_function = nn.CrossEntropyLoss()


def cost(x, y):
    return loss_function(model(x), y)


if COMPILE:
    # The last batch of an epoch is smaller: two static programs are faster than one with a dynamic shape.
    cost = torch.compile(cost, dynamic=False)

epochs = []
began = time.perf_counter()
for _ in range(EPOCHS):
    start = time.perf_counter()
    order = torch.randperm(len(x_train))
    total = 0.0
    for rows in order.split(BATCH):
        optimizer.zero_grad()
        try:
            loss = cost(x_train[rows], y_train[rows])
        except Exception as error:
            if not COMPILE:
                raise
            skip(f"torch.compile does not work here: {type(error).__name__}")
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(rows)
    schedule.step()
    epochs.append(time.perf_counter() - start)
seconds = time.perf_counter() - began
with torch.no_grad():
    accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
report(accuracy, epochs[1:] or epochs, seconds, -(-len(x_train) // BATCH))
