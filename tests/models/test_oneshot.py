"""Episodes of one-shot learning: losses against PyTorch, draws, turns, and updates shared among devices."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan.engine import devices
from jindan.engine.program import Batch, train_program
from jindan.errors import InputError, ShapeError
from jindan.layers import Dense
from jindan.layers.network import Network
from jindan.models.oneshot import EpisodeProgram, by_class, quarter_turns, same_logits, squared_distances, trunk
from jindan.models.oneshot_gallery import Gallery

RNG = np.random.default_rng(0)
torch = pytest.importorskip("torch")


def plain(classes, size=3, units=4, **settings):
    """One dense layer, so that PyTorch can be asked for the loss and its slopes."""
    return EpisodeProgram(Network((Dense(units),), (size,)), classes, dtype="float64", **settings)


def stepped(program, rows, codes):
    """Of one update: the state before, its slopes, the state after, figures, the episode's rows and which count."""
    devices.start()
    data = by_class(rows, codes, 1)[0]

    @jax.jit
    def every(x, state, key):
        after, figures = program.step(state, Batch(x, jnp.ones(len(rows))), {"learning_rate": jnp.asarray(0.01)}, key)
        drawn, known = program.episode(x, key)
        slopes = program._slopes(None, (state["trained"], state["head"]), state["fixed"], drawn, known, key)[1]
        return slopes, after, figures, drawn, known

    with jax.enable_x64(True):
        state = program.init(3, {})
        return state, *jax.tree.map(np.asarray, every(data, state, jax.random.key(7)))


@pytest.mark.parametrize("method", ["prototypical", "siamese"])
@pytest.mark.parametrize("shots", [1, 2])
def test_loss_and_slopes_against_pytorch(method, shots):
    ways, queries = 5, 3
    program = plain(9, method=method, ways=ways, shots=shots, queries=queries)
    before, slopes, after, figures, drawn, _ = stepped(program, RNG.normal(size=(63, 3)), np.arange(63) % 9)
    kernel = torch.tensor(before["trained"][0]["kernel"], requires_grad=True)
    bias = torch.tensor(before["trained"][0]["bias"], requires_grad=True)
    found = (torch.tensor(drawn) @ kernel + bias).reshape(ways, shots + queries, -1)
    examples, asking = found[:, :shots], found[:, shots:].reshape(ways * queries, -1)
    truth = torch.arange(ways).repeat_interleave(queries)
    if method == "prototypical":
        logits = -(torch.cdist(asking, examples.mean(1)) ** 2)
        loss = torch.nn.functional.cross_entropy(logits, truth)
    else:
        alpha, beta = (torch.tensor(before["head"][name]) for name in ("kernel", "bias"))
        pairs = [
            [(asking[q].sigmoid() - examples[k, s].sigmoid()).abs() @ alpha + beta for s in range(shots)]
            for q in range(len(asking))
            for k in range(ways)
        ]
        logits = torch.stack([torch.stack(pair) for pair in pairs]).reshape(-1, ways, shots)
        same = (truth[:, None] == torch.arange(ways)).double()[..., None].expand(-1, -1, shots)
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits, same, reduction="none").mean(-1)
        loss = (0.5 * each * same[..., 0] + 0.5 * each * (1 - same[..., 0]) / (ways - 1)).sum(1).mean()
        logits = logits.max(-1).values
    loss.backward()
    assert figures[0] == pytest.approx(loss.item(), rel=1e-10)
    assert figures[1] == pytest.approx((logits.argmax(1) == truth).double().mean().item())
    np.testing.assert_allclose(slopes[0][0]["kernel"], kernel.grad.numpy(), rtol=1e-8, atol=1e-12)
    moved = after["trained"][0]["kernel"] - before["trained"][0]["kernel"]
    np.testing.assert_array_equal(np.sign(moved), -np.sign(kernel.grad.numpy()))


