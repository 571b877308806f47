"""Cross-validation, seeds and ensembles of tables: held against plans trained alone, NumPy and SciPy."""

import json

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score

import jindan as jd
from jindan.engine.data import Data
from jindan.engine.train import train
from jindan.errors import FileError, InputError
from jindan.runs import finishing, tables
from jindan.runs.build import Wanted, build_plan, targets_for
from jindan.runs.folding import folded
from jindan.runs.folds import fold_table
from jindan.runs.members import members_of, read_members, seed_spread
from jindan.runs.prepare import prepare
from jindan.runs.tables import resume_table, train_table
from jindan.select import Score

SMALL = {"layers": "6 tanh", "epochs": 12, "batch_size": 16}


def _plan(prepared, validated=True, **wanted):
    rows = len(prepared.split.train)
    asked = Wanted(**{**SMALL, **wanted})
    return build_plan(prepared.task.kind, max(1, prepared.classes), rows, asked, validated=validated,
                      inputs=prepared.preprocessor.inputs)  # fmt: skip


@pytest.fixture(scope="module")
def kinds(place):
    """The table of classes, its folds and what cross-validation found."""
    prepared = prepare(place / "flowers.csv", "kind", seed=0)
    parts = folded(prepared, 3)
    plan = _plan(prepared)
    return prepared, parts, plan, fold_table(prepared, plan, parts, seeds=2)


@pytest.fixture(scope="module")
def prices(place):
    prepared = prepare(place / "houses.csv", "price", seed=0)
    parts = folded(prepared, 4)
    plan = _plan(prepared, validated=False)
    return prepared, parts, plan, fold_table(prepared, plan, parts)


# -- folds -------------------------------------------------------------------------------------------------------


def test_every_row_is_judged_once_and_never_trained_or_watched_by_its_own_fold(kinds):
    prepared, parts, _, found = kinds
    assert sorted(np.concatenate([held for _, held in parts.pairs])) == list(range(90))
    for k, run in enumerate(found.runs):
        number = k % 3
        mine = {number * 90 + row for row in parts.pairs[number][0]}
        own, watched = set(run.plan.rows.tolist()), set(run.plan.validation_rows.tolist())
        assert own | watched == mine
        assert not own & watched
        assert len(watched) == 9  # 15 % of 60
        assert len(np.unique(prepared.truth[[row - number * 90 for row in watched]])) == 3


def test_preprocessing_of_a_fold_knows_its_training_rows_only(kinds):
    prepared, parts, *_ = kinds
    size = prepared.frame["size"].to_numpy()
    place = parts.features.index("size")
    for number, (rows, _) in enumerate(parts.pairs):
        expected = (size - size[rows].mean()) / size[rows].std()
        np.testing.assert_allclose(parts.x[number * 90 : (number + 1) * 90, place], expected, rtol=1e-5, atol=1e-6)


def test_the_scale_of_a_target_is_that_of_the_folds_training_rows(prices):
    prepared, parts, *_ = prices
    price = prepared.frame["price"].to_numpy()
    for number, (rows, _) in enumerate(parts.pairs):
        expected = (price - price[rows].mean()) / price[rows].std()
        np.testing.assert_allclose(parts.encoded[number * 80 : (number + 1) * 80], expected, rtol=1e-5, atol=1e-6)


def test_a_fold_is_the_same_plan_trained_alone_on_the_same_matrix(kinds):
    prepared, parts, plan, found = kinds
    number, run = 1, found.runs[1]
    x, codes = parts.x[90:180], parts.encoded[90:180]
    own, watched = run.plan.rows.numbers - 90, run.plan.validation_rows.numbers - 90
    data = Data.of(x, targets_for(plan, prepared.task.kind, codes, 3))
    alone = train(plan.replace(seed=0, rows=own, validation_rows=watched), data)
    for mine, theirs in zip(run.weights, alone.weights, strict=True):
        for name in mine:
            # float32, ten epochs; a member's products may be summed in another order than a lone one's.
            np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-4, atol=1e-5)
    held = parts.pairs[number][1]
    guess = alone.predict(x[held]).argmax(1)
    assert found.figures["accuracy"][0, number] == accuracy_score(prepared.truth[held], guess)


