"""Every layer once more: it survives the disk inside a model, and what is masked does not matter to what is not."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jindan as jd
from jindan.layers.base import Context
from jindan.models import Model

from .crowds import crowd_of
from .layer_table import LAYERS, inputs
from .test_layer_contract import CROWDS, ids, weights_of


@pytest.mark.parametrize("names", CROWDS, ids=ids)
def test_a_model_of_it_survives_the_disk(names, tmp_path):
    crowd = crowd_of(names)
    x = crowd.data[0]
    plan = crowd.plans[0].replace(dtype="float32", name="kept")
    shape = tuple(tuple(part.shape[1:]) for part in x) if isinstance(x, tuple) else x.shape[1:]
    model = Model.from_plan(plan, shape)
    model.save(tmp_path / "m")
    again = jd.load(tmp_path / "m")
    assert again.plan.layers == model.plan.layers
    assert again.plan.wiring == model.plan.wiring
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    rows = tuple(part[:2] for part in x) if isinstance(x, tuple) else x[:2]
    assert len(model.predict(rows)) == len(names)
    for name, here, there in zip(names, model.predict(rows), again.predict(rows), strict=True):
        np.testing.assert_array_equal(there, here, err_msg=name)


def steps_of(name):
    """The examples that pass a mask on, with a shape (time, features) of several steps."""
    many, shapes, _ = LAYERS[name]
    for i, layer in enumerate(many):
        for shape in shapes:
            if layer.passes_mask and not layer.many and len(shape) == 2 and shape[0] > 1:
                yield pytest.param(layer, shape, id=f"{name}-{i}")
                break


@pytest.mark.parametrize(("layer", "shape"), [case for name in LAYERS for case in steps_of(name)])
def test_masked_steps_do_not_matter_to_the_others(layer, shape):
    """At inference the outputs of real steps stay the same whatever stands in the masked ones, which stay masked."""
    mask = np.ones((3, shape[0]), np.float32)
    mask[0, 1:] = 0
    mask[1, -1:] = 0
    x = inputs(3, shape, np.float64, layer)
    other = np.where(mask[:, :, None] > 0, x, 7.0)
    w = weights_of(layer, shape)
    with jax.enable_x64(True):
        outputs = []
        for value in (x, other):
            ctx = Context(mask=jnp.asarray(mask))
            outputs.append(np.asarray(layer.apply(w, jnp.asarray(value), ctx)))
        known = layer.mask_of(jnp.asarray(x), jnp.asarray(mask))
    np.testing.assert_array_equal(np.asarray(known), mask)
    for first, second, real in zip(*outputs, mask, strict=True):
        np.testing.assert_allclose(first[real > 0], second[real > 0], rtol=1e-12, atol=1e-12)
