"""The MLP in plain JAX: a compiled update called from Python for every batch, rows gathered inside it."""

import time

import jax
import jax_net
import numpy as np
from mlp_data import BATCH, DECAY, EPOCHS, RATE, SEED, SIZES, read, report

x_train, y_train, x_test, y_test = read()
one_hot = np.eye(10, dtype=np.float32)
x, y = jax.device_put((x_train, one_hot[y_train]))
generator = np.random.default_rng(SEED)
epochs = []
began = time.perf_counter()
state = jax_net.init(jax.random.key(SEED), SIZES)
for epoch in range(EPOCHS):
    start = time.perf_counter()
    order = generator.permutation(len(x)).astype(np.int32)
    losses = []
    for first in range(0, len(order), BATCH):
        state, loss = jax_net.step(state, x, y, order[first : first + BATCH], RATE * DECAY**epoch)
        losses.append(loss)
    jax.block_until_ready(state)
    epochs.append(time.perf_counter() - start)
seconds = time.perf_counter() - began
accuracy = jax_net.accuracy(state[0], x_test, one_hot[y_test])
report(accuracy, epochs[1:] or epochs, seconds, len(losses))
