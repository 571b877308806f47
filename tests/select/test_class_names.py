"""calibrate and conformal take classes as the model names them."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from jindan.errors import InputError, ShapeError
from jindan.select.calibration import calibrate
from jindan.select.coverage import conformal
from jindan.select.outputs import codes_for

RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 3, 600)
X = np.eye(3)[CODES] + 0.5 * RNG.normal(size=(600, 3))
NAMES = {"words": np.array(["ant", "bee", "cow"]), "numbers": np.array([1, 2, 3]), "floats": np.array([2.0, 4.0, 8.0])}


class _Bare:
    """The same probabilities without names."""

    def __init__(self, model):
        self.predict_proba = model.predict_proba


@pytest.mark.parametrize("names", NAMES)
def test_names_say_the_same_as_numbers(names):
    y = NAMES[names][CODES]
    model = LogisticRegression().fit(X[:300], y[:300])
    # Without the third class, column numbers would be one off unnoticed.
    held = np.flatnonzero(CODES[300:] < 2) + 300
    for rows in (held, np.arange(300, 600)):
        one, two = calibrate(model, X[rows], y[rows]), calibrate(_Bare(model), X[rows], CODES[rows])
        assert one.to_dict() == two.to_dict()
        one, two = conformal(model, X[rows], y[rows]), conformal(_Bare(model), X[rows], CODES[rows])
        assert one.to_dict() == two.to_dict()
        np.testing.assert_array_equal(one.covers(X[rows], y[rows]), two.covers(X[rows], CODES[rows]))
    assert one.covers(X[300:], y[300:]).mean() > 0.85


def test_names_go_through_calibration():
    y = NAMES["words"][CODES]
    model = LogisticRegression().fit(X[:200], y[:200])
    put_right = calibrate(model, X[200:400], y[200:400])
    assert put_right.classes_.tolist() == ["ant", "bee", "cow"]
    assert conformal(put_right, X[400:], y[400:]).covers(X[400:], y[400:]).mean() > 0.85
    assert calibrate(None, model.predict_proba(X), CODES).classes_ is None


@pytest.mark.parametrize(
    ("y", "told"),
    [
        (CODES, ["expected: ant, bee, cow", "received: "]),
        (np.where(CODES == 2, "dog", NAMES["words"][CODES]), ["expected: ant, bee, cow", "received: dog\n"]),
    ],
)
def test_a_class_the_model_does_not_know(y, told):
    model = LogisticRegression().fit(X, NAMES["words"][CODES])
    for call in (lambda: calibrate(model, X, y), lambda: conformal(model, X, y),
                 lambda: conformal(model, X, NAMES["words"][CODES]).covers(X, y)):  # fmt: skip
        with pytest.raises(InputError, match="not the classes of the model") as error:
            call()
        assert all(line in str(error.value) for line in told)
    with pytest.raises(ShapeError, match="differ in number"):
        calibrate(model, X, NAMES["words"][CODES[:5]])


def test_codes_of_every_kind():
    model = LogisticRegression().fit(X, CODES + 1)
    assert codes_for(model, np.array([[3.0], [1.0]]), 3).tolist() == [2, 0]
    assert codes_for(model, [[0, 0, 1], [1, 0, 0]], 3).tolist() == [2, 0]
    two = LogisticRegression().fit(X, CODES > 0)
    assert codes_for(two, [True, False], 2).tolist() == codes_for(two, [1, 0], 2).tolist() == [1, 0]
