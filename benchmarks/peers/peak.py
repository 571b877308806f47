"""The most float32 operations a second that a large matrix product reaches, by "jax" or "torch" (the argument)."""

import json
import sys
import time

SIZE, TIMES = 2048, 40


def in_jax():
    import jax

    a, b = jax.random.normal(jax.random.key(0), (2, SIZE, SIZE))
    product = jax.jit(jax.numpy.matmul)
    return lambda: product(a, b).block_until_ready()


def in_torch():
    import torch

    a, b = torch.randn(2, SIZE, SIZE)
    return lambda: a @ b


once = {"jax": in_jax, "torch": in_torch}[sys.argv[1]]()
once()
best = float("inf")
for _ in range(TIMES):
    began = time.perf_counter()
    once()
    best = min(best, time.perf_counter() - began)
print(json.dumps({"flops": 2 * SIZE**3 / best}))
