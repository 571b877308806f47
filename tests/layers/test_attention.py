"""Attention against PyTorch and Keras: values, gradients, causal and padding masks; embeddings and positions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

from jindan.layers import Embedding, MultiHeadAttention, PositionalEncoding, PositionEmbedding
from jindan.layers.base import Context
from jindan.layers.network import Network
from jindan.layers.wiring import Wiring
from jindan.ops.lookup import SMALL, lookup

RNG = np.random.default_rng(417)


def weights_of(layer, shapes):
    n = len(shapes)
    wiring = Wiring(nodes=((0, tuple(range(n))),), outputs=(n,), inputs=n)
    network = Network((layer,), tuple(shapes) if n > 1 else shapes[0], wiring)
    w = network.join(*network.init(0, np.float64))[0]
    return {name: jnp.asarray(v + 0.1 * RNG.normal(size=v.shape)) for name, v in w.items()}


def as_torch_module(torch, layer, w, width):
    """torch.nn.MultiheadAttention with these weights; it wants heads · key_dim = width."""
    module = torch.nn.MultiheadAttention(width, layer.num_heads, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        joined = [np.asarray(w[f"{n}.kernel"]).reshape(width, -1).T for n in ("query", "key", "value")]
        module.in_proj_weight.copy_(torch.tensor(np.concatenate(joined)))
        biases = [np.asarray(w[f"{n}.bias"]).reshape(-1) for n in ("query", "key", "value")]
        module.in_proj_bias.copy_(torch.tensor(np.concatenate(biases)))
        module.out_proj.weight.copy_(torch.tensor(np.asarray(w["output.kernel"]).reshape(-1, width).T.copy()))
        module.out_proj.bias.copy_(torch.tensor(np.asarray(w["output.bias"])))
    return module


@pytest.mark.parametrize(("rows", "time", "heads", "causal"), [(1, 1, 1, False), (2, 5, 2, False), (3, 4, 4, True)])
def test_self_attention_as_in_torch(rows, time, heads, causal, x64):
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    width = 8
    layer = MultiHeadAttention(heads, width // heads, use_causal_mask=causal)
    w, x, mix = weights_of(layer, [(time, width)]), RNG.normal(size=(rows, time, width)), RNG.normal(size=(time, width))
    mask = np.ones((rows, time))
    mask[0, time // 2 + 1 :] = 0
    mix = mix * mask[:, :, None]  # what masked queries read, PyTorch does not settle: it only hides keys

    @jax.jit
    def out(w, x):
        return layer.apply(w, [x], Context(mask=[jnp.asarray(mask)]))

    slopes = jax.jit(jax.grad(lambda w, x: jnp.sum(mix * out(w, x)), argnums=(0, 1)))(w, jnp.asarray(x))
    module = as_torch_module(torch, layer, w, width)
    t = torch.tensor(x, requires_grad=True)
    hidden = torch.triu(torch.ones(time, time, dtype=torch.bool), 1) if causal else None
    theirs, _ = module(t, t, t, key_padding_mask=torch.tensor(mask == 0), attn_mask=hidden)
    (theirs * torch.tensor(mix)).sum().backward()
    agree(out(w, jnp.asarray(x)) * mask[:, :, None], theirs.detach().numpy() * mask[:, :, None], 1e-10)
    agree(slopes[1], t.grad.numpy(), 1e-9)
    if time > 1:  # with one place to read from, the query has no slope but rounding
        ours = np.asarray(slopes[0]["query.kernel"]).reshape(width, -1)
        agree(ours, module.in_proj_weight.grad.numpy()[:width].T, 1e-9)
    agree(slopes[0]["output.bias"], module.out_proj.bias.grad.numpy(), 1e-10)


def test_attention_to_another_sequence_as_in_keras(keras64):
    layer = MultiHeadAttention(2, 3, value_dim=3, output_features=5)
    shapes = [(3, 4), (6, 2), (6, 7)]
    w = weights_of(layer, shapes)
    query, value, key = (RNG.normal(size=(2, *form)) for form in shapes)
    theirs = keras64.layers.MultiHeadAttention(2, 3, value_dim=3, output_shape=5, dtype="float64")
    theirs.build((2, *shapes[0]), (2, *shapes[1]), (2, *shapes[2]))
    names = [f"{n}.{k}" for n in ("query", "key", "value", "output") for k in ("kernel", "bias")]
    theirs.set_weights([np.asarray(w[n]) for n in names])
    assert list(w) == names
    ours = jax.jit(lambda w, *x: layer.apply(w, list(x), Context(mask=[None] * 3)))(w, query, value, key)
    agree(ours, np.asarray(theirs(query, value, key)))


def test_a_causal_place_does_not_see_what_follows(x64):
    layer = MultiHeadAttention(2, 3, use_causal_mask=True)
    w, x = weights_of(layer, [(5, 4)]), RNG.normal(size=(2, 5, 4))
    later = x.copy()
    later[:, 3:] += 1
    compiled = jax.jit(lambda w, x: layer.apply(w, [x], Context(mask=[None])))
    first, second = (np.asarray(compiled(w, v)) for v in (x, later))
    np.testing.assert_allclose(first[:, :3], second[:, :3], rtol=0, atol=1e-14)
    assert not np.allclose(first[:, 3:], second[:, 3:])


@pytest.mark.parametrize("entries", [1, 7, SMALL + 1])
def test_the_slope_of_a_lookup_adds_up_equal_numbers(entries, x64):
    table, ids = RNG.normal(size=(entries, 3)), RNG.integers(0, entries, (4, 5))
    mix = RNG.normal(size=(4, 5, 3))
    slope = jax.jit(jax.grad(lambda t: jnp.sum(mix * lookup(t, jnp.asarray(ids)))))(jnp.asarray(table))
    wanted = np.zeros_like(table)
    np.add.at(wanted, ids.reshape(-1), mix.reshape(-1, 3))
    agree(slope, wanted, 1e-12)


def test_embedding_masks_its_zeros():
    layer, ids = Embedding(5, 2, mask_zero=True), jnp.asarray([[3, 0, 0], [1, 2, 4]])
    np.testing.assert_array_equal(layer.mask_of(ids, None), [[1, 0, 0], [1, 1, 1]])
    assert Embedding(5, 2).mask_of(ids, None) is None


def test_positions():
    table = PositionalEncoding().table(50, 6)
    np.testing.assert_allclose(table[0], [0, 1, 0, 1, 0, 1])
    np.testing.assert_allclose(table[7, 2:4], [np.sin(7 / 10_000 ** (2 / 6)), np.cos(7 / 10_000 ** (2 / 6))])
    # A shift by k is one rotation, wherever it starts: scalar products depend on the distance alone.
    products = table @ table.T
    np.testing.assert_allclose(products[3, 10], products[20, 27], rtol=1e-12)
    layer = PositionEmbedding()
    w = {"position_embeddings": RNG.normal(size=(4, 2))}
    x = RNG.normal(size=(3, 4, 2))
    np.testing.assert_allclose(layer.apply(w, x, Context()), x + w["position_embeddings"])


@pytest.mark.parametrize(("queries", "keys"), [(2, 5), (5, 2), (4, 4)])
def test_the_causal_triangle_of_unequal_lengths_is_that_of_keras(queries, keys):
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    rng = np.random.default_rng(0)
    q, v = rng.normal(size=(2, queries, 4)).astype("f"), rng.normal(size=(2, keys, 4)).astype("f")
    layer = MultiHeadAttention(2, 3, use_causal_mask=True)
    w = {
        n: jnp.asarray(rng.normal(size=s.shape), "float32") for n, s in layer.weights(((queries, 4), (keys, 4))).items()
    }
    theirs = keras.layers.MultiHeadAttention(2, 3)
    theirs.build(q.shape, v.shape)
    theirs.set_weights([np.asarray(a) for a in w.values()])
    found = jax.jit(lambda w, *x: layer.apply(w, list(x), Context(mask=[None, None])))(w, q, v)
    np.testing.assert_allclose(found, np.asarray(theirs(q, v, use_causal_mask=True)), rtol=1e-4, atol=1e-5)