def test_columns_that_some_fold_lacks_are_zero_there():
    rng = np.random.default_rng(0)
    words = np.array(["a", "b"])[np.arange(30) % 2].tolist()
    words[7] = "rare"
    frame = pl.DataFrame({"n": rng.normal(size=30), "w": words, "y": ["u", "v", "v"] * 10})
    prepared = prepare(frame, "y")
    parts = folded(prepared, 3)
    place = parts.features.index("w=rare")
    for number, (rows, _) in enumerate(parts.pairs):
        column = parts.x[number * 30 : (number + 1) * 30, place]
        assert column.sum() == (1.0 if 7 in rows else 0.0)
        assert ("w=rare" in parts.preprocessors[number].feature_names) == (7 in rows)
    fold_table(prepared, _plan(prepared, epochs=1), parts)


def test_figures_pooled_figures_and_baselines_by_scikit_learn(kinds, prices):
    prepared, parts, _, found = prices
    truth, guess = [], []
    price = prepared.frame["price"].to_numpy()
    for number, ((rows, held), run) in enumerate(zip(parts.pairs, found.runs, strict=True)):
        values = run.predict(parts.x[number * 80 + held])[:, 0]
        guess.append(values * price[rows].std() + price[rows].mean())
        truth.append(price[held])
        assert found.figures["r2"][0, number] == pytest.approx(r2_score(truth[-1], guess[-1]), rel=1e-4)
        assert found.figures["mae"][0, number] == pytest.approx(mean_absolute_error(truth[-1], guess[-1]), rel=1e-4)
    pooled = r2_score(np.concatenate(truth), np.concatenate(guess))
    assert found.pooled["r2"].value == pytest.approx(pooled, rel=1e-4)
    prepared, parts, _, found = kinds
    rows, held = parts.pairs[2]
    linear = LogisticRegression(max_iter=500).fit(parts.x[180 + rows], prepared.truth[rows])
    assert found.baselines["linear"]["accuracy"][2] == linear.score(parts.x[180 + held], prepared.truth[held])


def test_the_interval_and_the_comparison_are_nadeau_and_bengios(prices):
    found = prices[-1]
    scores, k = found.scores[0], 4
    error = np.sqrt((1 / k + 20 / 60) * scores.var(ddof=1))
    low, high = found.interval
    assert low == pytest.approx(scores.mean() - stats.t.ppf(0.975, 3) * error)
    assert high == pytest.approx(min(1.0, scores.mean() + stats.t.ppf(0.975, 3) * error))
    means = {name: values["r2"].mean() for name, values in found.baselines.items()}
    assert found.best_baseline == max(means, key=means.get)
    gaps = scores - found.baselines[found.best_baseline]["r2"]
    t = gaps.mean() / np.sqrt((1 / k + 20 / 60) * gaps.var(ddof=1))
    assert found.comparison.p == pytest.approx(2 * stats.t.sf(abs(t), 3))
    assert found.verdict == ("same" if found.comparison.p >= 0.05 else "better" if t > 0 else "worse")


def test_a_plan_that_watches_nothing_trains_on_all_training_rows(prices):
    _, parts, _, found = prices
    assert all(run.plan.validation_rows is None for run in found.runs)
    assert [len(run.plan.rows) for run in found.runs] == [len(rows) for rows, _ in parts.pairs]


def test_its_plain_form_is_json_and_its_words_are_short(kinds):
    found = kinds[-1]
    body = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert body["folds"] == 3
    assert np.shape(body["scores"]) == (2, 3)
    assert body["metric"] == "accuracy"
    assert repr(found).startswith("TableFolds(accuracy ")


