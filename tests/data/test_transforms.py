"""Scalers, whitening, encoders and imputer against scikit-learn, and on odd input."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from jindan.data import (
    Imputer,
    LabelEncoder,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
    SumScaler,
    Whitening,
    transform_from_dict,
)
from jindan.errors import InputError, ShapeError, StateError, UnknownNameError

RNG = np.random.default_rng(417)
X = RNG.normal(size=(60, 4)) @ RNG.normal(size=(4, 4)) + [5, -3, 100, 0]
matrices = arrays(
    np.float64, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.floats(-1e38, 1e38, allow_nan=False)
)


def close(a, b):
    assert np.abs(a - b).max() <= 1e-9 * max(1.0, np.abs(b).max())


def test_scalers_agree_with_scikit_learn():
    sk = pytest.importorskip("sklearn.preprocessing")
    holes = X.copy()
    holes[3, 1] = np.nan
    for ours, theirs in ((StandardScaler(), sk.StandardScaler()), (MinMaxScaler(), sk.MinMaxScaler())):
        ours.fit(holes)
        np.testing.assert_allclose(ours.transform(holes), theirs.fit_transform(holes), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours.inverse_transform(ours.transform(X)), X)


def test_sum_scaler():
    np.testing.assert_allclose(SumScaler().fit_transform(X), X / X.sum(axis=0))
    assert SumScaler().fit_transform([[0.0], [0.0]]).tolist() == [[0.0], [0.0]]


def test_whitening_agrees_with_scikit_learn():
    decomposition = pytest.importorskip("sklearn.decomposition")
    ours = Whitening("pca", epsilon=0.0).fit_transform(X)
    theirs = decomposition.PCA(whiten=True).fit_transform(X) * np.sqrt(60 / 59)
    close(np.abs(ours), np.abs(theirs))
    for method in ("pca", "zca"):
        whitening = Whitening(method, epsilon=0.0).fit(X)
        Z = whitening.transform(X)
        close(Z.T @ Z / 60, np.eye(4))
        close(whitening.inverse_transform(Z), X)
    zca = Whitening("zca", epsilon=0.0).fit_transform(X)
    covariance = np.cov(X.T, ddof=0)
    values, vectors = np.linalg.eigh(covariance)
    close(zca, (X - X.mean(0)) @ (vectors / np.sqrt(values)) @ vectors.T)


def test_whitening_with_no_variance():
    Z = Whitening().fit_transform(np.column_stack([X[:, 0], X[:, 0], np.ones(60)]))
    assert np.isfinite(Z).all()
    assert np.abs(Z[:, 1:]).max() < 1e-3
    with pytest.raises(InputError, match="A value is missing"):
        Whitening().fit([[np.nan]])
    with pytest.raises(UnknownNameError, match="Did you mean `zca`"):
        Whitening("zcaa")


def test_one_hot_agrees_with_scikit_learn():
    sk = pytest.importorskip("sklearn.preprocessing")
    table = np.array([["b", "x"], ["a", "y"], ["c", "x"], ["a", "x"]])
    new = np.array([["a", "?"], ["z", "y"]])
    for drop in (False, True):
        ours = OneHotEncoder(drop_first=drop).fit(table)
        theirs = sk.OneHotEncoder(drop="first" if drop else None, sparse_output=False, handle_unknown="ignore")
        np.testing.assert_array_equal(ours.transform(table), theirs.fit_transform(table))
        assert ours.inverse_transform(ours.transform(table)).tolist() == table.tolist()
        if not drop:
            np.testing.assert_array_equal(ours.transform(new), theirs.transform(new))
            assert ours.inverse_transform(ours.transform(new)).tolist() == [["a", None], [None, "y"]]


def test_label_encoder():
    encoder = LabelEncoder().fit(["나", "가", "다", "가"])
    assert encoder.transform(["가", "다"]).tolist() == [0, 2]
    assert LabelEncoder().fit([10, 9, 10]).classes_.tolist() == [9, 10]
    with pytest.raises(UnknownNameError, match="no label called 'x'"):
        encoder.transform(["x"])
    with pytest.raises(InputError, match="A code stands for no label"):
        encoder.inverse_transform([3])


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
def test_imputer_agrees_with_scikit_learn(strategy):
    impute = pytest.importorskip("sklearn.impute")
    holes = np.round(X)
    holes[RNG.random(X.shape) < 0.2] = np.nan
    theirs = impute.SimpleImputer(strategy=strategy, fill_value=-1.0)
    np.testing.assert_allclose(
        Imputer(strategy, fill_value=-1.0).fit_transform(holes), theirs.fit_transform(holes), rtol=1e-12
    )
    assert Imputer(strategy).fit_transform([[np.nan], [np.nan]]).tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("kind", [StandardScaler, MinMaxScaler, SumScaler, Imputer])
def test_bad_input(kind):
    with pytest.raises(InputError, match=r"A value is infinite.\n  where:    X\[0, 1\]"):
        kind().fit([[1.0, np.inf]])
    with pytest.raises(ShapeError, match="reshape"):
        kind().fit([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"expected: \(rows, 2\)"):
        kind().fit([[1.0, 2.0]]).transform([[1.0]])
    with pytest.raises(StateError, match="Call fit first"):
        kind().transform([[1.0]])
    with pytest.raises(InputError, match="needs numbers"):
        kind().fit([["x"]])


@settings(max_examples=60, deadline=None)
@given(matrices)
def test_finite_in_finite_out_and_exact_state(matrix):
    for made in (StandardScaler(), MinMaxScaler(), Imputer("median")):
        out = made.fit_transform(matrix)
        assert np.isfinite(out).all()
        back = transform_from_dict(json.loads(json.dumps(made.to_dict())))
        np.testing.assert_array_equal(back.transform(matrix), out)
    constant = np.repeat(matrix[:1], 3, axis=0)
    assert not StandardScaler().fit_transform(constant).any()
    assert not MinMaxScaler().fit_transform(constant).any()


def test_state_of_all():
    for made, data in (
        (Whitening("zca"), X),
        (OneHotEncoder(True), [["a", "b"], ["c", "d"]]),
        (LabelEncoder(), [3, 1, 2]),
        (SumScaler(), X),
    ):
        back = transform_from_dict(json.loads(json.dumps(made.fit(data).to_dict())))
        np.testing.assert_array_equal(back.transform(data), made.transform(data))
    with pytest.raises(UnknownNameError):
        transform_from_dict({"type": "Nothing"})
