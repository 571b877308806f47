"""What tests of watched loops share: a loop of PyTorch, rows, and the same training by jindan."""

from __future__ import annotations

import numpy as np

from jindan.models import Sequential


def rows_of(shape, rows=12, tokens=None, seed=0):
    rng = np.random.default_rng(seed)
    if tokens:
        return rng.integers(0, tokens, (rows, *shape)).astype(np.int64)
    return rng.normal(size=(rows, *shape)).astype(np.float32)


def loop(module, optimizer, loss_fn, x, y, epochs=3, batch=8, after=None):
    """A user's own training loop."""
    import torch

    x, y, losses_seen = torch.as_tensor(x), torch.as_tensor(y), []
    for _ in range(epochs):
        for start in range(0, len(x), batch):
            optimizer.zero_grad()
            loss = loss_fn(module(x[start : start + batch]), y[start : start + batch])
            loss.backward()
            optimizer.step()
            losses_seen.append(float(loss.detach()))
        if after:
            after()
    return losses_seen


def retrained(case, epochs):
    """The loss by epoch of the plan, trained by jindan from the first moment's weights."""
    model = Sequential(case.plan.layers)
    model.build(case.input_shape)
    network = case.plan.network(case.input_shape)
    full = network.join(case.moments[0].trained, case.moments[0].fixed)
    model.set_weights([value for layer in full for value in layer.values()])
    model.compile(optimizer=case.plan.optimizer, loss=case.plan.loss)
    weights = {one.index: one.weight for one in case.plan.class_weight} or None
    found = model.fit(case.data.x, case.data.y, batch_size=case.plan.batch_size, epochs=epochs, shuffle=False,
                      class_weight=weights, verbose=0, doctor=False)  # fmt: skip
    return np.array(found.history["loss"]), model
