"""The usual network for numbers, texts, images, and all of them together."""

import json

import numpy as np
import pytest

from jindan.data import InputForm
from jindan.errors import InputError
from jindan.layers import Conv2D, Dense, Dropout, Embedding, Flatten, GlobalAveragePooling2D
from jindan.plan import Plan
from jindan.runs import build, network, simple
from jindan.runs.build import Wanted

TABLE = InputForm("table", "table", (5,), "float32")
TEXT = InputForm("리뷰 <b>", "text", (7,), "int32", 30)
PHOTO = InputForm("photo", "image", (12, 10, 3), "uint8")


def shape(*forms):
    return forms[0].shape if len(forms) == 1 else tuple(form.shape for form in forms)


@pytest.mark.parametrize(
    "forms", [(TABLE,), (TEXT,), (PHOTO,), (TABLE, TEXT), (TABLE, PHOTO), (TEXT, PHOTO), (TABLE, TEXT, TEXT, PHOTO)]
)
def test_every_mixture_has_a_network_that_outlives_json(forms):
    plan = build.build_plan("multiclass", 3, 500, inputs=forms)
    built = plan.network(shape(*forms))
    assert built.output_shape == (3,)
    assert len(built.input_shapes) == len(forms)
    assert Plan.from_json(plan.to_json()) == plan
    assert (plan.wiring is None) == (forms in ((TABLE,), (PHOTO,)))
    assert built.integers == tuple(form.kind == "text" for form in forms)


def test_numbers_alone_have_the_network_they_always_had():
    assert build.build_plan("binary", 2, 100, inputs=(TABLE,)) == build.build_plan("binary", 2, 100)


def test_hidden_layers_come_after_the_branches():
    plan = build.build_plan("regression", 1, 100, Wanted(layers="9 tanh, dropout 0.1"), inputs=(TABLE, TEXT))
    *_, first, second, last = plan.layers
    assert (first.units, second.rate, last.units) == (9, 0.1, 1)
    none = build.build_plan("regression", 1, 100, Wanted(layers="none"), inputs=(PHOTO,))
    assert isinstance(none.layers[-2], Dropout)


def test_the_plan_of_a_run_gives_its_network_again(tmp_path):
    file = tmp_path / "plan.json"
    plan = build.build_plan("binary", 2, 100, inputs=(TABLE, TEXT))
    file.write_text(plan.to_json())
    again = build.build_plan("binary", 2, 100, Wanted(plan=file), inputs=(TABLE, TEXT))
    assert (again.layers, again.wiring) == (plan.layers, plan.wiring)
    file.write_text(json.dumps({"epochs": 3}))
    gaps = build.build_plan("binary", 2, 100, Wanted(plan=file), inputs=(TABLE, TEXT))
    assert (gaps.layers, gaps.wiring, gaps.epochs) == (plan.layers, plan.wiring, 3)


def test_a_stack_is_refused_where_there_are_several_inputs(tmp_path):
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"layers": [{"type": "Dense", "units": 1, "activation": "sigmoid"}]}))
    with pytest.raises(InputError, match=r"does not have the inputs(.|\n)*table, 리뷰"):
        build.build_plan("binary", 2, 100, Wanted(plan=file), inputs=(TABLE, TEXT))


@pytest.mark.parametrize("size", [(1, 1, 1), (2, 9, 3), (8, 8, 1), (28, 28, 1), (64, 64, 3), (64, 7, 3)])
def test_images_of_any_size_become_a_row_of_features(size):
    layers = network.image_layers(size)
    built = Plan(layers).network(size)
    ((features,),) = (built.output_shape,)
    assert features <= network.FLAT
    assert isinstance(layers[-1], (Flatten, GlobalAveragePooling2D))
    filters = [layer.filters for layer in layers if isinstance(layer, Conv2D)]
    assert filters == sorted(filters)


def test_long_texts_have_fewer_filters_and_the_vocabulary_is_the_table():
    short, long = (InputForm("t", "text", (n,), "int32", 50) for n in (20, 400))
    for form, filters in ((short, network.FILTERS), (long, network.FILTERS // 2)):
        layers, _ = network.network_of((form,), (), None, Dense(1))
        assert [layer.filters for layer in layers if hasattr(layer, "filters")] == [filters]
        assert [layer.input_dim for layer in layers if isinstance(layer, Embedding)] == [50, 50]


@pytest.mark.parametrize(("rows", "paced"), [(30, (8, 200, 20)), (1280, (16, 75, 5)), (12_800, (128, 60, 4))])
def test_the_pace_follows_the_rows(rows, paced):
    assert network.pace((TEXT,), rows) == paced
    assert network.pace((TABLE,), rows) is None


def test_small_pixels_are_means_of_blocks():
    images = np.random.default_rng(0).integers(0, 256, (3, 30, 17, 3)).astype(np.uint8)
    found = simple.small_pixels(images).reshape(3, 10, 8, 3)
    assert found[1, 2, 3, 1] == pytest.approx(images[1, 6:9, 6:8, 1].mean() / 255, rel=1e-6)
    tiny = images[:, :1, :2]
    np.testing.assert_allclose(simple.small_pixels(tiny), tiny.reshape(3, -1) / 255, rtol=1e-6)


def test_bags_say_which_tokens_a_text_holds():
    bags = simple.bags(np.array([[3, 3, 1, 0], [0, 0, 0, 0]]), 5)
    assert bags.toarray().tolist() == [[0, 1, 0, 1, 0], [0, 0, 0, 0, 0]]
