"""Stacking is cross-validation, scikit-learn's linear models on its outputs, and all models on all rows."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.preprocessing import StandardScaler

import jindan as jd
from jindan.engine.train import train
from jindan.errors import FileError, InputError
from jindan.layers import Dense
from jindan.losses import SparseCategoricalCrossentropy
from jindan.models import Sequential
from jindan.optimizers import Adam
from jindan.select.stacking import ALPHAS, Stacked, stack
from jindan.select.validation import cross_validate


def _rows(n=60, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    return x, (x[:, 0] + x[:, 1] ** 2 > 0.8).astype(np.int64) + (x[:, 2] > 0.7)


def _classifier(units, end="softmax", loss="sparse_categorical_crossentropy"):
    model = Sequential([Dense(units, activation="tanh"), Dense(3, activation=end)], name=f"net{units}")
    model.compile(Adam(0.02), loss)
    return model


def _regressor(units):
    model = Sequential([Dense(units, activation="tanh"), Dense(1)], name=f"net{units}")
    model.compile(Adam(0.02), "mse")
    return model


@pytest.fixture(scope="module")
def stacked():
    x, y = _rows()
    logits = _classifier(6, None, SparseCategoricalCrossentropy(from_logits=True))
    return stack([_classifier(2), logits], x, y, folds=3, epochs=8), x, y


def _softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def test_classes_by_hand(stacked):
    found, x, y = stacked
    assert list(found.models) == ["net2", "net6"]
    logits = _classifier(6, None, SparseCategoricalCrossentropy(from_logits=True))
    parts = [cross_validate(_classifier(2), x, y, 3, epochs=8), cross_validate(logits, x, y, 3, epochs=8)]
    features = np.concatenate([parts[0].outputs[0], _softmax(parts[1].outputs[0])], 1)
    np.testing.assert_allclose(found.left_out, features, atol=1e-6)
    direct = LogisticRegression(max_iter=5000).fit(found.left_out, y)
    np.testing.assert_allclose(found.coefficients, direct.coef_, atol=1e-6)
    np.testing.assert_allclose(found.weights["net6"], direct.coef_[:, 3:], atol=1e-6)
    alone = train(_classifier(2).plan.replace(epochs=8, seed=0), (x, y))
    np.testing.assert_allclose(found.models["net2"].predict(x), alone.predict(x), atol=2e-6)
    raw = [found.models["net2"].predict(x), _softmax(found.models["net6"].predict(x))]
    np.testing.assert_allclose(found.predict(x), direct.predict_proba(np.concatenate(raw, 1)), atol=1e-6)
    assert found.score(x, y) == pytest.approx((found.predict(x).argmax(1) == y).mean())
    assert found.scores["net2"] == pytest.approx(parts[0].mean)


def test_numbers_by_hand():
    x, _ = _rows()
    y = x[:, 0] * 3 + x[:, 1] ** 2
    found = stack({"a": _regressor(2), "b": _regressor(6)}, x, y, folds=3, epochs=8)
    direct = RidgeCV(alphas=list(ALPHAS)).fit(found.left_out, y)
    np.testing.assert_allclose(found.coefficients[0], direct.coef_)
    assert found.settings == {"alpha": direct.alpha_}
    raw = np.concatenate([m.predict(x) for m in found.models.values()], 1)
    np.testing.assert_allclose(found.predict(x)[:, 0], direct.predict(raw), rtol=1e-6)
    assert found.score(x, y) == pytest.approx(-((found.predict(x)[:, 0] - y) ** 2).mean(), rel=1e-5)
    given = stack({"a": _regressor(2)}, x, y, folds=3, epochs=8, final={"alpha": 2.0})
    assert given.settings == {"alpha": 2.0}


def test_saved_without_pickle(stacked, tmp_path):
    found, x, _ = stacked
    found.save(tmp_path / "s")
    found.save(tmp_path / "s")
    np.save(tmp_path / "x.npy", x)
    again = jd.load(tmp_path / "s")
    assert isinstance(again, Stacked)
    assert again.scores == found.scores
    code = (
        "import sys, numpy as np, jindan as jd; folder = sys.argv[1];"
        "np.save(folder + '/p.npy', jd.load(folder + '/s').predict(np.load(folder + '/x.npy')))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), found.predict(x))
    json.dumps(found.to_dict())
    assert "net6" in found.plot().svg
    (tmp_path / "s" / "stack.json").write_text("{}")
    with pytest.raises(FileError, match=r"stack\.json is damaged"):
        jd.load(tmp_path / "s")
    with pytest.raises(FileError, match="holds no stack"):
        Stacked.load(tmp_path)


def test_two_classes_no_worse_than_the_median_model():
    x, y = load_breast_cancer(return_X_y=True)
    x = StandardScaler().fit(x[:380]).transform(x).astype(np.float32)
    models = []
    for units in (1, 4, 16):
        model = Sequential([Dense(units, activation="tanh"), Dense(1, activation="sigmoid")], name=f"net{units}")
        model.compile(Adam(0.01), "binary_crossentropy")
        models.append(model)
    found = stack(models, x[:380], y[:380].astype(float), folds=3, epochs=20)
    assert found.predict(x[380:]).shape == (189, 1)
    assert found.coefficients.shape == (1, 3)
    each = [np.mean((m.predict(x[380:])[:, 0] > 0.5) == y[380:]) for m in found.models.values()]
    assert found.score(x[380:], y[380:].astype(float)) >= np.median(each)


def test_a_class_without_rows():
    x, y = _rows()
    found = stack([_classifier(2)], x, np.minimum(y, 1), folds=3, epochs=8)
    assert found.predict(x).shape == (60, 3)
    assert (found.predict(x)[:, 2] == 0).all()
    np.testing.assert_allclose(found.predict(x).sum(1), 1)


def test_what_is_refused():
    x, y = _rows()
    with pytest.raises(InputError, match="There are no models"):
        stack([], x, y)
    with pytest.raises(InputError, match="do not mean the same"):
        stack([_classifier(2), _regressor(2)], x, y, folds=3, epochs=1)
    with pytest.raises(InputError, match="Rows of one class"):
        stack([_classifier(2)], x, np.zeros(60, int), folds=3, epochs=8)
    with pytest.raises(InputError, match="never left out"):
        stack([_classifier(2)], x, y, folds=[(np.arange(30), np.arange(30, 60))])
    with pytest.raises(InputError, match="no setting of the final model called 'c'"):
        stack([_classifier(2)], x, y, folds=3, epochs=8, final={"c": 1})
