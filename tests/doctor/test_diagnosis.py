"""diagnose, from end to end: the caller's model stays, the report reads in two languages, odd cases do not break it."""

import json
import warnings

import numpy as np
import pytest
from patients.data import blobs, curve, rings

import jindan as jd
from jindan.doctor.diagnosis import Report
from jindan.doctor.direct import told
from jindan.doctor.evidence import Case
from jindan.doctor.facts import Facts
from jindan.doctor.findings import Finding
from jindan.engine.data import Data
from jindan.errors import FileError, InputError
from jindan.layers import Add, Dense, Input, SimpleRNN
from jindan.models import Model, Sequential
from jindan.optimizers import SGD

X, Y, XH, YH = rings()
SHUFFLED = ("score", "train_score", "own", "trivial")


def small(units=8, activation="relu", optimizer="adam", last="sigmoid"):
    model = Sequential([Dense(units, activation=activation), Dense(1, activation=last)])
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return model


def test_the_callers_model_stays_as_it_was():
    model = small()
    model.fit(X, Y, epochs=1, seed=3, verbose=0)
    before = model.get_weights()
    report = jd.diagnose(model, X, Y, epochs=2, seed=1, trials=False)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(before, report.model.get_weights(), strict=True))
    assert len(report.history["loss"]) == 2


def test_the_doctor_changes_no_bit_of_a_training():
    found = [small().fit(X, Y, epochs=5, seed=1, verbose=0, doctor=doctor).history for doctor in (True, False)]
    assert found[0] == found[1]


def test_a_cause_a_repair_and_its_proof():
    model = small(activation="linear", optimizer=jd.optimizers.Adam(0.01))
    report = jd.diagnose(model, X, Y, epochs=40, batch_size=16, validation_data=(XH, YH), seed=0)
    assert report.findings[0].code == "linear-stack"
    repair = report.repair(budget_seconds=15)
    assert any("activation" in path for path in repair.changes)
    assert repair.proof["effect"] > 0.1
    assert repair.proof["probability"] >= 0.9
    assert np.mean((repair.model.predict(XH) > 0.5) == YH) > 0.9


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_report_reads_in_two_languages(lang, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = jd.diagnose(small(last="softmax"), X, Y, epochs=2, seed=0, trials=False)
    assert not report.healthy
    text = report.text(lang)
    assert "output-loss-mismatch" in text
    assert any("가" <= letter <= "힣" for letter in text) == (lang == "ko")
    page = report.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8") == page
    assert json.loads(json.dumps(report.to_dict()))["findings"][0]["code"] == "output-loss-mismatch"


def test_a_healthy_training_is_left_in_peace():
    x, y, xh, yh = blobs()
    model = Sequential([Dense(16, activation="relu"), Dense(3, activation="softmax")])
    model.compile(jd.optimizers.Adam(0.01), "categorical_crossentropy")
    report = jd.diagnose(model, x, y, epochs=20, batch_size=16, validation_data=(xh, yh), seed=0)
    assert report.healthy
    assert report.text() == "Nothing calls for action."
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(x, y, epochs=5, seed=0, verbose=0)


def test_the_same_seed_gives_the_same_findings():
    found = [jd.diagnose(small(), X, Y, epochs=3, seed=5, trials=False).to_dict() for _ in range(2)]
    assert found[0] == found[1]


def odd_cases():
    x, y, *_ = curve()
    inputs = Input((3,))
    graph = Model(inputs, [Dense(1, name="a")(inputs), Add(name="b")([inputs, inputs])])
    steps = Sequential([SimpleRNN(4, return_sequences=True, input_shape=(5, 2)), Dense(1)])
    yield "two outputs", graph, x, [y, x], "mse"
    yield "sequences", steps, np.zeros((12, 5, 2), "f4"), np.zeros((12, 5, 1), "f4"), "mse"
    yield "one row", Sequential([Dense(1)]), x[:1], y[:1], "mse"
    yield "constant inputs", Sequential([Dense(1)]), np.ones_like(x), y, "mse"
    yield "constant targets", Sequential([Dense(1)]), x, np.ones_like(y), "mse"
    yield "nan", Sequential([Dense(1)]), np.full_like(x, np.nan), y, "mse"
    yield "huge", Sequential([Dense(1)]), x * 1e30, y, "mse"
    yield "user's loss", Sequential([Dense(1)]), x, y, lambda t, p: (t - p) ** 2
    yield "one class", Sequential([Dense(1, activation="sigmoid")]), x, np.ones_like(y), "binary_crossentropy"
    yield (
        "no hidden layer, numbered classes",
        Sequential([Dense(3, activation="softmax")]),
        x,
        (y > 0)[:, 0].astype(int),
        "sparse_categorical_crossentropy",
    )


@pytest.mark.parametrize("case", list(odd_cases()), ids=lambda case: case[0])
def test_odd_cases_do_not_break_it(case):
    _, model, x, y, loss = case
    model.compile("adam", loss)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = jd.diagnose(model, x, y, epochs=2, batch_size=8, seed=0, trials=False)
    assert report.text()
    assert report.to_html()
    if case[0] == "nan":
        assert report.findings[0].code == "nonfinite-values"


def test_fit_warns_of_a_loss_that_is_not_finite():
    model = Sequential([Dense(8, activation="relu"), Dense(1)])
    model.compile(jd.optimizers.SGD(1e6), "mse")
    x, y, *_ = curve()
    with pytest.warns(jd.JindanWarning):
        history = model.fit(x, y, epochs=3, seed=0, verbose=0)
    assert "nonfinite-values" in [finding.code for finding in history.findings]


def test_direct_tests_are_made_where_symptoms_ask_and_told():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5)).astype(np.float32)
    model = Sequential([Dense(8, activation="relu"), Dense(2, activation="softmax")])
    model.compile(SGD(1e-5), "sparse_categorical_crossentropy")
    report = jd.diagnose(model, x, (x[:, 0] > 0).astype(int), epochs=4, seed=0)
    tests = report.to_dict()["tests"]
    assert {"initial_loss", "few", "rates", "shuffled_labels", "shuffled_inputs"} <= set(tests)
    assert tests["initial_loss"]["expected"] == pytest.approx(np.log(2))
    assert tests["rates"]["best"] > 1
    assert tests["shuffled_labels"]["score"] < 0.75
    json.dumps(tests, allow_nan=False)
    for lang, words in (("en", "Tested directly"), ("ko", "직접 해 본 시험")):
        assert words in report.text(lang)
    assert "Tested directly" in report.to_html()
    quiet = Sequential([Dense(8, activation="relu"), Dense(2, activation="softmax")])
    quiet.compile("adam", "sparse_categorical_crossentropy")
    assert jd.diagnose(quiet, x, (x[:, 0] > 0).astype(int), epochs=80, seed=0).to_dict()["tests"] == {}


