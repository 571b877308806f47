"""The benchmarks' own parts: the networks' table, the counting of operations, Kneser-Ney, reviews."""

from __future__ import annotations

import doctest
import itertools
import sys
from collections import Counter, defaultdict
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import common, layers, peak, tables
from benchmarks.networks import NETWORKS, data, flops
from benchmarks.studies.kneser_ney import KneserNey
from benchmarks.studies.reviews import unrepeated

# PyTorch's recurrent layers have two biases where Keras's have one (the GRU with reset_after has two in both).
SECOND_BIAS = {"lstm": 4 * 128, "simplernn": 128}
WITHOUT_FILES = {"conv1d": (2, data.LENGTH), "transformer": (2, 64)}
SHAPES = {"cnn": (2, 1, 28, 28), "vgg": (2, 1, 32, 32), "resnet": (2, 1, 16, 16)}


# -- networks --------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:TF32 acceleration:UserWarning")
@pytest.mark.parametrize("name", NETWORKS)
def test_operations_by_definition_are_those_pytorch_counts(name):
    torch = pytest.importorskip("torch")
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    from benchmarks.networks import in_torch

    network, model = NETWORKS[name], getattr(in_torch, name)()
    trained = sum(weight.numel() for weight in model.parameters())
    assert trained == network.parameters + SECOND_BIAS.get(name, 0)
    if name in WITHOUT_FILES:
        x = torch.zeros(WITHOUT_FILES[name], dtype=torch.long)
    else:
        x = torch.zeros(SHAPES.get(name, (2, 28, 28)))
    counter = FlopCounterMode(display=False)
    # Without oneDNN the recurrent layers, and without the fused kernel attention, show their products.
    with counter, torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH):
        model(x).sum().backward()
    assert counter.get_total_flops() == flops.direct(network.products, 2, 0)


@pytest.mark.parametrize("name", ["lstm", "vgg", "resnet", "transformer"])
def test_data_are_whole(name):
    from benchmarks.common import Skip

    try:
        x, y = NETWORKS[name].data(128)
    except Skip as reason:
        pytest.skip(str(reason))
    assert len(x) == len(y) == 128
    assert x.dtype in (np.float32, np.int32)
    assert y.dtype == np.int32
    if x.dtype == np.int32:
        assert x.min() >= 0
        assert len(np.unique(x)) > 40
    else:
        assert (x.min(), x.max()) == (0, 1)


# -- operations ------------------------------------------------------------------------------------------------------


def test_traced_operations_of_a_dense_update_are_those_of_its_definition():
    sizes, batch = (7, 5, 3), 4
    weights = [jnp.zeros((n, m)) for n, m in itertools.pairwise(sizes)]

    def loss(weights, x):
        return (jnp.where(x @ weights[0] > 0, x @ weights[0], 0) @ weights[1])[0, 0]

    counted = flops.executed(jax.grad(loss), weights, jnp.zeros((batch, 7)))
    # x @ w is written twice and so counted twice; the rest is the definition's without Adam.
    assert counted == flops.direct(flops.dense(*sizes), batch, 0) + 2 * batch * 7 * 5 - unneeded(batch)


def unneeded(batch):
    """The forward product of the last layer, whose value the gradient does not need."""
    return 2 * batch * 5 * 3


def test_traced_operations_count_loops_as_often_as_they_run_and_drop_what_is_unused():
    w = jnp.zeros((3, 3))

    def function(x):
        jnp.exp(x)  # leads nowhere
        return jax.lax.scan(lambda h, _: (jnp.tanh(h @ w), None), x, None, length=6)[0]

    assert flops.executed(jax.jit(function), jnp.zeros((2, 3))) == 6 * (2 * 2 * 3 * 3 + 2 * 3)
    with pytest.raises(ValueError, match="unknown length"):
        flops.executed(lambda x: jax.lax.while_loop(lambda v: v.sum() < 1, lambda v: v + 1, x), jnp.zeros(2))


def test_traced_operations_count_what_a_custom_derivative_runs():
    @jax.custom_vjp
    def square(x):
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, g: (3.0 * x * g * x,))
    assert flops.executed(square, jnp.zeros(5)) == 5
    assert flops.executed(jax.grad(lambda x: square(x).sum()), jnp.zeros(5)) == 15


# -- Kneser-Ney ------------------------------------------------------------------------------------------------------


