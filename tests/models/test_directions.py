"""mode="auto": whether a figure should rise or fall is told by its metric, by its name where nothing else tells."""

from __future__ import annotations

import numpy as np
import pytest

import jindan as jd
from jindan.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau, falls
from jindan.errors import InputError
from jindan.layers import Concatenate, Dense, Input
from jindan.metrics import AUC
from jindan.models import Model, Sequential

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)).astype("f")
Y = (X[:, 0] + 0.3 * RNG.normal(size=120) > 0).astype("f")
QUIET = {"validation_split": 0.3, "seed": 1, "verbose": 0, "doctor": False}


def binary(*metrics):
    model = Sequential([Dense(8, "relu", input_shape=(3,)), Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=list(metrics), seed=1)
    return model


def dice(y_true, y_pred):
    return y_true[:, 0] * y_pred[:, 0]


def my_error(y_true, y_pred):
    return abs(y_true[:, 0] - y_pred[:, 0])


def test_what_names_say():
    falling = ["loss", "val_loss", "val_auction_loss", "val_recall_head_loss", "val_accident_mae", "my_error", "rmse_2"]
    rising = ["val_accuracy", "acc", "auc_1", "f1", "val_r2", "out_precision", "recall_2", "cosine_similarity", "acc5"]
    assert all(falls(name) is True for name in falling)
    assert all(falls(name) is False for name in rising)
    assert all(falls(name) is None for name in ("val_dice", "roc", "recalled"))


def test_a_metric_of_any_name_tells_its_direction():
    stop = EarlyStopping("val_roc", patience=3, restore_best_weights=True)
    history = binary(AUC(name="roc")).fit(X, Y, epochs=30, callbacks=[stop], **QUIET)
    values = history.history["val_roc"]
    assert history.run.best_epoch == int(np.argmax(values)) > 0
    assert history.run.plan.early_stopping.mode == "max"


def test_a_similarity_as_a_metric_rises_and_a_loss_of_its_name_falls():
    model = Sequential([Dense(2, input_shape=(3,))])
    model.compile("adam", "mse", metrics=["cosine_similarity"], seed=0)
    stop = EarlyStopping("val_cosine_similarity", patience=2, restore_best_weights=True)
    history = model.fit(X, X[:, :2], epochs=12, callbacks=[stop], **QUIET)
    assert history.run.best_epoch == int(np.argmax(history.history["val_cosine_similarity"]))


def test_the_name_of_an_output_says_nothing():
    a = Input((3,))
    model = Model(a, [Dense(1, name="auction")(a), Dense(1, name="other")(a)])
    model.compile("adam", "mse", seed=0)
    stop = EarlyStopping("val_auction_loss", patience=3, restore_best_weights=True)
    history = model.fit(X, [X[:, :1], X[:, 1:2]], epochs=8, callbacks=[stop], **QUIET)
    assert history.run.best_epoch == int(np.argmin(history.history["val_auction_loss"])) > 0
    assert len(history.epoch) == 8


def test_rows_of_one_number_and_several_inputs():
    one = Sequential([Dense(1, "sigmoid", input_shape=(1,))])
    i, j = Input((3,)), Input((1,))
    several = Model([i, j], Dense(1, "sigmoid")(Concatenate()([i, j])))
    for model, x in ((one, X[:, 0]), (several, [X, X[:, :1]])):
        model.compile("adam", "binary_crossentropy", metrics=[AUC(name="roc")], seed=0)
        plan = model.fit(x, Y, callbacks=[EarlyStopping("val_roc")], **QUIET).run.plan
        assert plan.early_stopping.mode == "max"


@pytest.mark.parametrize(
    "make", [EarlyStopping, ReduceLROnPlateau, lambda name: ModelCheckpoint("never", name, save_best_only=True)]
)
def test_a_function_of_the_users_has_to_say(make):
    with pytest.raises(InputError, match=r'rise or fall(.|\n)*mode="max" or mode="min" for val_dice'):
        binary(dice).fit(X, Y, callbacks=[make("val_dice")], **QUIET)


def test_a_function_whose_name_or_mode_says():
    for metric, stop in ((my_error, EarlyStopping("val_my_error")), (dice, EarlyStopping("val_dice", mode="max"))):
        plan = binary(metric).fit(X, Y, callbacks=[stop], **QUIET).run.plan
        assert plan.early_stopping == stop


def test_ordinary_watchers_stay_as_they_are():
    # What is compiled is looked up by the plan's structure: a mode that the name tells already is not written out.
    for stop in (EarlyStopping("val_loss"), EarlyStopping("val_accuracy")):
        plan = binary("accuracy").fit(X, Y, callbacks=[stop, ReduceLROnPlateau("loss")], **QUIET).run.plan
        assert plan.early_stopping == stop
        assert plan.reduce_on_plateau == ReduceLROnPlateau("loss")


def test_a_checkpoint_keeps_the_best_by_its_metric(tmp_path):
    best = ModelCheckpoint(tmp_path / "m-{epoch}", "val_roc", save_best_only=True, save_weights_only=True)
    history = binary(AUC(name="roc")).fit(X, Y, epochs=6, callbacks=[best], **QUIET)
    values = history.history["val_roc"]
    rises = [k + 1 for k in range(6) if all(values[k] > v for v in values[:k])]
    assert {int(p.name[2:]) for p in tmp_path.iterdir()} == set(rises)
    assert best.best == max(values)


def test_populations_know_it_too():
    found = jd.cross_validate(binary(AUC(name="roc")), X, Y, folds=2, epochs=3, callbacks=[EarlyStopping("val_roc")])
    assert found.scores.shape[-1] == 2
    with pytest.raises(InputError, match="rise or fall"):
        jd.cross_validate(binary(dice), X, Y, folds=2, callbacks=[EarlyStopping("dice")])