@pytest.mark.parametrize("other", [object(), np.ones(3)])
def test_what_is_no_model_is_refused_with_a_word(other):
    with pytest.raises(InputError, match="no model of jindan") as error:
        jd.diagnose(other, X, Y)
    assert ".model_" in str(error.value)
    assert "jd.doctor.watch" in str(error.value)


def test_a_page_that_cannot_be_written_is_told_as_elsewhere(tmp_path):
    report = Report((), Facts(Case(small().plan, (2,), Data(X, Y), {}), "binary", None, None, None))
    with pytest.raises(FileError, match="cannot be written") as error:
        report.to_html(tmp_path / "nowhere" / "page.html")
    assert (error.value.where, error.value.received) == (
        tmp_path / "nowhere" / "page.html",
        "No such file or directory",
    )


def test_json_holds_no_number_that_is_not_finite():
    evidence = {"norm": float("inf"), "norms": [1.0, np.float32("nan")], "units": np.int64(3)}
    found = Finding("exploding-gradient", "warning", None, evidence)
    report = Report((found,), Facts(Case(small().plan, (2,), Data(X, Y), {}), "binary", None, None, None))
    body = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert body["findings"][0]["evidence"] == {"norm": None, "norms": [1.0, None], "units": 3}


def test_korean_names_severity_and_layer_in_korean():
    found = Finding("dying-relu", "warning", "layer 2, Dense 'hidden'", {"fraction": 0.5})
    report = Report((found,), Facts(Case(small().plan, (2,), Data(X, Y), {}), "binary", None, None, None))
    first, second = report.text("ko").splitlines()[:2]
    assert first == "1. [경고] dying-relu – 죽은 ReLU (2번째 Dense 'hidden' 계층)"
    assert second.strip().startswith("2번째 Dense 'hidden' 계층에 ")
    assert found.text("ko").startswith("경고: 죽은 ReLU [2번째 Dense 'hidden' 계층]")
    assert report.text().splitlines()[0] == "1. [warning] dying-relu – Dying ReLU (layer 2, Dense 'hidden')"


@pytest.mark.parametrize(("rows", "held"), [(12, False), (200, True)])
def test_tests_say_by_which_rows_they_judge(rows, held):
    numbers = {"rates": {"best": 1.0, "epochs": 3}, "shuffled_labels": dict.fromkeys(SHUFFLED, 0.5),
               "shuffled_inputs": dict.fromkeys(SHUFFLED, 0.5)}  # fmt: skip
    x, y = np.resize(X, (rows, 2)), np.resize(Y, (rows, 1))
    facts = Facts(Case(small().plan, (2,), Data(x, y), {}), "binary", None, None, None, learning=numbers)
    for lines, words in ((told(facts), "held-out"), (told(facts, "ko"), "따로 떼어 둔")):
        assert [words in line for line in lines] == [held] * 3
    if not held:  # validation rows judge what looks at them
        own = Case(small().plan, (2,), Data(x, y, validation=Data(X, Y)), {})
        facts = Facts(own, "binary", None, None, None, learning=numbers)
        assert ["held-out" in line for line in told(facts)] == [False, True, True]
