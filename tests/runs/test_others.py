"""Models without a target: the way back to a table, figures against closed forms, settings, progress."""

import json

import numpy as np
import polars as pl
import pytest

from jindan.data import Preprocessing, Preprocessor, fit_preprocessor
from jindan.engine.pace import Progress
from jindan.errors import InputError
from jindan.estimators import PCA, RBM, Autoencoder, KMeans
from jindan.models import rbm as machine
from jindan.runs.others_back import back
from jindan.runs.others_figures import kept, told_apart
from jindan.runs.others_pictures import latent_map, reconstructions
from jindan.runs.others_rows import NONE, Reader, Rows, read_rows
from jindan.runs.others_settings import KINDS, Asked, parse_sizes, refuse_meaningless, settings_of
from jindan.runs.others_train import back_of, choose_clusters, strangeness
from jindan.runs.others_words import asked_words, read_texts, train_words


def _rows(x, **more):
    x = np.asarray(x, np.float32)
    frame = pl.DataFrame({f"c{k}": x[:, k] for k in range(x.shape[1])})
    reader = Reader(fit_preprocessor(frame, config=Preprocessing(numeric="none")))
    return Rows("t", None, frame, (), reader, x, np.arange(len(x)), np.arange(0), **more)


# -- the way back ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("numeric", ["zscore", "minmax", "sum", "none", "whiten-pca", "whiten-zca"])
def test_a_table_comes_back_from_its_features(numeric):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({
        "x": rng.normal(50, 9, 40).round(2), "n": rng.integers(1, 90, 40), "kind": rng.choice(["a", "b", "c"], 40),
        "day": [f"2024-{k % 12 + 1:02}-{k % 28 + 1:02}" for k in range(40)], "ok": rng.choice(["true", "false"], 40),
    })  # fmt: skip
    fitted = fit_preprocessor(frame, config=Preprocessing(numeric=numeric))
    found = back(fitted, fitted.transform(frame))
    assert found.columns == [e.name for e in fitted.encoders]
    np.testing.assert_allclose(found["x"].to_numpy(), frame["x"].to_numpy(), atol=2e-2)
    assert found["n"].to_list() == frame["n"].to_list()
    assert found["kind"].to_list() == frame["kind"].to_list()
    assert found["day"].to_list() == frame["day"].to_list()
    assert [str(v).lower() for v in found["ok"]] == frame["ok"].to_list()


@pytest.mark.parametrize("first", [True, False])
def test_missing_cells_and_rare_categories_come_back(first):
    frame = pl.DataFrame({"x": [1.5, None, 3.0, 4.0] * 5, "k": ["a", "b", None, "c"] * 5})
    config = Preprocessing(one_hot_drop_first=first)
    fitted = fit_preprocessor(frame, config=config)
    assert back(fitted, fitted.transform(frame)).rows() == frame.rows()
    many = pl.DataFrame({"k": ["a"] * 9 + ["b"] * 9 + ["c", "d"]})
    fitted = fit_preprocessor(many, config=Preprocessing(max_categories=2))
    assert back(fitted, fitted.transform(many))["k"].to_list() == ["a"] * 9 + ["b"] * 9 + ["other"] * 2


def test_yes_and_no_come_back_as_they_were_written():
    frame = pl.DataFrame({"ok": ["Yes", "no", "yes", "Yes", "no"], "옳음": ["예", "아니오", "예", "예", "아니오"],
                          "flag": [True, False, True, False, False]})  # fmt: skip
    fitted = fit_preprocessor(frame)
    again = Preprocessor.from_dict(json.loads(json.dumps(fitted.to_dict())))
    for known in (fitted, again):
        found = back(known, known.transform(frame))
        assert found["ok"].to_list() == ["Yes", "no", "Yes", "Yes", "no"]  # the usual spelling
        assert found["옳음"].to_list() == frame["옳음"].to_list()
        assert found["flag"].to_list() == frame["flag"].to_list()


def test_features_between_categories_become_the_likeliest():
    frame = pl.DataFrame({"k": ["a", "b", "c"] * 4})
    fitted = fit_preprocessor(frame)
    assert back(fitted, np.array([[0.2, 0.5, 0.3], [0.9, -1.0, 0.0]])).rows() == [("b",), ("a",)]


