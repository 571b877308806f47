"""Ensembles: members are the same plans trained alone, and what is made of them is NumPy's arithmetic."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.preprocessing import StandardScaler

import jindan as jd
from jindan.callbacks import EarlyStopping
from jindan.engine.train import train
from jindan.errors import FileError, InputError
from jindan.layers import Add, BatchNormalization, Dense, Dropout, Embedding, Input
from jindan.losses import BinaryCrossentropy, SparseCategoricalCrossentropy
from jindan.models import Model, Sequential
from jindan.schedules import CosineDecayRestarts
from jindan.select.ensembles import Ensemble, bagging, deep_ensemble, snapshot_ensemble


def _rows(n=60, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    return x, (x[:, 0] + x[:, 1] ** 2 > 0.8).astype(np.int64) + (x[:, 2] > 0.7)


def _classifier(**compiled):
    model = Sequential([Dense(6, activation="tanh", input_shape=(3,)), Dense(3, activation="softmax")])
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **compiled})
    return model


def _regressor():
    model = Sequential([Dense(6, activation="tanh"), Dense(1)])
    model.compile("adam", "mse")
    return model


@pytest.fixture(scope="module")
def bagged():
    x, y = _rows()
    return bagging(_classifier(), x, y, n=5, epochs=4, batch_size=16, seed=3), x, y


def test_bagged_members_are_their_plans_trained_alone(bagged):
    ensemble, x, y = bagged
    drawn = np.random.default_rng(3).integers(0, 60, (5, 60))
    assert [run.plan.seed for run in ensemble.runs] == [3, 4, 5, 6, 7]
    for k in (0, 4):
        plan = _classifier().plan.replace(epochs=4, batch_size=16, seed=3 + k, rows=drawn[k])
        alone = train(plan, (x, y))
        # One program for many members may order sums otherwise than one for one.
        for mine, theirs in zip(ensemble.runs[k].weights, alone.weights, strict=True):
            for name in mine:
                np.testing.assert_allclose(mine[name], theirs[name], atol=2e-6)
        np.testing.assert_allclose(ensemble.predict_members(x)[k], alone.predict(x), atol=2e-6)


def test_out_of_bag_outputs_by_hand(bagged):
    ensemble, x, y = bagged
    drawn = np.random.default_rng(3).integers(0, 60, (5, 60))
    members = ensemble.predict_members(x).astype(np.float64)
    wanted = np.full((60, 3), np.nan)
    for row in range(60):
        free = [k for k in range(5) if row not in drawn[k]]
        if free:
            wanted[row] = members[free, row].mean(0)
    np.testing.assert_allclose(ensemble.oob_outputs, wanted, atol=1e-6)
    known = ~np.isnan(wanted[:, 0])
    assert 0 < known.sum() < 60
    assert ensemble.oob_score == pytest.approx((wanted[known].argmax(1) == y[known]).mean())


def test_means_votes_scores_and_uncertainty(bagged):
    ensemble, x, y = bagged
    p = ensemble.predict_members(x).astype(np.float64)
    assert p.shape == (5, 60, 3)
    np.testing.assert_allclose(ensemble.predict(x), p.mean(0), atol=1e-6)
    votes = np.array([np.bincount(column, minlength=3) for column in p.argmax(-1).T])
    mine = ensemble.vote(x)
    assert (votes[np.arange(60), mine] == votes.max(1)).all()
    clear = (votes == votes.max(1, keepdims=True)).sum(1) == 1
    assert (mine[clear] == votes[clear].argmax(1)).all()
    assert ensemble.score(x, y) == pytest.approx((p.mean(0).argmax(1) == y).mean())
    np.testing.assert_allclose(ensemble.member_scores(x, y), (p.argmax(-1) == y).mean(1))
    found = ensemble.uncertainty(x)
    mean = p.mean(0)
    np.testing.assert_allclose(found.std, p.std(0), atol=1e-12)
    np.testing.assert_allclose(found.entropy, -(mean * np.log(mean)).sum(1), atol=1e-6)
    divergence = (p * np.log(p / mean)).sum(-1).mean(0)  # mean KL from the mean is the mutual information
    np.testing.assert_allclose(found.mutual_information, divergence, atol=1e-6)
    np.testing.assert_allclose(found.aleatoric, -(p * np.log(p)).sum(-1).mean(0), atol=1e-6)
    assert json.loads(json.dumps(found.to_dict()))["entropy"][0] == pytest.approx(found.entropy[0])
    assert "entropy" in repr(found)
    assert "<svg" in found.plot().svg


def test_deep_ensemble_of_numbers():
    x, _ = _rows()
    y = x[:, 0] * 3
    ensemble = deep_ensemble(_regressor(), x, y, n=3, epochs=3, seed=5)
    alone = train(_regressor().plan.replace(epochs=3, seed=7), (x, y))
    np.testing.assert_allclose(ensemble.predict_members(x)[2], alone.predict(x), atol=2e-6)
    found = ensemble.uncertainty(x)
    assert found.std.shape == (60, 1)
    assert found.entropy is None
    assert found.aleatoric is None
    assert ensemble.score(x, y) == pytest.approx(-((ensemble.predict(x)[:, 0] - y) ** 2).mean(), rel=1e-5)
    # Jensen: the mean's squared error is at most the mean squared error.
    assert ensemble.score(x, y) >= ensemble.member_scores(x, y).mean()
    with pytest.raises(InputError, match="Members vote on classes"):
        ensemble.vote(x)
    assert ensemble.oob_score is None


def test_snapshots_are_ends_of_cycles():
    x, y = _rows()
    ensemble = snapshot_ensemble(_classifier(), x, y, n=3, epochs=6, batch_size=16, seed=1)
    plan = _classifier().plan.replace(epochs=4, batch_size=16, seed=1)
    plan = plan.replace(optimizer=plan.optimizer.replace(learning_rate=CosineDecayRestarts(0.001, 8.0, t_mul=1.0)))
    alone = train(plan, (x, y))  # 60 rows in batches of 16 are 4 updates, 8 a cycle
    np.testing.assert_array_equal(ensemble.predict_members(x)[1], alone.predict(x))
    assert [run.epochs for run in ensemble.runs] == [2, 4, 6]
    assert all(run.complete for run in ensemble.runs)
    # The rate of an epoch's last update falls within a cycle and is back at each one's start.
    rates = ensemble.runs[-1].history["learning_rate"]
    assert rates[0] > rates[1]
    assert rates[2] == pytest.approx(rates[0])
    assert rates[3] == pytest.approx(rates[1])


def test_one_member_and_logits():
    x, y = _rows()
    model = Sequential([Dense(6, activation="tanh", input_shape=(3,)), Dense(3)])
    model.compile("adam", SparseCategoricalCrossentropy(from_logits=True))
    ensemble = deep_ensemble(model, x, y, n=2, epochs=3)
    raw = [run.predict(x).astype(np.float64) for run in ensemble.runs]
    p = [np.exp(z) / np.exp(z).sum(1, keepdims=True) for z in raw]
    np.testing.assert_allclose(ensemble.predict(x), np.mean(p, 0), atol=1e-6)
    loss = -np.log(np.mean(p, 0)[np.arange(60), y]).mean()
    assert ensemble.score(x, y, scoring="-loss") == pytest.approx(-loss, rel=1e-4)
    np.testing.assert_allclose(ensemble.as_model().predict(x), ensemble.predict(x), atol=1e-6)
    two = Sequential([Dense(4, activation="tanh"), Dense(1)])
    two.compile("adam", BinaryCrossentropy(from_logits=True))
    single = deep_ensemble(two, x, (y > 0).astype(float), n=1, epochs=2)
    assert set(single.vote(x)) <= {0, 1}
    assert (single.vote(x) == (single.runs[0].predict(x)[:, 0] > 0)).all()
    np.testing.assert_allclose(single.as_model().predict(x), single.predict(x), atol=1e-6)
    np.testing.assert_allclose(single.uncertainty(x).mutual_information, 0, atol=1e-12)


def test_as_model_predicts_saves_and_trains(bagged, tmp_path):
    ensemble, x, y = bagged
    model = ensemble.as_model()
    np.testing.assert_allclose(model.predict(x), ensemble.predict(x), atol=1e-6)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(jd.load(tmp_path / "m").predict(x), model.predict(x))
    model.fit(x, y, epochs=1, verbose=0, doctor=False)
    assert len({view.name for view in model.layers}) == 11


def test_as_model_of_graphs_with_state():
    x, y = _rows()
    a, b = Input((3,), name="left"), Input((3,), name="right")
    shared = Dense(4, activation="tanh")
    merged = BatchNormalization()(Add()([shared(a), shared(b)]))
    model = Model([a, b], [Dense(1)(Dropout(0.2)(merged)), Dense(2)(merged)])
    model.compile("adam", ["mse", "mse"])
    targets = [y.astype(float), np.stack([y, -y], 1).astype(float)]
    ensemble = deep_ensemble(model, [x, x[::-1]], targets, n=3, epochs=2)
    one, two = ensemble.predict([x, x[::-1]])
    assert one.shape == (60, 1)
    assert two.shape == (60, 2)
    for mine, theirs in zip(ensemble.as_model().predict([x, x[::-1]]), (one, two), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    with pytest.raises(InputError, match="models of one output"):
        ensemble.uncertainty([x, x[::-1]])
    bagged = bagging(model, [x, x[::-1]], targets, n=3, epochs=1)
    assert [part.shape for part in bagged.oob_outputs] == [(60, 1), (60, 2)]


def test_saved_and_loaded_in_a_fresh_process(bagged, tmp_path):
    ensemble, x, _ = bagged
    ensemble.save(tmp_path / "e")
    ensemble.save(tmp_path / "e")  # it may replace what jindan wrote
    np.save(tmp_path / "x.npy", x)
    again = jd.load(tmp_path / "e")
    assert isinstance(again, Ensemble)
    assert again.kind == "bagging"
    assert again.oob_score == ensemble.oob_score
    assert again.runs[2].plan == ensemble.runs[2].plan
    np.testing.assert_array_equal(again.oob_outputs, ensemble.oob_outputs)
    assert again.runs[1].history == ensemble.runs[1].history
    code = (
        "import sys, numpy as np, jindan as jd; folder = sys.argv[1];"
        "np.save(folder + '/p.npy', jd.load(folder + '/e').predict(np.load(folder + '/x.npy')))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), ensemble.predict(x))
    assert again.model(1).predict(x).shape == (60, 3)


def test_damaged_and_foreign_folders(bagged, tmp_path):
    ensemble, _, _ = bagged
    with pytest.raises(FileError, match="This folder holds no ensemble"):
        Ensemble.load(tmp_path)
    ensemble.save(tmp_path / "e")
    with pytest.raises(FileError, match="exists already"):
        ensemble.save(tmp_path / "e", overwrite=False)
    (tmp_path / "e" / "ensemble.json").write_text('{"jindan_ensemble": 1}')
    with pytest.raises(FileError, match=r"ensemble\.json is damaged"):
        jd.load(tmp_path / "e")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(FileError, match="Something else stands"):
        ensemble.save(tmp_path / "mine")


def test_what_is_refused():
    x, y = _rows()
    with pytest.raises(InputError, match="at least one member"):
        bagging(_classifier(), x, y, n=0)
    with pytest.raises(InputError, match="A member needs rows"):
        bagging(_classifier(), x, y, share=0)
    with pytest.raises(InputError, match="cycles of equal length"):
        snapshot_ensemble(_classifier(), x, y, n=4, epochs=6)
    with pytest.raises(InputError, match="The cycles alone move the rate"):
        snapshot_ensemble(_classifier(), x, y, n=2, epochs=6, callbacks=[EarlyStopping("loss")])
    with pytest.raises(InputError, match="no argument called 'epoch'"):
        bagging(_classifier(), x, y, epoch=3)


def test_few_rows_and_one_class():
    x, _ = _rows(2)
    ensemble = bagging(_classifier(), x, np.zeros(2, int), n=2, epochs=1, seed=1)
    assert ensemble.predict(x).shape == (2, 3)
    alone = bagging(_classifier(), x[:1], np.zeros(1, int), n=2, epochs=1)
    assert np.isnan(alone.oob_outputs).all()
    assert np.isnan(alone.oob_score)


def test_a_member_that_watches_does_so_on_rows_it_has_not_drawn():
    x, y = _rows()
    watch = EarlyStopping("val_loss", patience=1)
    ensemble = bagging(_classifier(), x, y, n=3, epochs=3, callbacks=[watch])
    assert all(not set(run.plan.rows.tolist()) & set(run.plan.validation_rows.tolist()) for run in ensemble.runs)


def _split(x, y, seed=0):
    order = np.random.default_rng(seed).permutation(len(x))
    cut = len(x) * 2 // 3
    x = StandardScaler().fit(x[order[:cut]]).transform(x).astype(np.float32)
    return x[order[:cut]], y[order[:cut]], x[order[cut:]], y[order[cut:]]


@pytest.mark.parametrize("name", ["breast_cancer", "digits", "diabetes"])
def test_beats_its_median_member(name):
    load = {"breast_cancer": load_breast_cancer, "digits": load_digits, "diabetes": load_diabetes}[name]
    x, y = load(return_X_y=True)
    x, y = x[:600], y[:600].astype(np.float64)
    if name == "diabetes":
        y = (y - y.mean()) / y.std()
    x, y, x_test, y_test = _split(x, y)
    end = {"breast_cancer": Dense(1, activation="sigmoid"), "digits": Dense(10, activation="softmax"),
           "diabetes": Dense(1)}[name]  # fmt: skip
    loss = {"breast_cancer": "binary_crossentropy", "digits": "sparse_categorical_crossentropy", "diabetes": "mse"}
    model = Sequential([Dense(16, activation="relu"), end])
    model.compile(jd.optimizers.Adam(0.01), loss[name])
    ensemble = bagging(model, x, y, n=16, epochs=30, batch_size=32)
    assert ensemble.score(x_test, y_test, "-loss") > np.median(ensemble.member_scores(x_test, y_test, "-loss"))
    # Accuracy moves in steps of a row, so that it may equal a median where members are nearly all right.
    assert ensemble.score(x_test, y_test) >= np.median(ensemble.member_scores(x_test, y_test))


def test_a_class_for_each_step_of_a_sequence(tmp_path):
    ids = np.random.default_rng(0).integers(0, 9, (40, 5))
    model = Sequential([Embedding(9, 4), Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    ensemble = bagging(model, ids, ids % 3, n=3, epochs=2)
    assert ensemble.scoring.name == "-loss"
    assert np.isfinite(ensemble.oob_score)
    assert ensemble.vote(ids).shape == ensemble.uncertainty(ids).entropy.shape == (40, 5)
    ensemble.save(tmp_path / "e")
    np.testing.assert_array_equal(jd.load(tmp_path / "e").predict(ids), ensemble.predict(ids))
    np.testing.assert_allclose(ensemble.as_model().predict(ids), ensemble.predict(ids), atol=1e-6)


def test_seeds_fix_results():
    x, y = _rows()
    one, two, other = (bagging(_classifier(), x, y, n=2, epochs=1, seed=s) for s in (1, 1, None))
    np.testing.assert_array_equal(one.predict(x), two.predict(x))
    assert isinstance(other.runs[0].plan.seed, int)
