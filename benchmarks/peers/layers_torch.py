"""One of benchmarks/networks in PyTorch: eager with the plain Adam, or with the fused one in three modes."""

import argparse
import time

import torch
from torch import nn

from benchmarks.networks import CHANNELS_FIRST, NETWORKS, YES_OR_NO, in_torch
from benchmarks.peers.layers_report import report, skip

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("name", choices=NETWORKS)
parser.add_argument("--mode", choices=("eager", "fused", "channels_last", "compile", "graphs"), default="eager")
parser.add_argument("--epochs", type=int, default=6, help="the first is not counted")
parser.add_argument("--seed", type=int, default=0)
given = parser.parse_args()

where = "cuda" if torch.cuda.is_available() else "cpu"
network = NETWORKS[given.name]
x, y = (torch.from_numpy(array).to(where) for array in network.data(network.rows))
if given.name in CHANNELS_FIRST:
    x = x.permute(0, 3, 1, 2).contiguous()
if not x.is_floating_point():
    x = x.long()
yes_or_no = network.loss == YES_OR_NO
y = y.float()[:, None] if yes_or_no else y.long()
torch.manual_seed(given.seed)
model = getattr(in_torch, given.name)().to(where)
if given.mode == "channels_last":
    x, model = x.to(memory_format=torch.channels_last), model.to(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(model.parameters(), eps=1e-7, fused=given.mode != "eager")
loss_function = nn.BCEWithLogitsLoss() if yes_or_no else nn.CrossEntropyLoss()


def cost(x, y):
    # One loss for every step of a sequence where there is a target for each.
    return loss_function(model(x).flatten(0, -2), y.flatten(0, -2) if yes_or_no else y.flatten())


if given.mode in ("compile", "graphs"):
    # On a GPU "reduce-overhead" records an update as a CUDA graph.
    cost = torch.compile(cost, dynamic=False, mode="reduce-overhead" if given.mode == "graphs" else None)


def update(rows):
    optimizer.zero_grad()
    loss = cost(x[rows], y[rows])
    loss.backward()
    optimizer.step()
    return loss.detach()


began = time.perf_counter()
try:
    update(torch.arange(network.batch, device=where))
except Exception as error:
    if given.mode not in ("compile", "graphs"):
        raise
    skip(f"torch.compile does not work here: {type(error).__name__}")
first = time.perf_counter() - began
epochs, losses = [], []
for _ in range(given.epochs):
    began = time.perf_counter()
    total = torch.zeros((), device=where)
    for rows in torch.randperm(len(x), device=where).split(network.batch):
        total += update(rows)
    losses.append(total.item() / network.updates)
    epochs.append(time.perf_counter() - began)
parameters = sum(weight.numel() for weight in model.parameters())
report(epochs, network.updates, losses[-1], parameters, first=first)