def test_leave_one_out_is_judged_by_absolute_error(place):
    frame = pl.read_csv(place / "houses.csv")[:8]
    prepared = prepare(frame, "price", validation=0, test=0)
    found = fold_table(prepared, _plan(prepared, validated=False, epochs=2), 8)
    assert found.metric == "mae"
    assert found.scores.shape == (1, 8)
    assert found.pooled["r2"].value == found.pooled["r2"].value  # a number: all rows together do vary


def test_classes_with_fewer_rows_than_folds_are_named():
    frame = pl.DataFrame({"a": np.arange(20.0), "y": ["p"] * 9 + ["q"] * 9 + ["few"] * 2})
    prepared = prepare(frame, "y")
    assert folded(prepared, 3).rare == (("few", 2),)
    assert fold_table(prepared, _plan(prepared, epochs=1), 3).rare == (("few", 2),)


@pytest.mark.parametrize(
    ("folds", "said"), [(200, "fewer rows than folds"), (1, "whole number"), (2.5, "whole number")]
)
def test_impossible_folds_are_refused(place, folds, said):
    with pytest.raises(InputError, match=said):
        train_table(place / "houses.csv", "price", folds=folds, out=place / "never")
    assert not (place / "never").exists()


# -- seeds and ensembles -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def forest(place):
    """An ensemble of three on classes, and one of two on a number, judged over seeds and folds too."""
    out = place / "forest"
    kinds = train_table(place / "flowers.csv", "kind", ensemble=3, out=out / "kinds", **SMALL)
    both = {"seeds": 2, "folds": 2, "ensemble": 2}
    return kinds, train_table(place / "houses.csv", "price", out=out / "prices", **both, **SMALL)


def test_several_seeds_keep_the_first_as_it_is_alone(place, tmp_path):
    one = train_table(place / "houses.csv", "price", seed=4, out=tmp_path / "one", **SMALL)
    run = train_table(place / "houses.csv", "price", seed=4, seeds=3, out=tmp_path / "three", **SMALL)
    for mine, theirs in zip(run.run.weights, one.run.weights, strict=True):
        for name in mine:
            np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-4, atol=1e-5)
    spread = run.record["seed_spread"]
    assert spread["seeds"] == [4, 5, 6]
    assert spread["part"] == "test"
    assert spread["kept"] == pytest.approx(one.record["metrics"]["test"]["r2"]["value"], abs=1e-4)
    assert spread["std"] == pytest.approx(np.std(spread["scores"]["r2"], ddof=1))
    prepared = prepare(place / "houses.csv", "price", seed=4)
    plan = run.run.plan.replace(seed=6)
    x, y = prepared.x, prepared.encoded[:, None].astype("f4")
    rows, held = prepared.split.train, prepared.split.validation
    data = Data.of(x[rows], y[rows], validation=(x[held], y[held]))
    guess = prepared.encoder.decode(train(plan, data).predict(prepared.x[prepared.split.test])[:, 0])
    assert spread["scores"]["r2"][2] == pytest.approx(r2_score(prepared.truth[prepared.split.test], guess), abs=1e-4)
    assert not jd.load(run.folder).members


def test_luck_is_counted_in_standard_deviations():
    scores = [{"accuracy": Score(v)} for v in (0.9, 0.7, 0.8)]
    found = seed_spread([0, 1, 2], scores, "accuracy", "test")
    assert found["luck"] == pytest.approx(1.0)
    assert (found["min"], found["max"]) == (0.7, 0.9)
    assert seed_spread([0, 1], [scores[0]] * 2, "accuracy", "test")["luck"] == 0.0