def test_where_there_are_few_rows_fewer_ask():
    """A class with three rows and places for five has two askers, and what fills the places has no say."""
    rows, codes = RNG.normal(size=(17, 3)), np.repeat([0, 1, 2], [7, 3, 7])
    program = plain(3, ways=8, queries=4)
    before, _, after, figures, drawn, known = stepped(program, rows, codes)
    known = known.reshape(3, 5)
    assert sorted(known.sum(1).tolist()) == [3, 5, 5]
    weights = before["trained"][0]
    found = (drawn @ weights["kernel"] + weights["bias"]).reshape(3, 5, -1)
    costs = []
    for k in range(3):
        for q in range(1, int(known[k].sum())):
            distances = ((found[k, q] - found[:, 0]) ** 2).sum(1)
            costs.append(distances[k] + np.log(np.exp(-distances).sum()))
    assert len(costs) == 10
    assert figures[0] == pytest.approx(np.mean(costs), rel=1e-10)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(after))


def test_draws_are_different_rows_of_different_classes():
    rows, codes = np.arange(60.0)[:, None], np.repeat(np.arange(6), [8, 12, 9, 11, 12, 8])
    program, seen = plain(6, 1, ways=4, shots=2, queries=4), []
    devices.start()
    with jax.enable_x64(True):
        episodes = jax.jit(jax.vmap(program.episode, (None, 0)))
        every = np.asarray(episodes(by_class(rows, codes, 1)[0], jax.random.split(jax.random.key(0), 40))[0])
    for drawn in every.reshape(40, 4, 6).astype(int):
        assert all(len(set(own)) == 6 for own in drawn.tolist())
        classes = codes[drawn]
        assert (classes == classes[:, :1]).all()
        assert len(set(classes[:, 0])) == 4
        seen.append(drawn.ravel())
    # Each of 60 rows is expected 16 times (12 rows a class) or more (8 a class): none is left out or preferred.
    counts = np.bincount(np.concatenate(seen), minlength=60)
    expected = 40 * 4 / 6 * 6 / np.bincount(codes)[codes]
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected)).all()


def test_quarter_turns_against_numpy():
    rows = RNG.normal(size=(4, 2, 5, 5, 3))
    found = np.asarray(quarter_turns(jnp.asarray(rows), jnp.arange(4)))
    for k in range(4):
        np.testing.assert_array_equal(found[k], np.rot90(rows[k], k, (1, 2)).astype(np.float32))


def test_distances_and_logits_against_numpy():
    a, b = RNG.normal(size=(3, 4)), RNG.normal(size=(5, 4))
    wanted = ((a[:, None] - b) ** 2).sum(-1)
    np.testing.assert_allclose(squared_distances(jnp.asarray(a), jnp.asarray(b)), wanted, rtol=1e-5)
    head = {"kernel": RNG.normal(size=4), "bias": np.asarray(0.3)}
    s = 1 / (1 + np.exp(-a)), 1 / (1 + np.exp(-b))
    wanted = 0.3 + np.abs(s[0][:, None] - s[1]) @ head["kernel"]
    np.testing.assert_allclose(same_logits(head, jnp.asarray(a), jnp.asarray(b)), wanted, rtol=1e-5)
    gallery = Gallery("siamese", head).add(b, [2, 1, 2, 0, 1])
    np.testing.assert_allclose(
        gallery.logits(a), np.stack([wanted[:, 3], wanted[:, [1, 4]].max(1), wanted[:, [0, 2]].max(1)], 1), rtol=1e-10
    )


