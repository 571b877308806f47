"""Populations of estimators: each member is as if fitted alone; what diverges, or was never fitted, says so."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from jindan.errors import FileError, InputError, JindanWarning
from jindan.estimators import (
    DBN,
    GAN,
    RBM,
    VAE,
    Autoencoder,
    BoltzmannMachine,
    KMeans,
    RBMClassifier,
    Word2Vec,
    load,
)
from jindan.models.word2vec_vectors import WordVectors

IRIS, KIND = load_iris(return_X_y=True)
BITS = (np.random.default_rng(0).random((80, 6)) < 0.4).astype(float)
SETTINGS = [{"random_state": 0}, {"random_state": 1, "learning_rate": 0.02}, {"random_state": 2, "n_iter": 3}]

# An estimator, what it learns from, and where its numbers are.
MODELS = {
    "RBM": (RBM(5, n_iter=4, batch_size=16), (BITS,), lambda m: m.components_),
    "RBM, real": (RBM(5, n_iter=4, visible="gaussian", method="cd"), (IRIS,), lambda m: m.components_),
    "Boltzmann": (BoltzmannMachine(2, n_iter=4), (BITS,), lambda m: m.weights_),
    "RBMClassifier": (RBMClassifier(5, n_iter=4), (IRIS, KIND), lambda m: m.params_["kernel"]),
    "DBN": (DBN((4, 3), pretrain_iter=2, n_iter=2), (IRIS, KIND), lambda m: np.concatenate(
        [w.ravel() for w in m.model_.get_weights()])),
    "Word2Vec": (Word2Vec(4, epochs=2, min_count=1), (["a b c a", "c b d"] * 20,), lambda m: m.wv_.vectors),
    "KMeans": (KMeans(3), (IRIS,), lambda m: m.cluster_centers_),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_a_member_is_as_if_alone(name):
    model, data, numbers = MODELS[name]
    seeds = name in ("KMeans", "Word2Vec")
    settings = [{"random_state": own["random_state"]} if seeds else own for own in SETTINGS]
    members = model.fit_many(*data, settings)
    assert len(members) == 3
    for member, own in zip(members, settings, strict=True):
        assert {k: member.get_params()[k] for k in own} == own
        alone = type(model)(**{**model.get_params(), **own}).fit(*data)
        # Float32 sums of a population may be in another order.
        np.testing.assert_allclose(numbers(member), numbers(alone), rtol=1e-4, atol=1e-5)
    if name != "KMeans":
        assert not np.allclose(numbers(members[0]), numbers(members[1]))
    assert model.fit_many(*data, []) == []


@pytest.mark.parametrize("settings", [{"random_state": 0}, "random_state", [{"random_state": 0}, 3], 4])
def test_settings_that_are_no_list_of_mappings(settings):
    with pytest.raises(InputError, match="one mapping for each copy"):
        RBM(2).fit_many(BITS, settings)
    with pytest.raises(InputError, match="one mapping for each copy"):
        RBMClassifier(2).fit_many(IRIS, KIND, settings)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (Autoencoder(2, n_iter=3, learning_rate=1e30), (IRIS,)),
        (VAE(2, n_iter=3, learning_rate=1e30), (IRIS,)),
        (RBM(3, n_iter=3, learning_rate=1e38, visible="gaussian"), (IRIS,)),
        (DBN((4,), pretrain_iter=3, pretrain_learning_rate=1e38, n_iter=1), (IRIS, KIND)),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_diverges_is_told(model, data):
    with pytest.warns(JindanWarning, match=f"This {type(model).__name__} has diverged"):
        model.fit(*data)


@pytest.mark.parametrize("model", [Autoencoder(), VAE(), RBM(), BoltzmannMachine()])
@pytest.mark.parametrize("ask", ["transform", "score", "encode", "reconstruct"])
def test_before_fit(model, ask):
    if hasattr(model, ask):
        with pytest.raises(NotFittedError):
            getattr(model, ask)(IRIS)


def test_encode_and_decode():
    model = Autoencoder(2, n_iter=2, random_state=0).fit(IRIS)
    np.testing.assert_array_equal(model.encode(IRIS), model.transform(IRIS))
    np.testing.assert_array_equal(model.decode(model.encode(IRIS)), model.reconstruct(IRIS))
    codes = VAE(2, n_iter=2, random_state=0).fit(IRIS)
    np.testing.assert_array_equal(codes.decode(codes.encode(IRIS)[0]), codes.inverse_transform(codes.transform(IRIS)))


def test_a_linear_autoencoder_that_is_not_done_says_so():
    plain = Autoencoder(2, hidden_layer_sizes=(), output="linear", scaling="common", random_state=0)
    soon, late = plain.fit_many(IRIS, [{"n_iter": 5}, {"n_iter": 1500, "learning_rate": 0.01}])
    with pytest.warns(JindanWarning, match="not done"):
        soon.principal_directions()
    _, _, rows = np.linalg.svd(IRIS - IRIS.mean(0), full_matrices=False)
    found, _ = late.principal_directions()
    np.testing.assert_allclose(np.abs((found * rows[:2]).sum(1)), 1, atol=1e-3)
    assert float(soon.excess_) > 0.02 > float(late.excess_)


@pytest.mark.parametrize("number", [0, -1, 1.5, "3"])
@pytest.mark.parametrize(
    "model", [VAE(2, n_iter=1), GAN(2, n_iter=1), RBM(2, n_iter=1), BoltzmannMachine(1, n_iter=1)], ids=repr
)
def test_so_many_rows_cannot_be_drawn(model, number):
    model.fit(BITS)
    with pytest.raises(InputError, match="So many rows cannot be drawn"):
        model.sample(number)


def test_values_that_are_no_probabilities():
    with pytest.raises(InputError, match="values from 0 to 1"):
        BoltzmannMachine(2).fit(IRIS)
    model = RBM(3, n_iter=1, random_state=0).fit(BITS)
    with pytest.warns(JindanWarning, match=r"learned from values in \[0, 1\]"):
        model.transform(9 * BITS)
    codes = VAE(2, n_iter=1, random_state=0).fit(BITS)
    with pytest.warns(JindanWarning, match=r"learned from values in \[0, 1\]"):
        codes.bound(255 * BITS)


def test_files_of_word_vectors(tmp_path):
    words = WordVectors(["a", "b"], np.eye(2, dtype=np.float32))
    with pytest.raises(FileError, match="cannot be written"):
        words.write(tmp_path / "no" / "words.txt")
    words = WordVectors([f"word{k}" for k in range(60)], np.random.default_rng(0).normal(size=(60, 3)))
    words.write(tmp_path / "words.txt")
    with pytest.raises(FileError, match="binary=False"):
        WordVectors.read(tmp_path / "words.txt", binary=True)
    with pytest.raises(FileError, match="no such folder"):
        load(tmp_path / "nowhere")