def slow_kneser_ney(symbols, order, alphabet, gram):
    """The definition, with dictionaries and recursion."""
    symbols = [int(s) for s in symbols]

    def grams(n):
        return [tuple(symbols[i : i + n]) for i in range(len(symbols) - n + 1)]

    def counts(n):
        if n == order:
            return Counter(grams(n))
        before = defaultdict(set)
        for g in grams(n + 1):
            before[g[1:]].add(g[0])
        return Counter({g: len(found) for g, found in before.items()})

    def probability(gram):
        n = len(gram)
        if n == 0:
            return 1 / alphabet
        table = counts(n)
        of = Counter(table.values())
        if of[1] and of[2] and of[3]:
            y = of[1] / (of[1] + 2 * of[2])
            wanted = {0: 0.0, 1: 1 - 2 * y * of[2] / of[1], 2: 2 - 3 * y * of[3] / of[2], 3: 3 - 4 * y * of[4] / of[3]}
        else:
            wanted = {0: 0.0, 1: 0.5, 2: 0.5, 3: 0.5}
        discount = {k: min(max(v, 0.0), k) for k, v in wanted.items()}
        after = {g: c for g, c in table.items() if g[:-1] == gram[:-1]}
        if not after:
            return probability(gram[1:])
        total = sum(after.values())
        gamma = sum(discount[min(c, 3)] for c in after.values()) / total
        c = table[gram]
        return (c - discount[min(c, 3)]) / total + gamma * probability(gram[1:])

    return probability(tuple(int(s) for s in gram))


@pytest.fixture(scope="module")
def text():
    """A sequence with rare and frequent n-grams of each count the discounts look at."""
    generator = np.random.default_rng(0)
    found = [0, 1]
    for _ in range(700):
        odds = np.exp(-1.1 * ((np.arange(6) - found[-1] - 2 * found[-2]) % 6))
        found.append(int(generator.choice(6, p=odds / odds.sum())))
    return np.array(found)


@pytest.mark.parametrize("order", [2, 3, 5])
def test_kneser_ney_sums_to_one_after_any_history(text, order):
    model = KneserNey(text, order, alphabet=7)  # symbol 6 never occurs
    histories = np.random.default_rng(1).integers(0, 7, (40, order - 1))
    for length in range(order):
        each = histories[:, len(histories[0]) - length :] if length else histories[:, :0]
        rows = np.concatenate([np.repeat(each, 7, axis=0), np.tile(np.arange(7), 40)[:, None]], axis=1)
        found = model.probabilities(rows).reshape(40, 7)
        np.testing.assert_allclose(found.sum(1), 1, rtol=1e-12)
        assert (found > 0).all()


@pytest.mark.parametrize("order", [2, 3, 4])
def test_kneser_ney_is_its_definition(text, order):
    model = KneserNey(text, order, alphabet=7)
    grams = np.random.default_rng(2).integers(0, 7, (12, order))
    grams[:6] = [text[i : i + order] for i in range(0, 60, 10)]
    expected = [slow_kneser_ney(text, order, 7, gram) for gram in grams]
    np.testing.assert_allclose(model.probabilities(grams), expected, rtol=1e-12)


def test_kneser_ney_perplexity_is_that_of_each_symbol_given_those_before(text):
    model, held = KneserNey(text, 3, alphabet=7), text[100:130]
    each = [model.probabilities(held[None, max(0, i - 2) : i + 1])[0] for i in range(len(held))]
    assert model.perplexity(held) == pytest.approx(np.exp(-np.log(each).mean()), rel=1e-12)
    assert model.perplexity(held, 5) == pytest.approx(np.exp(-np.log(each[5:]).mean()), rel=1e-12)


def test_kneser_ney_refuses_what_does_not_fit_its_numbers():
    with pytest.raises(ValueError, match="out of range"):
        KneserNey(np.array([0, 1]), order=20, alphabet=65)


# -- the table -------------------------------------------------------------------------------------------------------