@pytest.mark.parametrize("method", ["prototypical", "siamese"])
def test_devices_share_an_update(method):
    """Two devices give what one gives, up to the order of sums."""
    devices.start()
    if devices.several() < 2:
        pytest.skip("one device")
    net = Network(tuple(trunk((8, 8, 1), filters=(4, 8))), (8, 8, 1))
    one = EpisodeProgram(net, 8, method, ways=6, queries=3, turned=True)
    rows, codes = RNG.normal(size=(43, 8, 8, 1)).astype(np.float32), np.repeat(np.arange(8), [6, 5, 6, 6, 2, 6, 6, 6])
    data = by_class(rows, codes, 2)[0]
    assert one.shared() is one, "so little work is not shared"
    two = dataclasses.replace(one, shards=devices.several())
    a, b = (train_program(p, data, epochs=2, values=[{"learning_rate": 1e-3}])[0] for p in (one, two))
    np.testing.assert_allclose(a.history["loss"], b.history["loss"], rtol=1e-4)
    for u, v in zip(jax.tree.leaves(a.state), jax.tree.leaves(b.state), strict=True):
        np.testing.assert_allclose(u, v, rtol=0.02, atol=2e-3)


def test_a_member_alone_is_the_same():
    net = Network(tuple(trunk((5,), hidden=(8,), embedding=4)), (5,))
    program = EpisodeProgram(net, 7, ways=4, queries=2, decay=20)
    data = by_class(RNG.normal(size=(28, 5)).astype(np.float32), np.arange(28) % 7, 2)[0]
    seeds, rates = [1, 2, 1], [{"learning_rate": r} for r in (0.01, 0.01, 0.03)]
    every = train_program(program, data, epochs=5, seeds=seeds, values=rates)
    for seed, rate, member in zip(seeds, rates, every, strict=True):
        alone = train_program(program, data, epochs=5, seeds=[seed], values=[rate])[0]
        np.testing.assert_allclose(member.history["loss"], alone.history["loss"], rtol=1e-5)
    assert every[0].history["loss"] != every[1].history["loss"] != every[2].history["loss"]


def test_rows_by_class():
    rows, codes = RNG.normal(size=(11, 2)), np.array([0, 1, 1, 2, 2, 2, 4, 4, 4, 4, 0])
    data, classes = by_class(rows, codes, 2)
    assert classes == 4
    assert data["counts"][:4].tolist() == [2, 2, 3, 4]
    assert not data["counts"][4:].any()
    for place, code in enumerate([0, 1, 2, 4]):
        begin, count = data["begin"][place], data["counts"][place]
        np.testing.assert_array_equal(data["rows"][begin : begin + count], rows[codes == code])


def test_galleries():
    z = RNG.normal(size=(6, 3))
    gallery = Gallery("cosine").add(z[:3], ["b", "a", "b"])
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    centre = (unit[0] + unit[2]) / np.linalg.norm(unit[0] + unit[2])
    np.testing.assert_allclose(gallery.logits(z), 10 * np.stack([unit @ unit[1], unit @ centre], 1), rtol=1e-10)
    assert gallery.add(z[3:4], ["aa"]).labels.tolist() == ["a", "aa", "b"]
    assert gallery.without(["b"]).labels.tolist() == ["a"]
    assert len(gallery.without(["a", "b"])) == 0
    assert gallery.logits(np.zeros((0, 3))).shape == (0, 2)
    assert np.isfinite(gallery.logits(np.zeros((1, 3)))).all()
    with pytest.raises(InputError, match="one kind"):
        gallery.add(z[:1], [7])
    with pytest.raises(InputError, match="not enrolled"):
        gallery.without(["c"])
    with pytest.raises(InputError, match="labels"):
        gallery.add(z[:1], [np.datetime64("2020-01-01")])


def test_trunks():
    assert Network(tuple(trunk((28, 28, 1), filters=(8, 8, 8, 8))), (28, 28, 1)).output_shape == (8,)
    assert Network(tuple(trunk((9, 7, 2), filters=(4,), hidden=(6,), embedding=5)), (9, 7, 2)).output_shape == (5,)
    with pytest.raises(ShapeError, match="halves"):
        trunk((7, 7, 1), filters=(4, 4, 4))
    with pytest.raises(ShapeError, match="images"):
        trunk((7,), filters=(4,))
