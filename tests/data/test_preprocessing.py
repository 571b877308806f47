"""The preprocessor of tables, its report on new rows, and the encoders of targets."""

import json

import numpy as np
import polars as pl
import pytest

from jindan.data import (
    ClassTarget,
    NumberTarget,
    Preprocessing,
    Preprocessor,
    fit_preprocessor,
    present_rows,
    target_from_dict,
)
from jindan.data.preprocessing import NUMERIC
from jindan.errors import InputError, UnknownNameError

FRAME = pl.DataFrame(
    {
        "나이": [20.0, 30.0, None, 50.0],
        "도시": ["서울", "부산", "서울", None],
        "day": ["2020-01-01", "2020-02-15", "2021-03-01", "2021-04-01"],
        "ok": [True, False, True, True],
        "same": [1, 1, 1, 1],
        "y": [0, 1, 0, 1],
    }
)


def test_features():
    fitted = fit_preprocessor(FRAME, target="y")
    assert fitted.feature_names[:3] == ("나이", "day days", "day year")
    assert "나이 missing" in fitted.feature_names
    assert "도시=missing" in fitted.feature_names
    assert "day month_sin" in fitted.feature_names
    assert fitted.dropped == (("same", "constant"),)
    assert fitted.input_columns == ("나이", "도시", "day", "ok")
    x = fitted.transform(FRAME)
    assert x.dtype == np.float32
    assert x.shape == (4, len(fitted.feature_names))
    named = dict(zip(fitted.feature_names, x.T, strict=True))
    assert named["나이 missing"].tolist() == [0, 0, 1, 0]
    assert named["도시=서울"].tolist() == [1, 0, 1, 0]
    np.testing.assert_allclose(named["나이"], (np.array([20, 30, 30, 50]) - 32.5) / np.std([20, 30, 30, 50]), rtol=1e-6)


def test_settings_change_the_features():
    base = fit_preprocessor(FRAME, target="y")
    assert len(fit_preprocessor(FRAME, None, Preprocessing(one_hot_drop_first=True), "y").feature_names) == (
        len(base.feature_names) - 1
    )
    no_flag = fit_preprocessor(FRAME, None, Preprocessing(missing_indicator=False), "y")
    assert "나이 missing" not in no_flag.feature_names
    dropped = fit_preprocessor(FRAME, None, Preprocessing(drop=("day",)), "y")
    assert ("day", "requested") in dropped.dropped
    with pytest.raises(UnknownNameError, match="Did you mean `day`"):
        fit_preprocessor(FRAME, None, Preprocessing(drop=("dayy",)), "y")
    with pytest.raises(UnknownNameError, match="Did you mean `zscore`"):
        Preprocessing(numeric="zscor")
    with pytest.raises(UnknownNameError, match="preprocessing setting"):
        Preprocessing.from_dict({"numerics": "zscore"})
    mean = fit_preprocessor(FRAME, None, Preprocessing(missing="mean", numeric="none"), "y").transform(FRAME)
    np.testing.assert_allclose(mean[2, 0], 100 / 3, rtol=1e-6)


def test_rare_categories_share_a_feature():
    frame = pl.DataFrame({"c": ["a"] * 5 + ["b"] * 3 + ["x", "y"]})
    fitted = fit_preprocessor(frame, None, Preprocessing(max_categories=2))
    assert fitted.feature_names == ("c=a", "c=b", "c=other")
    assert fitted.transform(pl.DataFrame({"c": ["x", "new", None, "a"]})).tolist() == [
        [0, 0, 1],
        [0, 0, 1],
        [0, 0, 0],
        [1, 0, 0],
    ]
    assert [e["count"] for e in fitted.check(pl.DataFrame({"c": ["x", "new"]}))] == [1]


@pytest.mark.parametrize("numeric", NUMERIC)
def test_state_is_exact_on_shared_tables(data_set, numeric):
    table, target = data_set
    frame = table.frame.head(3000)
    fitted = fit_preprocessor(frame[::2], None, Preprocessing(numeric=numeric), target)
    x = fitted.transform(frame)
    assert np.isfinite(x).all()
    back = Preprocessor.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert back.feature_names == fitted.feature_names
    np.testing.assert_array_equal(back.transform(frame), x)
    assert back.check(frame) == fitted.check(frame)
    if numeric == "zscore":
        shuffled = frame.select(reversed(frame.columns)).with_columns(extra=pl.lit(1))
        np.testing.assert_array_equal(fitted.transform(shuffled), x)
        np.testing.assert_array_equal(fitted.transform(frame.head(1)), x[:1])


def test_bad_new_rows():
    fitted = fit_preprocessor(FRAME, target="y")
    with pytest.raises(InputError, match=r"missing.\n  where:    도시"):
        fitted.transform(FRAME.drop("도시"))
    with pytest.raises(InputError, match=r"column '나이', row 2(.|\n)*expected: a number\n  received: 'old'"):
        fitted.transform(FRAME.with_columns(pl.Series("나이", ["1", "old", "?", "4"])))
    with pytest.raises(InputError, match=r"infinite.\n  where:    column '나이', row 1"):
        fitted.transform(FRAME.with_columns(pl.lit(float("inf")).alias("나이")))
    with pytest.raises(InputError, match=r"column 'day', row 1"):
        fitted.transform(FRAME.with_columns(pl.lit("soon").alias("day")))
    with pytest.raises(InputError, match=r"column 'ok', row 1"):
        fitted.transform(FRAME.with_columns(pl.lit("perhaps").alias("ok")))
    empty = FRAME.with_columns(pl.Series("나이", [None] * 4, dtype=pl.Null), pl.lit(None).alias("day"))
    assert np.isfinite(fitted.transform(empty)).all()
    assert fitted.transform(FRAME.head(0)).shape == (0, len(fitted.feature_names))
    assert fitted.check(FRAME.head(0)) == []


