"""TableModel trains on raw rows too, and an interrupted run lends its weights."""

import numpy as np
import polars as pl
import pytest

import jindan as jd
from jindan.callbacks import Callback
from jindan.errors import InputError
from jindan.plan import Plan
from jindan.runs.tables import TableModel, train_table


@pytest.fixture
def model(flowers):
    return jd.load(flowers.folder)


def _weights(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


def test_a_run_that_was_cut_off_lends_its_weights(place, tmp_path):
    cut = train_table(
        place / "houses.csv", "price", epochs=4000, plan=Plan((), early_stopping=None), layers="8 relu",
        out=tmp_path / "cut", listen=lambda told: True,
    )  # fmt: skip
    assert cut.interrupted
    assert cut.run.epochs > 5
    more = train_table(place / "houses.csv", "price", epochs=5, start=cut.folder, out=tmp_path / "more")
    assert not more.interrupted
    assert more.run.epochs == 5
    assert more.run.steps > cut.run.steps


def test_fit_preprocesses_raw_rows_in_any_form(place, flowers):
    frame = pl.read_csv(place / "flowers.csv")
    raw = frame.drop("kind")
    forms = [
        (place / "flowers.csv", None),
        (frame, None),
        (frame.to_dict(as_series=False), None),
        (frame.to_dicts(), None),
        (raw, frame["kind"]),
        (raw.to_numpy(), frame["kind"].to_list()),
    ]
    plain = jd.load(flowers.folder).inner()
    plain.fit(jd.load(flowers.folder).features(frame), _codes(flowers, frame), epochs=2, seed=5, verbose=0)
    expected = _weights(plain)
    for x, y in forms:
        model = jd.load(flowers.folder)
        model.fit(x, y, epochs=2, seed=5, verbose=0)
        assert (_weights(model) == expected).all()


def _codes(flowers, frame):
    return flowers.model.targets(frame["kind"])


@pytest.mark.parametrize("form", ["frame", "pair", "weighted"])
def test_validation_data_is_raw_too(place, model, form):
    frame = pl.read_csv(place / "flowers.csv")
    pair = (frame.drop("kind"), frame["kind"])
    held = {"frame": frame, "pair": pair, "weighted": (*pair, np.ones(90))}[form]
    before = model.evaluate(frame, return_dict=True)["loss"]
    history = model.fit(frame, epochs=1, batch_size=90, validation_data=held, verbose=0, seed=1)
    after = model.evaluate(frame, return_dict=True)["loss"]
    assert history.history["val_loss"][-1] == pytest.approx(after, rel=1e-4)
    assert after < before * 1.5


def test_rows_without_a_target_are_left_out_with_their_weights(place, flowers):
    frame = pl.read_csv(place / "flowers.csv")
    holes = frame.with_columns(pl.when(pl.int_range(90) < 10).then(None).otherwise("kind").alias("kind"))
    weight = np.linspace(0, 1, 90)
    one, two = jd.load(flowers.folder), jd.load(flowers.folder)
    one.fit(holes, sample_weight=weight, seed=2, verbose=0)
    two.fit(frame[10:], sample_weight=weight[10:], seed=2, verbose=0)
    assert (_weights(one) == _weights(two)).all()


def test_train_on_batch_takes_raw_rows(place, model):
    frame = pl.read_csv(place / "flowers.csv")
    expected = model.evaluate(frame, return_dict=True)["loss"]
    found = model.train_on_batch(frame.drop("kind"), frame["kind"], return_dict=True)
    assert found["loss"] == pytest.approx(expected, rel=1e-4)
    before = _weights(model)
    model.train_on_batch(str(place / "flowers.csv"))
    assert (_weights(model) != before).any()


def test_a_number_is_fitted_in_its_own_units(place, houses, tmp_path):
    model, frame = jd.load(houses.folder), pl.read_csv(place / "houses.csv")
    model.fit(frame, epochs=20, verbose=0, seed=0)
    assert model.score(frame)["r2"].value > 0.95
    assert model.predict_table(frame)["low"].null_count() == 80
    model.save(tmp_path / "copy")
    assert (jd.load(tmp_path / "copy").predict(frame) == model.predict(frame)).all()


def test_callbacks_see_the_model_of_the_table(place, model):
    seen = []

    class Look(Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((isinstance(self.model, TableModel), self.model.predict(place / "flowers.csv").shape))

    model.fit(place / "flowers.csv", epochs=2, callbacks=[Look()], verbose=0)
    assert seen == [(True, (90, 3))] * 2


def test_what_cannot_be_fitted_says_so(place, model):
    frame = pl.read_csv(place / "flowers.csv")
    with pytest.raises(InputError, match="rows have no target"):
        model.fit(frame.drop("kind"))
    with pytest.raises(InputError, match="no class called 'tulip'"):
        model.fit(frame.drop("kind"), ["tulip"] * 90)
    with pytest.raises(InputError, match="iterator of batches"):
        model.fit(iter([(frame, frame["kind"])]))
    with pytest.raises(InputError, match="validation_data"):
        model.fit(frame, validation_data=(frame,))


def test_backprop_wants_the_network_alone(place, model):
    frame = pl.read_csv(place / "flowers.csv")
    with pytest.raises(InputError, match=r"model\.features"):
        jd.backprop(model, frame.drop("kind").to_numpy()[:, :2], frame["kind"])
    steps = jd.backprop(model.inner(), model.features(frame), model.targets(frame["kind"]))
    assert np.allclose(steps[-1].A, model.predict(frame), atol=1e-6)


def test_evaluate_weighs_rows(place, model):
    frame = pl.read_csv(place / "flowers.csv")
    weight = (np.arange(90) < 30).astype(float)
    whole = model.evaluate(frame, sample_weight=weight, return_dict=True)["loss"]
    # Keras divides by the number of rows or by the sum of weights; either way other rows count nothing.
    part = model.evaluate(frame[:30], return_dict=True)["loss"]
    assert min(abs(whole - part), abs(whole - part / 3)) < 1e-5
    with pytest.raises(InputError, match="steps"):
        model.evaluate(frame, steps=2)
    with pytest.raises(InputError, match="steps"):
        model.predict(frame, steps=2)
