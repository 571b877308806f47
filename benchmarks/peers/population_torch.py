"""Populations in PyTorch: a loop over members, or torch.func.vmap over stacked weights (--vmap)."""

import sys
import time

import population_data as data
import torch
from torch import nn


def xor_loop():
    x, y = map(torch.from_numpy, data.xor())
    loss_function = nn.BCEWithLogitsLoss()
    solved = 0
    began = time.perf_counter()
    for seed in range(data.SEEDS):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
        optimizer = torch.optim.Adam(model.parameters(), lr=data.XOR_RATE)
        for _ in range(data.XOR_EPOCHS):
            optimizer.zero_grad()
            loss = loss_function(model(x), y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            solved += bool(((model(x) > 0).float() == y).all())
    return time.perf_counter() - began, solved / data.SEEDS


def xor_vmap():
    from torch.func import functional_call, grad, stack_module_state, vmap

    x, y = map(torch.from_numpy, data.xor())
    loss_function = nn.BCEWithLogitsLoss()
    began = time.perf_counter()
    models = []
    for seed in range(data.SEEDS):
        torch.manual_seed(seed)
        models.append(nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)))
    weights, _ = stack_module_state(models)
    base = models[0].to("meta")
    slopes = vmap(grad(lambda w: loss_function(functional_call(base, w, (x,)), y)))
    optimizer = torch.optim.Adam(weights.values(), lr=data.XOR_RATE)
    for _ in range(data.XOR_EPOCHS):
        for name, slope in slopes(weights).items():
            weights[name].grad = slope
        optimizer.step()
    with torch.no_grad():
        outputs = vmap(lambda w: functional_call(base, w, (x,)))(weights)
        solved = ((outputs > 0).float() == y).all(2).all(1).float().mean().item()
    return time.perf_counter() - began, solved


def cnn():
    x, y, x_test, y_test = data.mnist()
    x, x_test = (torch.from_numpy(part).permute(0, 3, 1, 2).contiguous() for part in (x, x_test))
    y, y_test = torch.from_numpy(y), torch.from_numpy(y_test)
    best = 0.0
    began = time.perf_counter()
    for number, (rate, drop) in enumerate(data.trials()):
        torch.manual_seed(number)
        model = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(drop), nn.Linear(400, 10),
        )  # fmt: skip
        optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
        loss_function = nn.CrossEntropyLoss()
        for _ in range(data.CNN_EPOCHS):
            for rows in torch.randperm(len(x)).split(data.CNN_BATCH):
                optimizer.zero_grad()
                loss = loss_function(model(x[rows]), y[rows])
                loss.backward()
                optimizer.step()
        model.eval()
        with torch.no_grad():
            best = max(best, (model(x_test).argmax(1) == y_test).float().mean().item())
    return time.perf_counter() - began, best


if __name__ == "__main__":
    task = {"xor": xor_vmap if "--vmap" in sys.argv else xor_loop, "cnn": cnn}[data.TASK]
    times = 1 if task is xor_loop else 2
    found = [task() for _ in range(times)]
    data.report([seconds for seconds, _ in found], found[-1][1])