# -- figures ---------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_one_minus_the_share_that_is_lost():
    x = np.random.default_rng(0).normal(size=(50, 3))
    middle = x.mean(0)
    assert kept(x, x, middle) == 1
    assert kept(x, np.broadcast_to(middle, x.shape), middle) == pytest.approx(0)
    assert np.isnan(kept(np.ones((3, 1)), np.ones((3, 1)), np.ones(1)))


def test_equal_distributions_are_not_told_apart_and_others_are():
    rng = np.random.default_rng(0)
    real, same, far = rng.normal(size=(400, 2)), rng.normal(size=(400, 2)), rng.normal(8, 1, size=(400, 2))
    rows = _rows(real)
    assert told_apart(rows, same.astype(np.float32), rows.x)["told_apart"] == pytest.approx(0.5, abs=0.08)
    assert told_apart(rows, far.astype(np.float32), rows.x)["told_apart"] > 0.99
    # Copies of the rows themselves lie nearer to these than rows to each other.
    assert told_apart(rows, rows.x.copy(), rows.x)["told_apart"] < 0.1
    assert told_apart(rows, same[:5], rows.x[:5]) == {}
    assert told_apart(rows, np.full((400, 2), np.nan), rows.x) == {}


def test_the_number_of_groups_is_found():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(c, 0.2, (40, 2)) for c in (0, 3, 6, 9)])
    found = choose_clusters(x, 0)
    assert found["clusters"][int(np.argmax(found["silhouette"]))] == 4
    assert choose_clusters(np.array([[0.0], [1.0]]), 0) == {"clusters": [], "silhouette": []}