def test_members_have_bootstraps_and_seeds_of_their_own():
    plan = build_plan("binary", 1, 50, Wanted(**SMALL))
    plans = members_of(plan, np.arange(100, 150), 7, 4)
    draws = [p.rows.numbers for p in plans]
    assert all(len(d) == 50 and d.min() >= 100 and d.max() < 150 and len(np.unique(d)) < 50 for d in draws)
    assert len({d.tobytes() for d in draws}) == 4
    assert len({p.seed for p in plans}) == 4
    assert plans[0].seed == 7
    assert [p.seed for p in members_of(plan, 50, 7, 4)] == [p.seed for p in plans]


def test_an_ensemble_predicts_the_mean_of_its_members_and_their_spread(forest, place):
    kinds, prices = (jd.load(run.folder) for run in forest)
    x = kinds.features(place / "flowers.csv")
    each = np.stack([run.predict(x) for run in kinds.members]).astype(float)
    assert each.shape == (3, 90, 3)
    np.testing.assert_allclose(kinds.predict(place / "flowers.csv"), each.mean(0), atol=1e-6)
    table = kinds.predict_table(place / "flowers.csv")
    best = each.mean(0).argmax(1)
    np.testing.assert_allclose(table["spread"], each[:, np.arange(90), best].std(0), atol=1e-6)
    x = prices.features(place / "houses.csv")
    each = np.stack([prices.facts.encoder.decode(run.predict(x)[:, 0]) for run in prices.members])
    table = prices.predict_table(place / "houses.csv")
    np.testing.assert_allclose(table["prediction"], each.mean(0), rtol=1e-5)
    np.testing.assert_allclose(table["spread"], each.std(0), rtol=1e-3)


def test_a_member_is_its_plan_trained_alone_on_its_bootstrap(forest, place):
    run = forest[0]
    prepared = prepare(place / "flowers.csv", "kind", seed=0)
    rows, held = prepared.split.train, prepared.split.validation
    y = np.eye(3, dtype=np.float32)[prepared.encoded]
    plan = members_of(run.run.plan, len(rows), 0, 3)[2]
    data = Data.of(prepared.x[rows][plan.rows.numbers], y[rows][plan.rows.numbers],
                   validation=(prepared.x[held], y[held]))  # fmt: skip
    alone = train(plan.replace(rows=None), data)
    member = jd.load(run.folder).members[2]
    for mine, theirs in zip(member.weights, alone.weights, strict=True):
        for name in mine:
            np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-4, atol=1e-5)


def test_an_ensemble_is_judged_saved_and_loaded_as_a_whole(forest, place, tmp_path):
    run, model = forest[0], jd.load(forest[0].folder)
    prepared = prepare(place / "flowers.csv", "kind", seed=0)
    test = prepared.frame[prepared.split.test]
    assert model.score(test)["accuracy"].value == run.record["metrics"]["test"]["accuracy"]["value"]
    loss, accuracy = model.evaluate(test)
    p = model.predict(test)[np.arange(len(test)), prepared.truth[prepared.split.test]]
    assert loss == pytest.approx(-np.log(p).mean(), rel=1e-4)
    assert accuracy == pytest.approx(run.record["metrics"]["test"]["accuracy"]["value"], abs=1e-6)
    model.save(tmp_path / "again")
    again = jd.load(tmp_path / "again")
    assert np.array_equal(again.predict(test), model.predict(test))
    assert len(again.members) == 3
    first = jd.load(run.folder).inner().predict(model.features(test))
    assert np.array_equal(first, model.members[0].predict(model.features(test)))
    told = run.record["ensemble"]
    assert told["members"] == 3
    assert told["together"] == model.score(test)["accuracy"].value
    assert told["mean_of_members"] == pytest.approx(np.mean(told["scores"]))


def test_training_on_leaves_the_first_member(forest, place):
    model = jd.load(forest[0].folder)
    model.fit(place / "flowers.csv", epochs=1, verbose=0)
    assert model.members == ()
    assert "spread" not in model.predict_table(place / "flowers.csv").columns


