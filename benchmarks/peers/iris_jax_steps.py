"""Iris in plain JAX: a compiled update called from Python for every batch."""

import time

import jax
import jax_net
import numpy as np
from iris_data import AGAIN, EPOCHS, read, report, split

x_train, x_test, y_train, y_test = map(jax.device_put, split(*read()))


def train():
    state = jax_net.init(jax.random.key(0), (4, 30, 16, 3))
    generator = np.random.default_rng(0)
    history = []
    began = time.perf_counter()
    for _ in range(EPOCHS):
        order = generator.permutation(len(x_train))[:, None]
        for rows in order:
            state, _ = jax_net.step(state, x_train, y_train, rows)
        history.append(float(jax_net.validation_cost(state[0], x_test, y_test)))
    jax.block_until_ready(state)
    return state[0], time.perf_counter() - began


weights, seconds = train()
accuracy = jax_net.accuracy(weights, x_test, y_test)
report(accuracy, [seconds, train()[1]] if AGAIN else [seconds], x_test)