def test_dates_in_another_format_are_read():
    fitted = fit_preprocessor(FRAME, target="y")
    other = FRAME.with_columns(pl.col("day").str.replace_all("-", "/"))
    np.testing.assert_array_equal(fitted.transform(other), fitted.transform(FRAME))


def test_no_usable_column():
    with pytest.raises(InputError, match=r"No column can be used(.|\n)*same \(constant\)"):
        fit_preprocessor(FRAME.select("same", "y"), target="y")
    with pytest.raises(InputError, match=r"infinite.\n  where:    column 'x'"):
        fit_preprocessor(pl.DataFrame({"x": [1.0, float("inf"), 2.0]}))


def test_odd_tables():
    one = pl.DataFrame({"x": [5.0], "c": ["a"]})
    assert fit_preprocessor(one).transform(one).tolist() == [[0.0, 1.0]]
    huge = pl.DataFrame({"x": [1e38, -1e38, 3e300]})
    for numeric in NUMERIC:
        assert np.isfinite(fit_preprocessor(huge, None, Preprocessing(numeric=numeric)).transform(huge)).all()
    wide = pl.DataFrame({f"x{i}": [float(i), 1.0, 2.5] for i in range(500)})
    assert fit_preprocessor(wide, None, Preprocessing(numeric="whiten-pca")).transform(wide).shape == (3, 500)
    names = pl.DataFrame({"c": ["other", "missing", "z", None]})
    features = fit_preprocessor(names, None, Preprocessing(max_categories=2)).feature_names
    assert len(set(features)) == len(features)


def test_check_finds_drift_and_stays_quiet_without():
    rng = np.random.default_rng(0)

    def rows(n, shift, p):
        return pl.DataFrame(
            {
                "x": rng.normal(shift, 1, n),
                "k": rng.poisson(2, n),
                "c": rng.choice(["a", "b", "c"], n, p=p),
            }
        )

    fitted = fit_preprocessor(rows(500, 0, [0.5, 0.3, 0.2]))
    quiet = [fitted.check(rows(200, 0, [0.5, 0.3, 0.2])) for _ in range(30)]
    assert sum(e["code"] == "drift" for found in quiet for e in found) <= 1
    found = fitted.check(rows(200, 1, [0.1, 0.2, 0.7]))
    assert {(e["column"], e["statistic"]) for e in found if e["code"] == "drift"} == {("x", "ks"), ("c", "psi")}
    assert all(e["value"] > e["threshold"] for e in found if e["code"] == "drift")
    few = fitted.check(pl.DataFrame({"x": [99.0, None], "k": [1, 2], "c": ["new", "a"]}))
    codes = {(e["code"], e["column"]) for e in few}
    assert codes == {("out-of-range", "x"), ("missing-values", "x"), ("unseen-category", "c")}
    assert json.dumps(few)


def test_class_target():
    for values, classes in (
        (["b", "a", None], ("a", "b")),
        ([3, 1, 2], (1, 2, 3)),
        ([True, False], (False, True)),
        ([1.0, 0.0, np.nan], (0, 1)),
        (["10", "9", "100"], ("9", "10", "100")),
    ):
        target = ClassTarget.fit(values)
        assert target.classes == classes
        codes = target.encode(list(classes))
        assert codes.dtype == np.int32
        assert codes.tolist() == list(range(len(classes)))
        assert target.decode(codes).tolist() == list(classes)
        assert target_from_dict(json.loads(json.dumps(target.to_dict()))) == target
    assert ClassTarget((0, 1)).encode(["1", 0]).tolist() == [1, 0]
    assert ClassTarget(("0", "1")).encode([1, 0.0]).tolist() == [1, 0]
    assert ClassTarget((False, True)).encode(["TRUE", "false"]).tolist() == [1, 0]
    with pytest.raises(InputError, match="fewer than two classes"):
        ClassTarget.fit(["a", "a"])
    with pytest.raises(UnknownNameError, match="Did you mean `setosa`"):
        ClassTarget.fit(["setosa", "virginica"]).encode(["setossa"])
    with pytest.raises(InputError, match="A row has no target"):
        ClassTarget((0, 1)).encode([0, None])


def test_number_target():
    values = np.array([1.5, 1e6, -3.0])
    target = NumberTarget.fit(values)
    np.testing.assert_allclose(target.decode(target.encode(values)), values, atol=1e-5 * 1e6)
    assert target_from_dict(json.loads(json.dumps(target.to_dict()))) == target
    assert NumberTarget.fit(values, scale=False) == NumberTarget()
    assert NumberTarget.fit([2.0, 2.0]).std == 1.0
    assert present_rows(pl.Series([1, None])).tolist() == [True, False]
    for bad, words in (([1.0, np.inf], "infinite"), (["a", "b"], "not a number"), ([None], "no value")):
        with pytest.raises(InputError, match=words):
            NumberTarget.fit(bad)
    with pytest.raises(InputError, match="row 2"):
        target.encode([1.0, None])