def test_layers_compare_with_the_best_pytorch_and_watch_the_cache(monkeypatch, tmp_path):
    milliseconds = {"jindan": 10.0, "eager": 40.0, "fused": 30.0, "channels_last": 20.0, "compile": 50.0}

    def run(command, environment=None):
        script, name, *arguments = map(str, command[2:])
        label = arguments[arguments.index("--mode") + 1] if "--mode" in arguments else "jindan"
        if (name, label) == ("lstm", "compile"):
            raise common.Skip("it does not work here")
        if script.endswith("layers_jindan"):
            folder = Path(environment["JINDAN_CACHE"])
            # The CNN's program is compiled once, the LSTM's each time.
            (folder / (name if name == "cnn" else str(len(list(folder.iterdir()))))).touch()
        output = {
            "step_ms": milliseconds[label],
            "compile_seconds": 1.5,
            "loss": 0.1,
            "parameters": 7,
            "executed": 10**9,
        }
        return common.Child(1.0, 500.0, output, 0.0)

    monkeypatch.setattr(layers, "run", run)
    monkeypatch.setattr(common, "PATIENCE", 0)
    for module in (layers, peak):
        monkeypatch.setattr(module, "peak", lambda: 200e9)
    result = layers.measure(["cnn", "lstm"], runs=2)
    goals = {goal.what: (goal.measured, goal.met) for goal in result.goals}
    assert goals["cnn: an update, best PyTorch ÷ jindan"] == (2.0, True)
    assert goals["lstm: an update, best PyTorch ÷ jindan"] == (3.0, True)
    assert goals["best PyTorch ÷ jindan, geometric mean of 2"] == (pytest.approx(6**0.5), True)
    assert goals["cnn: share of the peak as executed"] == (pytest.approx(0.5), True)
    assert goals["cnn: compilation a distinct convolution"] == (0.75, True)
    assert goals["cnn: programs compiled in a second process"] == (0, True)
    assert goals["lstm: programs compiled in a second process"] == (1, False)
    assert result.figures["networks"]["lstm"]["skipped"] == {"compile": "it does not work here"}
    text = common.save("cnn-lstm", result, common.machine(), tmp_path)
    assert "python -m benchmarks cnn lstm" in text
    assert f"{NETWORKS['cnn'].flops / 1e6:,.0f} MFLOP an update, 1,000 as jindan executes it" in text


@pytest.mark.parametrize("module", [flops, sys.modules[KneserNey.__module__], tables])
def test_examples(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


# -- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (common.DATA / "tabular").is_dir(), reason="the shared tables are not there")
def test_every_shared_table_is_trained():
    assert set(tables.TARGETS) == {path.stem for path in (common.DATA / "tabular").glob("*.csv")}


def test_tables_have_to_beat_the_trivial_answer_and_tell_of_a_leak(monkeypatch, tmp_path):
    def child(name, seed):
        own = {"iris": 0.9, "titanic": 0.6, "monthly-sunspots": -0.1}[name]
        findings = [{"code": "data-leakage"}] if name == "titanic" and seed in telling else []
        others = {"majority": {"accuracy": 0.6}, "mean": {"r2": 0.0}}
        figure = "r2" if name in tables.SERIES else "accuracy"
        baselines = {k: v for k, v in others.items() if figure in v} | {"knn": {figure: 0.7 + seed}}
        return common.Child(1.0, 0.0, {"metrics": {figure: own}, "baselines": baselines, "findings": findings}, 0.0)

    telling = {0}
    monkeypatch.setattr(tables, "_trained", child)
    monkeypatch.setattr(tables, "DATA", tmp_path)
    with pytest.raises(common.Skip):
        tables.measure(1)
    (tmp_path / "tabular").mkdir()
    found = tables.measure(2, ["iris", "titanic", "monthly-sunspots"])
    assert [goal.met for goal in found.goals] == [True, False, False]
    assert found.tables[0].rows[0] == ["iris", "species", "accuracy", "0.900", "0.600", "1.200", "1"]
    assert "monthly-sunspots" in found.notes[0]
    telling.add(1)  # the leak is to be told from every seed
    assert [goal.met for goal in tables.measure(2, ["titanic"]).goals] == [False, True]


# -- reviews ---------------------------------------------------------------------------------------------------------


def test_tokens_of_a_text():
    assert data.pairs("가나 다") == [" 가", "가나", "나 ", " 다", "다 "]
    known = data.vocabulary(["b a", "a c", "a b"], data.words, size=4)
    assert known == {"a": 2, "b": 3}
    assert data.numbered(["a c b", "b"], data.words, known, length=2).tolist() == [[2, 1], [3, 0]]


def test_repeated_texts_are_those_known_or_seen_before():
    assert unrepeated(["x", "y", "y", "z"], ["x"]).tolist() == [False, True, False, True]


def test_bag_of_words_counts_or_notes_presence():
    from benchmarks.studies.bag_of_words import bag

    x = np.array([[2, 2, 1, 0], [3, 0, 0, 0]])
    assert bag(x, 4, counted=True).toarray().tolist() == [[0, 1, 2, 0], [0, 0, 0, 1]]
    assert bag(x, 4, counted=False).toarray().tolist() == [[0, 1, 1, 0], [0, 0, 0, 1]]
