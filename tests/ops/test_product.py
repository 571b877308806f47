"""The turned product: its slopes are those of x W, of any order, in float32 and wherever it is not taken."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan.ops.product import _pays, _turned, product

CASES = [((6, 5), 3), ((2, 3, 5), 4), ((4, 1), 1), ((1, 7), 2), ((9, 4), 128)]


def arrays(shape, outputs):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=shape), rng.normal(size=(shape[-1], outputs))
    return jnp.asarray(x, jnp.float32), jnp.asarray(w, jnp.float32)


def curved(times):
    return lambda x, w: jnp.sin(times(x, w)).sum()


@pytest.mark.parametrize(("shape", "outputs"), CASES)
@pytest.mark.parametrize("by", [0, 1])
@pytest.mark.parametrize(
    "slope", [jax.grad, jax.jacfwd, lambda f, by: jax.grad(lambda *a: (jax.grad(f)(*a) ** 2).sum(), by)]
)
def test_slopes_are_those_of_the_plain_product(shape, outputs, by, slope):
    given = arrays(shape, outputs)
    plain = jax.jit(slope(curved(lambda x, w: x @ w), by))(*given)
    # Sums of a few float32 products in another order.
    np.testing.assert_allclose(jax.jit(slope(curved(_turned), by))(*given), plain, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("shape", "outputs"), CASES)
def test_members_side_by_side_have_the_slopes_of_each_alone(shape, outputs):
    x, w = arrays(shape, outputs)
    xs, ws = jnp.stack([x, 2 * x, -x]), jnp.stack([w, w + 1, w / 2])
    slope = jax.jit(jax.grad(curved(_turned), 1))
    together = jax.jit(jax.vmap(slope))(xs, ws)
    for k in range(3):
        np.testing.assert_allclose(together[k], slope(xs[k], ws[k]), rtol=1e-5, atol=1e-5)


def test_it_is_taken_where_it_pays():
    def pays(rows, features, outputs, kind=jnp.float32):
        return _pays(jnp.zeros((rows, features), kind), jnp.zeros((features, outputs), kind))

    if jax.default_backend() == "cpu":
        assert pays(128, 256, 10)
        assert pays(2048, 128, 65)
    assert not pays(1, 256, 10)  # an outer product
    assert not pays(128, 784, 512)
    assert not pays(10_000, 20, 20)
    assert not pays(128, 256, 10, jnp.bfloat16)
    x, w = arrays((64, 30), 7)
    np.testing.assert_allclose(product(x, w), x @ w, rtol=1e-6)