def test_damaged_and_missing_members_are_named(forest, tmp_path):
    import shutil

    folder = shutil.copytree(forest[0].folder, tmp_path / "run")
    with pytest.raises(FileError, match="other members"):
        read_members(folder, jd.load(folder).members[0], 2)
    (folder / "members.safetensors").write_bytes(b"none")
    with pytest.raises(FileError, match="damaged"):
        jd.load(folder)
    (folder / "members.safetensors").unlink()
    with pytest.raises(FileError, match="missing"):
        jd.load(folder)


def test_an_ensemble_cannot_be_gone_on_from(forest, place, tmp_path):
    with pytest.raises(InputError, match="ensemble cannot be gone on from"):
        train_table(place / "flowers.csv", "kind", start=forest[0].folder, out=tmp_path / "r")


def test_seeds_folds_and_members_are_one_matter(forest):
    record = forest[1].record
    assert np.shape(record["cross_validation"]["scores"]) == (2, 2)
    assert record["cross_validation"]["ensemble"] == 2
    assert len(record["seed_spread"]["scores"]["r2"]) == 2
    assert record["seed_spread"]["kept"] == pytest.approx(record["metrics"]["test"]["r2"]["value"])
    assert {"cross_validation", "seed_spread", "ensemble"} <= set(forest[1].summary())


@pytest.mark.parametrize("when", ["training", "members", "validating"])
def test_what_was_cut_off_resumes_to_the_same_numbers(forest, place, tmp_path, monkeypatch, when):
    def some(plans, data, **more):
        first = 1 if when == "members" else 0
        ready = train(plans[:first], data, **more) if first else []
        return ready + train(plans[first:], data, until=3, **more)

    def leave(*given, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*((finishing, "fold_table", leave) if when == "validating" else (tables, "train", some)))
        cut = train_table(place / "flowers.csv", "kind", ensemble=3, folds=2, out=tmp_path / "cut", **SMALL)
    assert cut.interrupted
    assert cut.record["unfinished"] == when
    assert len(jd.load(cut.folder).members) == (3 if when == "validating" else 0)
    whole = resume_table(cut.folder)
    assert not whole.interrupted
    assert whole.record["cross_validation"]["folds"] == 2
    mine, theirs = jd.load(whole.folder), jd.load(forest[0].folder)
    np.testing.assert_allclose(mine.predict(place / "flowers.csv"), theirs.predict(place / "flowers.csv"), atol=1e-5)


@pytest.mark.parametrize("wrong", [{"seeds": 0}, {"ensemble": 0}, {"ensemble": 1.5}])
def test_impossible_repeats_are_refused(place, wrong):
    with pytest.raises(InputError, match="whole number"):
        train_table(place / "houses.csv", "price", out=place / "never", **wrong)


def test_a_network_that_broke_down_has_no_verdict(place):
    prepared = prepare(place / "houses.csv", "price", seed=0)
    plan = _plan(prepared, validated=False, optimizer="sgd", learning_rate=1e30, layers="6 relu")
    found = fold_table(prepared, plan, 3)
    assert found.metric == "r2"
    assert not np.isfinite(found.mean)
    assert found.comparison is None
    assert found.verdict == "unknown"


def test_weights_that_are_put_in_make_an_ensemble_one_network(forest):
    model = jd.load(forest[0].folder)
    model.set_weights(model.get_weights())
    assert model.members == ()
    assert "members" not in model.facts.settings


def test_a_target_that_does_not_vary_in_a_fold_has_no_interval():
    frame = pl.DataFrame({"a": np.arange(12.0), "y": ["p"] * 6 + ["q"] * 6})
    found = fold_table(prepared := prepare(frame, "y", validation=0, test=0), _plan(prepared, False, epochs=1), 3)
    body = found.to_dict()["baselines"][0]
    assert (body["name"], body["mean"]["value"], body["mean"]["low"]) == ("majority", 0.5, None)