@pytest.mark.parametrize("visible", ["bernoulli", "gaussian"])
def test_an_rbm_gives_rows_back_by_its_two_means(visible):
    rng = np.random.default_rng(0)
    x = rng.random((30, 4)) if visible == "bernoulli" else rng.normal(3, 2, (30, 4))
    model = RBM(3, n_iter=2, batch_size=10, random_state=0).fit(x)
    assert model.visible_ == visible
    params = {"kernel": model.components_.T, "visible_bias": model.intercept_visible_,
              "hidden_bias": model.intercept_hidden_}  # fmt: skip
    mean = np.asarray(machine.visible_given(params, model.transform(x), visible))
    np.testing.assert_allclose(back_of("rbm", model, x), mean * model.scale_ + model.mean_, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(strangeness("rbm", model, x), model.free_energy(x))


def test_the_strangeness_of_an_autoencoder_is_its_squared_error():
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    model = Autoencoder(1, hidden_layer_sizes=(), n_iter=2, random_state=0, scaling=None).fit(x)
    np.testing.assert_allclose(strangeness("autoencoder", model, x), -model.score_samples(x), rtol=1e-5)


# -- settings and reading --------------------------------------------------------------------------------------------


def test_settings_asked_for_win_and_all_are_the_estimators_own():
    from jindan import estimators

    asked = Asked(dim=2, layers="16 tanh, 8 tanh", epochs=7, batch_size=5, learning_rate=0.5)
    for kind, known in KINDS.items():
        if kind in ("word2vec", "dbn"):
            continue
        found = settings_of(kind, asked, 100, 6, images=False, real=True)
        names = getattr(estimators, known.estimator)().get_params()
        assert set(found) <= set(names), kind
        assert 2 in found.values()
        if "layers" in known.options:
            assert found["hidden_layer_sizes"] == (16, 8)
            assert found["activation"] == "tanh"
        if "epochs" in known.options:
            assert (found["n_iter"], found["batch_size"], found["learning_rate"]) == (7, 5, 0.5)
    found = settings_of("dbn", Asked(layers="16, 8", epochs=3), 100, 6, images=False, real=True)
    assert set(found) <= set(estimators.DBN().get_params())


def test_every_option_is_either_taken_or_refused():
    for kind, known in KINDS.items():
        refuse_meaningless(kind, known.options)
        for option in {"dim", "layers", "epochs", "batch_size", "plan", "loss", "optimizer"} - known.options:
            with pytest.raises(InputError, match="takes no"):
                refuse_meaningless(kind, [option])


@pytest.mark.parametrize("text", ["30 relu 2", "a", "30,,2", "0", "dropout 0.2", "8 relu, 4 tanh", "-3"])
def test_layers_that_cannot_be_read(text):
    with pytest.raises(InputError, match="layers"):
        parse_sizes(text)


def test_labels_are_kept_out_of_the_features(tmp_path):
    frame = pl.DataFrame({"x": np.arange(40) * 0.5 % 7, "y": ["a", None, "b", "1"] * 10})
    frame.write_csv(tmp_path / "t.csv")
    rows = read_rows(tmp_path / "t.csv", "y", classes=False, preprocessing=Preprocessing(), test=0.25, seed=0,
                     header=None)  # fmt: skip
    assert rows.x.shape == (40, 1)
    assert (len(rows.train), len(rows.test)) == (30, 10)
    assert rows.labels[:4] == ("a", NONE, "b", "1")
    # Fitted on the training rows alone.
    assert rows.x[rows.train].mean() == pytest.approx(0, abs=1e-6)
    again = Reader.from_dict(rows.reader.to_dict())
    np.testing.assert_array_equal(again.matrix(frame), rows.x)


def test_a_training_of_words_tells_how_far_it_is_and_can_be_ended(tmp_path):
    (tmp_path / "t.txt").write_text("one two three\ntwo three four\n" * 20, "utf-8")
    texts, seen = read_texts(tmp_path / "t.txt", None, None), []
    found = train_words(Asked(epochs=3), texts, 0, lambda told: seen.append((told.epoch, told.epochs)))
    assert seen == [(0, 3), (1, 3), (2, 3)]
    assert not found.interrupted
    ended = train_words(Asked(epochs=3), texts, 0, lambda told: isinstance(told, Progress))
    assert ended.interrupted
    assert len(ended.history["loss"]) == 1


def test_texts_of_a_file_and_of_a_column(tmp_path):
    (tmp_path / "t.txt").write_text("하나 둘\n\n셋\n", "utf-8")
    assert read_texts(tmp_path / "t.txt", None, None).texts == ["하나 둘", "셋"]
    rows = [[f"sentence number {k} of many words here", k] for k in range(30)] + [[None, 1]]
    pl.DataFrame(rows, schema=["text", "n"], orient="row").write_csv(tmp_path / "t.csv")
    assert len(read_texts(tmp_path / "t.csv", None, None).texts) == 30
    assert read_texts(tmp_path / "t.csv", "text", None).column == "text"
    for encoding in ("cp949", "utf-8-sig", "utf-16"):
        (tmp_path / "b.txt").write_bytes("가나 다\n".encode(encoding))
        assert read_texts(tmp_path / "b.txt", None, None).texts == ["가나 다"]
    (tmp_path / "b.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    with pytest.raises(InputError, match="The text cannot be read"):
        read_texts(tmp_path / "b.txt", None, None)


@pytest.mark.parametrize("words", [["+"], ["a", "b"], [], ["a", "-"]])
def test_sums_of_words_that_cannot_be_read(words):
    with pytest.raises(InputError):
        asked_words(words)


def test_what_is_kept_of_a_column_counts_all_its_features(tmp_path):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"who": rng.choice(["a", "b", "c"], 60), "x": rng.normal(size=60), "z": rng.normal(size=60)})
    rows = read_rows(frame, None, classes=False, preprocessing=Preprocessing(), test=0.2, seed=0, header=None)
    model = PCA(2).fit(rows.x[rows.train])
    found = dict(reconstructions("pca", model, rows)["columns"])
    x, middle = rows.x[rows.test], rows.x[rows.train].mean(0)
    lost = (model.inverse_transform(model.transform(x)) - x) ** 2
    assert rows.reader.names == ("x", "z", "who=a", "who=b", "who=c")
    for name, own in (("x", [0]), ("z", [1]), ("who", [2, 3, 4])):
        assert found[name] == pytest.approx(1 - lost[:, own].sum() / ((x - middle) ** 2)[:, own].sum(), abs=1e-5)


def test_a_map_of_one_column():
    """Points of one number lie on a line, the clusters' middles with them."""
    frame = pl.DataFrame({"x": [float(k % 7) for k in range(40)], "same": [5.0] * 40})
    rows = read_rows(frame, None, classes=False, preprocessing=Preprocessing(), test=0.2, seed=0, header=None)
    found = latent_map("kmeans", KMeans(2, random_state=0).fit(rows.x[rows.train]), rows, 0)
    assert set(found["y"]) == set(found["more"]["y"]) == {0.0}
    assert len(found["more"]["x"]) == 2
