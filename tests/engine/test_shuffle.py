"""The order of rows: a permutation, padding last and without effect, even over seeds and epochs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jindan.engine.shuffle import mix, order


def orders(seeds, epochs, capacity, count):
    """All orders of some seeds and epochs, (seeds, epochs, capacity)."""
    call = jax.vmap(jax.vmap(order, in_axes=(None, 0, None, None)), in_axes=(0, None, None, None))
    call = jax.jit(call, static_argnums=(2,))
    return np.asarray(call(jnp.asarray(seeds, jnp.uint32), jnp.asarray(epochs, jnp.int32), capacity, np.int32(count)))


@pytest.mark.parametrize(("capacity", "count"), [(1, 1), (8, 8), (12, 9), (100, 1), (1000, 999)])
def test_a_permutation_with_the_padding_last(capacity, count):
    for found in orders([0, 7, 2**32 - 1], [0, 1, 500], capacity, count).reshape(-1, capacity):
        assert sorted(found[:count]) == list(range(count))
        assert found[count:].tolist() == list(range(count, capacity))


def test_padding_changes_nothing():
    plain = orders([3, 4], range(20), 37, 37)
    for capacity in (40, 64, 1000, 4096, 4100):  # the last two are sorted in other ways
        np.testing.assert_array_equal(orders([3, 4], range(20), capacity, 37)[..., :37], plain)


def test_epochs_and_seeds_differ():
    found = orders(range(20), range(20), 50, 50).reshape(400, 50)
    assert len({row.tobytes() for row in found}) == 400
    # A later epoch of one seed is not an earlier one of the next.
    np.testing.assert_array_equal(orders([5], [3], 50, 50), orders([5], [3], 50, 50))


def test_every_row_is_equally_often_everywhere():
    """χ² over rows × places for 3,000 orders of 16 rows; seeds and epochs are fixed, so is the result."""
    found = orders(range(50), range(60), 16, 16).reshape(-1, 16)
    table = np.zeros((16, 16))
    np.add.at(table, (np.tile(np.arange(16), len(found)), found.ravel()), 1)
    # 15 × 15 degrees of freedom: rows and columns of the table have fixed sums.
    statistic = ((table - len(found) / 16) ** 2 / (len(found) / 16)).sum()
    assert stats.chi2.sf(statistic, 15 * 15) > 1e-3


def test_neighbours_are_independent():
    """Whether row 0 comes before row 1 is a fair coin, and consecutive epochs do not agree more than by chance."""
    found = orders(range(60), range(60), 10, 10)
    place = found.argsort(-1)
    before = place[..., 0] < place[..., 1]
    assert stats.binomtest(int(before.sum()), before.size).pvalue > 1e-3
    same = before[:, 1:] == before[:, :-1]
    assert stats.binomtest(int(same.sum()), same.size).pvalue > 1e-3


def test_mix_flips_half_of_the_bits():
    bits = jnp.asarray(np.random.default_rng(0).integers(0, 2**32, 2000, dtype=np.uint64).astype(np.uint32))
    for position in (0, 13, 31):
        changed = np.asarray(mix(bits) ^ mix(bits ^ jnp.uint32(1 << position)))
        flips = np.unpackbits(changed.view(np.uint8)).mean()
        assert flips == pytest.approx(0.5, abs=5 * 0.5 / (32 * 2000) ** 0.5)  # five standard errors
