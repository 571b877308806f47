"""The doctor's benchmark: what counts, the rule sets on made-up traces, random search, the ordinary trainings."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import Skip
from benchmarks.doctor import cases, one, ordinary, random_repair, report, rules, run, scoring
from benchmarks.doctor.traced import Layer, Trace

FAULTY = {
    "id": "so-1", "task": "binary", "metric": "accuracy", "faults": ["dying-relu", "plateau"], "repairable": True,
    "score_buggy": 0.5, "score_fixed": 1.0,
}  # fmt: skip
SOUND = {"id": "ok-1", "task": "binary", "metric": "accuracy", "faults": [], "repairable": False}


def findings(*codes, severity="warning"):
    return [{"code": code, "severity": severity} for code in codes]


# -- scoring ---------------------------------------------------------------------------------------------------------


def test_a_diagnosis_is_judged_by_its_warnings_and_errors():
    info = findings("dying-relu", severity="info")
    assert scoring.judged(FAULTY, info) == {"detected": False, "in_three": False, "first": False}
    assert scoring.judged(FAULTY, findings("dying-relu")) == {"detected": True, "in_three": True, "first": True}
    three = info + findings("zigzag", "underfitting", "plateau", severity="error")
    assert scoring.judged(FAULTY, three) == {"detected": True, "in_three": True, "first": False}
    fourth = findings("zigzag", "underfitting", "overfitting", "plateau")
    assert scoring.judged(FAULTY, fourth) == {"detected": True, "in_three": False, "first": False}
    assert scoring.judged(FAULTY, []) == {"detected": False, "in_three": False, "first": False}
    assert scoring.judged(SOUND, info) == {"false_alarm": False}
    assert scoring.judged(SOUND, findings("plateau")) == {"false_alarm": True}


@pytest.mark.parametrize("words", ["the test rows are the training rows.", "so test rows repeat training rows."])
def test_a_leak_counts_neither_way_where_there_was_no_test_set(words):
    noted = {**FAULTY, "note": f"XOR, {words}"}
    assert scoring.judged(noted, findings("data-leakage")) == {"detected": False, "in_three": False, "first": False}
    assert scoring.counted(noted, findings("data-leakage", "zigzag")) == ["zigzag"]
    assert scoring.counted({**FAULTY, "note": "60 of 300 epochs."}, findings("data-leakage")) == ["data-leakage"]


def test_scores_are_those_of_the_readme():
    truth, outputs = np.array([[1.0], [0.0], [1.0]]), np.array([[0.9], [0.6], [np.nan]])
    assert scoring.score({"task": "binary", "metric": "accuracy"}, truth, outputs) == pytest.approx(1 / 3)
    several = np.array([[1, 0], [1, 1]])
    assert scoring.score({"task": "binary", "metric": "accuracy"}, several, [[0.7, 0.7], [0.7, 0.7]]) == 0.75
    many, guess = np.eye(3)[[0, 2]], np.array([[0.8, 0.1, 0.1], [0.5, 0.2, 0.3]])
    assert scoring.score({"task": "multiclass", "metric": "accuracy"}, many, guess) == 0.5
    assert scoring.score({"task": "multiclass", "metric": "accuracy"}, np.array([0, 2]), guess) == 0.5
    r2 = {"task": "regression", "metric": "r2"}
    y = np.arange(4.0)[:, None]
    assert scoring.score(r2, y, y) == 1
    assert scoring.score(r2, y, -y) == 0
    assert scoring.score(r2, y, np.full((4, 1), np.nan)) == 0


def test_a_repair_counts_from_four_fifths_of_the_gain():
    assert scoring.bound(FAULTY) == pytest.approx(0.9)
    assert scoring.repaired(FAULTY, 0.9)
    assert not scoring.repaired(FAULTY, 0.89)


def test_shares_are_medians_over_seeds():
    other = {**FAULTY, "id": "dz-2"}
    hits = {"so-1": (True, True, False), "dz-2": (True, False, False)}
    records = [{"id": name, "seed": seed, "first": hit} for name, own in hits.items() for seed, hit in enumerate(own)]
    found = scoring.fractions([FAULTY, other, SOUND], [*records, {"id": "ok-1", "seed": 0}], "first")
    assert list(found) == ["so", "dz", "all"]
    assert found["so"]["share"] == 1
    assert found["dz"]["share"] == 0
    assert (found["all"]["share"], found["all"]["of"], found["all"]["by_seed"]) == (0.5, 2, [1.0, 0.5, 0.0])


# -- cases -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared():
    try:
        return cases.load_cases()
    except Skip as reason:
        pytest.skip(str(reason))


def test_shared_cases_are_whole(shared):
    assert len(shared) == 49
    assert sum(bool(case["faults"]) for case in shared) == 34
    assert {case["id"] for case in shared if cases.has_no_test_set(case)} == {
        "so-31556268", "so-34311586", "so-39525358",
    }  # fmt: skip
    for case in shared:
        found = cases.arrays_of(case)
        model = cases.model_of(case)
        model.build(found["x_train"].shape[1:])
        assert model.output_shape[1:] == found["y_train"].shape[1:], case["id"]


def test_settings_of_a_case_reach_the_model(shared):
    from jindan import initializers

    by_id = {case["id"]: case for case in shared}
    plan = cases.model_of(by_id["so-34311586"]).plan
    assert plan.layers[0].kernel_initializer == initializers.RandomUniform(-0.05, 0.05)
    assert (plan.optimizer.momentum, plan.optimizer.nesterov) == (0.9, True)
    assert cases.model_of(by_id["tdc-over-regularised"]).plan.layers[0].kernel_regularizer.l2 == 0.1
    assert not cases.model_of(by_id["dz-frozen-moons"]).plan.layers[0].trainable
    assert cases.fit_arguments(by_id["ok-cancer-imbalanced"])["class_weight"] == {0: 4.5, 1: 0.56}


def test_cases_are_chosen_by_id_group_or_kind():
    both = [FAULTY, SOUND]
    assert cases.chosen(both, "so") == cases.chosen(both, "so-1") == cases.chosen(both, "faulty") == [FAULTY]
    assert cases.chosen(both, "sound, so-1") == both
    with pytest.raises(Skip, match="nobody"):
        cases.chosen(both, "so,nobody")


# -- ordinary trainings ----------------------------------------------------------------------------------------------


def test_there_are_sixty_ordinary_trainings_and_each_was_found_sound():
    made = ordinary.cases()
    record = json.loads(ordinary.RECORD.read_text("utf-8"))
    assert len(made) == len({case["id"] for case in made}) == 60
    assert [entry["id"] for entry in record] == [case["id"] for case in made]
    for entry in record:
        assert entry["score"] >= entry["reference_score"] - ordinary.ERRORS * entry["standard_error"], entry["id"]


def test_ordinary_arrays_fit_their_networks():
    for case in ordinary.cases():
        if case["made"]["name"] not in ("wine", "digits-images", "friedman3", "blobs"):
            continue
        found = cases.arrays_of(case)
        model = cases.model_of(case)
        model.build(found["x_train"].shape[1:])
        wide = found["y_train"].shape[1:] if not case["made"]["sparse"] else (int(found["y_train"].max()) + 1,)
        assert model.output_shape[1:] == wide, case["id"]
        assert found["x_train"].dtype == np.float32


# -- rules -----------------------------------------------------------------------------------------------------------


def layer(activation="relu", gradient=1.0, after=None, kernel=1.0):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 4)) if after is None else after
    weights = None if kernel is None else kernel * rng.normal(size=(4, 4))
    slope = None if gradient is None else gradient * rng.normal(size=(4, 4))
    return Layer(activation, values, values, weights, slope, None if slope is None else slope[0])


def traced(layers, score=0.5, loss=None, task="binary", epochs=10):
    """A training of which every moment looks alike, the kernels growing a little."""
    falling = np.linspace(1, 0.5, epochs).tolist() if loss is None else loss
    held = [value * 1.01 for value in falling]
    scores = list(np.linspace(score - 0.02, score, epochs))
    history = {"loss": falling, "val_loss": held, "score": scores, "val_score": scores}
    grown = [[replaced(one, 1 + 0.01 * epoch) for one in layers] for epoch in range(epochs + 1)]
    y = np.arange(40.0)[:, None] % 2
    return Trace(task, epochs, history, list(enumerate(grown)), np.zeros((40, 3)), y, y)


def replaced(one, factor):
    kernel = None if one.kernel is None else one.kernel * factor
    return Layer(one.activation, one.before, one.after * factor, kernel, one.gradient, one.bias_gradient)


def test_autotrainer_reads_gradients_where_learning_fails():
    found = {
        "vanishing-gradient": traced([layer(gradient=1e-7), layer(gradient=1.0)]),
        "exploding-gradient": traced([layer(gradient=1e3), layer(gradient=1.0)]),
        "dying-relu": traced([layer(gradient=0.0), layer(gradient=0.0)]),
        "learning-rate-too-low": traced([layer(), layer()]),
        "nonfinite-values": traced([layer(gradient=np.nan), layer()]),
    }
    for code, seen in found.items():
        with np.errstate(all="ignore"):
            assert list(rules.autotrainer(seen)) == [code]
    # A network that has learnt is left alone, unless its accuracy swings.
    well = traced([layer(gradient=1e-7), layer()], score=0.95)
    well.history["score"] = well.history["val_score"] = list(np.linspace(0.5, 0.95, 10))
    assert list(rules.autotrainer(well)) == []
    well.history["score"] = [0.9, 0.8] * 5
    well.history["val_score"] = list(np.linspace(0.5, 0.95, 10))
    assert list(rules.autotrainer(well)) == ["learning-rate-too-high"]


def test_the_debuggers_rules_have_their_documented_thresholds():
    assert list(rules.debugger(traced([layer("tanh"), layer("linear")]))) == []
    assert "vanishing-gradient" in list(rules.debugger(traced([layer("tanh", gradient=1e-8)])))
    assert "vanishing-gradient" not in list(rules.debugger(traced([layer("tanh", gradient=1e-5)])))
    assert "dying-relu" in list(rules.debugger(traced([layer(after=np.zeros((40, 4)))])))
    assert "saturated-activation" in list(rules.debugger(traced([layer("tanh", after=np.full((40, 4), 9.6))])))
    assert "saturated-activation" not in list(rules.debugger(traced([layer("tanh", after=np.full((40, 4), 9.0))])))
    assert "frozen-parameters" in list(rules.debugger(traced([layer("tanh", kernel=0.0)])))
    rising = traced([layer("tanh")], loss=list(np.linspace(1, 2, 30)), epochs=30)
    assert "plateau" in list(rules.debugger(rising))
    apart = [layer(after=np.random.default_rng(0).normal(size=(40, 4)) * size) for size in (1.0, 4.0)]
    assert "bad-init-scale" in list(rules.debugger(traced(apart)))


def test_deep_localize_stops_at_the_first_error():
    assert list(rules.deep_localize(traced([layer("tanh"), layer("sigmoid")]))) == []
    assert list(rules.deep_localize(traced([layer(after=np.zeros((40, 4))), layer("sigmoid")]))) == ["dying-relu"]
    assert list(rules.deep_localize(traced([layer("tanh"), layer("sigmoid", gradient=0.0)]))) == [
        "output-loss-mismatch"
    ]
    assert list(rules.deep_localize(traced([layer("tanh", gradient=np.inf), layer("sigmoid")]))) == ["nonfinite-values"]
    assert list(rules.deep_localize(traced([layer("tanh")], loss=[0.7] * 10))) == ["plateau"]


# -- repair and running ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_drawn_plans_can_be_built(task):
    rng = np.random.default_rng(0)
    y = np.zeros((50, 3 if task == "multiclass" else 1), np.float32)
    for shape in ((50, 4), (50, 6, 6, 1)):
        x = np.zeros(shape, np.float32)
        plan = random_repair.draw({**FAULTY, "task": task, "shuffle": True}, x, y, rng)
        model = cases.model_of(plan)
        model.build(x.shape[1:])
        assert model.output_shape[1:] == y.shape[1:]
        assert 1 <= plan["epochs"] * -(-50 // plan["batch_size"]) <= random_repair.UPDATES


def test_random_search_counts_its_plans_and_keeps_the_best(monkeypatch):
    monkeypatch.setattr(random_repair, "UPDATES", 5)
    case = {**next(iter(ordinary.cases())), "epochs": 1}
    found = random_repair.search(case, 0, plans=2)
    assert found.plans == 2
    assert 0 <= found.score <= 1
    rows, held = random_repair._split(case, cases.arrays_of(case)["y_train"], np.random.default_rng(0))
    assert not set(rows) & set(held)
    assert len(rows) + len(held) == 105


class Standin:
    """A report that finds what it is told."""

    def __init__(self, codes, repair=None):
        self.findings = [
            SimpleNamespace(code=c, severity="error", layer=None, confidence=1.0, evidence={}) for c in codes
        ]
        self.model = SimpleNamespace(predict=lambda x: np.zeros((len(x), 3)))
        self._repair = repair

    def repair(self, **settings):
        return self._repair


def test_a_diagnosis_is_recorded_and_told():
    case = {**next(iter(ordinary.cases())), "faults": ["plateau"], "repairable": True, "score_buggy": 0.3,
            "score_fixed": 0.9}  # fmt: skip
    truth = cases.arrays_of(case)["y_test"]
    cured = SimpleNamespace(
        model=SimpleNamespace(predict=lambda x: truth), changes={"learning_rate": 0.1}, proof={"effect": 0.5}
    )
    wanted = one.Wanted(rules=False, random=False)
    good = one.diagnosed(case, 0, wanted, diagnose=lambda *a, **k: Standin(["plateau"], cured))
    assert good["first"]
    assert good["repaired"]
    assert good["repair_score"] == 1
    assert "learning_rate=0.1" in one.line(case, good)
    none = one.diagnosed(case, 1, wanted, diagnose=lambda *a, **k: Standin(["zigzag"]))
    assert (none["detected"], none["in_three"], none["repaired"]) == (True, False, False)

    def broken(*arguments, **settings):
        raise ValueError("no such thing")

    failed = one.diagnosed(case, 2, wanted, diagnose=broken)
    assert not failed["detected"]
    assert "no such thing" in one.line(case, failed)
    result = report.result_of([case], [good, none, failed], wanted)
    assert {goal.what: goal.measured for goal in result.goals}["faults detected"] == 1
    assert json.dumps(result.figures, default=str)
    assert any("no such thing" in note for note in result.notes)


def test_only_whole_runs_are_for_the_record():
    assert run.whole([])
    assert run.whole(["--jobs", "2"])
    assert not run.whole(["--quick"])
    assert not run.whole(["--only", "so"])
    assert [case["id"] for case in run.cases_of(run.options(1, ["--only", "or-01-iris"]))] == ["or-01-iris"]
