"""Models within models: as Keras orders, freezes and computes them; taken apart, saved, trained in populations."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from contracts.numerics import agree

import jindan as jd
import jindan.layers as ours
from jindan.engine.train import train
from jindan.errors import InputError, ShapeError
from jindan.layers import Add, Concatenate, Dense, Input, LayerNormalization
from jindan.models import Model, Sequential

RNG = np.random.default_rng(417)
X = RNG.normal(size=(30, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 30)


def block(name="base", width=4):
    """A graph that is no stack."""
    x = Input((4,))
    hidden = Dense(width, activation="tanh")(x)
    return Model(x, LayerNormalization()(Add()([x, Dense(4)(hidden)])), name=name)


class Ours:
    layers, Input = ours, staticmethod(Input)

    @staticmethod
    def model(inputs, outputs, name):
        return Model(inputs, outputs, name=name, dtype="float64")

    @staticmethod
    def stack(layers, name):
        return Sequential(layers, name=name, dtype="float64")


def theirs_of(keras):
    class Theirs:
        layers, Input = keras.layers, staticmethod(keras.Input)

        @staticmethod
        def model(inputs, outputs, name):
            return keras.Model(inputs, outputs, name=name)

        @staticmethod
        def stack(layers, name):
            return keras.Sequential(layers, name=name)

    return Theirs


def residual(lib, name="base"):
    x = lib.Input((4,))
    hidden = lib.layers.Dense(5, activation="tanh")(x)
    return lib.model(x, lib.layers.Add()([x, lib.layers.Dense(4, use_bias=False)(hidden)]), name)


def in_a_stack(lib):
    return lib.stack(
        [lib.Input((4,)), lib.layers.Dense(4), residual(lib), lib.layers.Dense(3, activation="softmax")], "s"
    )


def first_in_a_stack(lib):
    return lib.stack([residual(lib), lib.stack([lib.Input((4,)), lib.layers.Dense(2)], "end")], "s")


def beside_deeper_branches(lib):
    x = lib.Input((4,))
    other = lib.layers.Dense(4, use_bias=False)(lib.layers.Dense(6)(lib.layers.Dense(7)(x)))
    return lib.model(x, lib.layers.Dense(1)(lib.layers.Subtract()([residual(lib)(x), other])), "g")


def called_twice(lib):
    a, b = lib.Input((4,)), lib.Input((4,))
    base = residual(lib)
    near = lib.layers.Multiply()([base(a), base(lib.layers.Dense(4)(b))])
    return lib.model([a, b], lib.layers.Dense(1)(near), "g")


def within_one_within(lib):
    x = lib.Input((4,))
    middle = lib.model(x, lib.layers.Dense(2)(residual(lib, "inner")(lib.layers.Dense(4)(x))), "middle")
    y = lib.Input((4,))
    return lib.model(y, lib.layers.Dense(3)(middle(y)), "g")


def of_several_values(lib):
    a, b = lib.Input((4,)), lib.Input((3,))
    both = lib.layers.Dense(5)(lib.layers.Concatenate()([a, b]))
    pair = lib.model([a, b], [lib.layers.Dense(4)(both), lib.layers.Dense(2)(both)], "pair")
    c, d = lib.Input((4,)), lib.Input((3,))
    first, second = pair([c, lib.layers.Dense(3)(d)])
    return lib.model([c, d], [residual(lib)(first), second], "g")


BUILDS = [in_a_stack, first_in_a_stack, beside_deeper_branches, called_twice, within_one_within, of_several_values]


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("rows", [1, 3])
def test_weights_outputs_and_training_as_in_keras(build, rows, keras64):
    mine, theirs = build(Ours), build(theirs_of(keras64))
    weights = [0.5 * RNG.normal(size=w.shape) for w in theirs.get_weights()]
    assert [w.shape for w in mine.get_weights()] == [w.shape for w in weights]
    for model in (mine, theirs):
        model.set_weights(weights)
    forms = theirs.input_shape if isinstance(theirs.input_shape, list) else [theirs.input_shape]
    x = [RNG.normal(size=(rows, *form[1:])) for form in forms]
    x = x if len(x) > 1 else x[0]
    found, wanted = mine.predict(x), theirs(x)
    many = isinstance(wanted, (list, tuple))
    y = [RNG.normal(size=np.shape(w)) for w in (wanted if many else [wanted])]
    for a, b in zip(found if many else [found], wanted if many else [wanted], strict=True):
        agree(a, np.asarray(b), 1e-6)  # Keras computes activations in float32 whatever their dtype
    mine.compile(jd.optimizers.SGD(0.01), "mse")
    theirs.compile(keras64.optimizers.SGD(0.01), "mse")
    mine.fit(x, y if many else y[0], epochs=2, batch_size=rows, shuffle=False, doctor=False)
    theirs.fit(x, y if many else y[0], epochs=2, batch_size=rows, shuffle=False, verbose=0)
    for a, b in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("build", BUILDS)
def test_layers_and_their_numbers_as_in_keras(build, keras64):
    mine, theirs = build(Ours), build(theirs_of(keras64))
    wanted = [layer for layer in theirs.layers if type(layer).__name__ != "InputLayer"]
    assert len(mine.layers) == len(wanted)
    for view, layer in zip(mine.layers, wanted, strict=True):
        assert view.count_params() == layer.count_params()
        inner = [part for part in getattr(layer, "layers", []) if type(part).__name__ != "InputLayer"]
        assert [v.count_params() for v in getattr(view, "layers", [])] == [part.count_params() for part in inner]
        if inner:
            assert view.name == layer.name


def test_a_frozen_model_within_keeps_its_bits_and_thaws():
    for whole in (Sequential([block(), Dense(3, activation="softmax")]), graph_of(block())):
        base = whole.get_layer("base")
        before = base.get_weights()
        base.trainable = False
        assert not base.trainable
        assert (len(whole.trainable_weights), len(whole.non_trainable_weights)) == (2, 6)
        whole.compile("adam", "sparse_categorical_crossentropy")
        whole.fit(X, Y, epochs=2, seed=0)
        for a, b in zip(base.get_weights(), before, strict=True):
            np.testing.assert_array_equal(a, b)
        base.get_layer("dense").trainable = True  # of the model within, one layer
        assert len(whole.trainable_weights) == 4
        base.trainable = True
        whole.fit(X, Y, epochs=1, seed=0)
        assert not np.array_equal(base.get_weights()[0], before[0])


def graph_of(base):
    x = Input((4,))
    return Model(x, Dense(3, activation="softmax")(base(x)))


def test_names_lead_into_models_within():
    inner = block("inner")
    whole = Sequential([Sequential([inner, Dense(2)], name="middle"), Dense(1)], name="whole")
    assert [view.name for view in whole.layers] == ["middle", "dense"]
    middle = whole.get_layer("middle")
    assert [view.name for view in middle.layers] == ["inner", "dense"]
    assert whole.get_layer("middle/inner/dense").units == 4
    assert middle.get_layer("inner").get_layer("dense_1") is not None
    assert middle.get_layer(index=-1).name == "dense"
    np.testing.assert_array_equal(whole.get_layer("middle/inner/dense").kernel, inner.get_layer("dense").kernel)
    assert whole.all_layers[0].name == "middle/inner/dense"
    with pytest.raises(InputError, match="no such layer"):
        whole.get_layer("middle/outer")
    with pytest.raises(InputError, match="Two layers have one name"):
        whole.add(Dense(1, name="middle"))
    with pytest.raises(AttributeError, match="trainable can"):
        middle.units = 3
    whole.plan.edit({"layers.middle/dense.units": 7})


def test_models_of_one_name_are_told_apart():
    x = Input((4,))
    model = Model(x, Concatenate()([block()(x), block()(x), Sequential([Dense(2)])(x), Dense(1, name="sequential")(x)]))
    names = {view.name for view in model.layers}
    assert names == {"base", "base_1", "sequential", "sequential_1", "concatenate"}
    assert model.get_layer("sequential").units == 1


def test_it_is_saved_and_loaded_as_it_was(tmp_path):
    whole = Sequential([block(), Dense(3, activation="softmax")])
    whole.compile("adam", "sparse_categorical_crossentropy")
    whole.fit(X, Y, epochs=2, seed=0)
    whole.get_layer("base").trainable = False
    whole.save(tmp_path / "m")
    again = jd.load(tmp_path / "m")
    assert type(again) is Sequential
    assert [view.name for view in again.layers] == ["base", "dense"]
    assert not again.get_layer("base").trainable
    np.testing.assert_array_equal(again.predict(X), whole.predict(X))
    again.add(Dense(1))
    assert again.predict(X).shape == (30, 1)
    for _ in range(2):
        again.pop()
    np.testing.assert_array_equal(again.predict(X), whole.get_layer("base").predict(X))
    again.pop()
    assert (again.specs, again.wiring) == ((), None)
    # The model it was made from takes its weights back.
    whole.get_layer("base").model.save_weights(tmp_path / "w.safetensors")
    alone = block()
    alone.load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(alone.predict(X), whole.get_layer("base").predict(X))


def test_weights_come_from_models_within_models_of_keras(tmp_path, keras64):
    for build in BUILDS:
        theirs = build(theirs_of(keras64))
        theirs.set_weights([RNG.normal(size=w.shape) for w in theirs.get_weights()])
        theirs.save(tmp_path / "m.keras")
        theirs.save_weights(tmp_path / "m.weights.h5")
        for source in (theirs, tmp_path / "m.keras"):
            mine = build(Ours)
            mine.load_weights(source)
            for a, b in zip(mine.get_weights(), theirs.get_weights(), strict=True):
                np.testing.assert_array_equal(a, b)


def test_a_model_within_is_taken_out_again():
    a, b = Input((4,)), Input((4,))
    base = block()
    twice = Model([a, b], Dense(1)(ours.Subtract()([base(a), base(b)])))
    assert [view.name for view in twice.layers].count("base") == 1
    view = twice.get_layer("base")
    assert view.input_shape == view.output_shape == (4,)
    np.testing.assert_allclose(view.predict(X), base.predict(X), rtol=1e-6)
    before = base.predict(X)
    twice.set_weights([w + 0.1 for w in twice.get_weights()])
    assert not np.allclose(base.predict(X), before)
    np.testing.assert_allclose(view(X), base.predict(X), rtol=1e-6)
    view.set_weights([w - 0.1 for w in base.get_weights()])
    np.testing.assert_allclose(base.predict(X), before, rtol=1e-4, atol=1e-5)
    # In another graph it is one set of layers, however often it is called.
    x = Input((4,))
    again = Model(x, Add()([view(x), view(Dense(4)(x))]))
    assert len(again.get_weights()) == 6 + 2
    assert len(Sequential([view, Dense(1)]).get_weights()) == 6 + 2
    cut = Model(twice.inputs, view.output)
    assert cut.get_layer("base").count_params() == view.count_params()
    with pytest.raises(ShapeError, match="wrong shape"):
        view.set_weights([np.zeros((1, 1)) for _ in view.get_weights()])


def test_what_cannot_be_taken_out_or_stacked():
    a, b = Input((4,)), Input((4,))
    pair = Model([a, b], Add()([Dense(4)(a), Dense(4)(b)]), name="pair")
    with pytest.raises(InputError, match="one input and one output"):
        Sequential([pair])
    whole = Model([a, b], Dense(1)(pair([a, b])))
    with pytest.raises(InputError, match="taken out by itself"):
        _ = whole.get_layer("pair").model
    x, base = Input((4,)), block()
    chained = Model(x, base(base(x)))
    assert len(chained.get_weights()) == 6
    np.testing.assert_allclose(chained.predict(X), base.predict(base.predict(X)), rtol=1e-5, atol=1e-6)
    with pytest.raises(InputError, match="read what they gave themselves"):
        _ = chained.get_layer("base").model


def test_freezing_the_original_freezes_it_within():
    base = block()
    whole = Sequential([base, Dense(1)], name="whole")
    base.trainable = False
    assert not whole.get_layer("base").trainable
    assert len(whole.trainable_weights) == 2


def test_its_summary_has_a_line_for_each_or_all(capsys):
    whole = Sequential([block(), Dense(3)], name="whole")
    whole.summary()
    lines = capsys.readouterr().out.splitlines()
    assert any("base (Model)" in line and "(None, 4)" in line and "48" in line for line in lines)
    assert not any("base/dense" in line for line in lines)
    assert next(line for line in lines if line.startswith("dense (Dense)")).endswith("base")
    whole.summary(expand_nested=True)
    out = capsys.readouterr().out
    assert "base/dense (Dense)" in out
    assert "Total params: 63" in out
    graph_of(block()).summary()
    assert "base (Model)" in capsys.readouterr().out
    whole.get_layer("base").summary()
    assert 'Model: "base"' in capsys.readouterr().out


def test_a_member_of_a_population_equals_its_plan_alone():
    whole = Sequential([block(), Dense(3, activation="softmax")])
    whole.compile("adam", "sparse_categorical_crossentropy")
    plans = [whole.plan.replace(epochs=2, batch_size=7, seed=seed, dtype="float64") for seed in (0, 1, 2)]
    with jax.enable_x64(True):
        for member, alone in zip(train(plans, (X, Y)), [train(plan, (X, Y)) for plan in plans], strict=True):
            for a, b in zip(jax.tree.leaves(member.weights), jax.tree.leaves(alone.weights), strict=True):
                agree(a, b, 1e-9)


def test_the_doctor_names_layers_of_models_within():
    dead = Dense(8, activation="relu", bias_initializer=jd.initializers.Constant(-50.0))
    base = Sequential([Dense(8, activation="relu"), dead], name="base")
    whole = Sequential([base, Dense(2, activation="softmax")])
    whole.compile("adam", "sparse_categorical_crossentropy")
    x = RNG.normal(size=(200, 4))
    report = jd.diagnose(whole, x, (x[:, 0] > 0).astype(int), epochs=10, seed=0)
    found = next(finding for finding in report.findings if finding.code == "dying-relu")
    assert found.layer == "layer 2, Dense 'base/dense_1'"


def test_it_is_scored_searched_and_explained():
    whole = Sequential([block(), Dense(3, activation="softmax")])
    whole.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    scores = jd.cross_validate(whole, X, Y, folds=2, seeds=2, epochs=2, batch_size=8).scores
    assert scores.shape == (2, 2)
    whole.fit(X, Y, epochs=1, seed=0)
    names = [layer.name for layer in jd.backprop(whole, X, Y)]
    assert any("base/dense" in name for name in names)
    assert "base" in whole.plot().svg
