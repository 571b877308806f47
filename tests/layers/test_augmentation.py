"""Augmentation against NumPy, SciPy, PyTorch and Keras; its random numbers; silence at inference; populations."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan import layers, spec
from jindan.errors import InputError, ShapeError
from jindan.layers import Dense, Flatten, GaussianNoise, Rescaling
from jindan.layers.augmentation import (
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)
from jindan.layers.base import Context
from jindan.layers.resampling import at
from jindan.models import Sequential
from jindan.plan import Plan

RNG = np.random.default_rng(417)
IMAGES = RNG.uniform(size=(5, 6, 9, 2))
MANY = np.tile(IMAGES, (8, 1, 1, 1))  # unseeded flips of five images leave all as they are, in Keras once in 32 times
SCIPY = {"reflect": "reflect", "wrap": "grid-wrap", "nearest": "nearest", "constant": "grid-constant"}
MOVING = [RandomFlip(), RandomCrop(3, 4), RandomTranslation(0.3, 0.3), RandomRotation(0.2), RandomZoom(0.3, 0.2)]
COLOURING = [RandomBrightness(0.4, (0, 1)), RandomContrast(0.4, (0, 1))]
ids = lambda layer: type(layer).__name__  # noqa: E731


@pytest.fixture(autouse=True)
def x64():
    with jax.enable_x64(True):
        yield


@partial(jax.jit, static_argnums=(0, 3))
def compiled(layer, x, key, training=True):
    """As in a program: operations one by one take longer to compile."""
    return layer.apply({}, x, Context(training=training, key=key))


def run(layer, x=IMAGES, seed=0, training=True):
    return np.asarray(compiled(layer, jnp.asarray(x), jax.random.key(seed), training))


def close(actual, expected, tolerance=1e-12):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize(
    ("mode", "forms"),
    [
        ("horizontal", [(1, 1), (1, -1)]),
        ("vertical", [(1, 1), (-1, 1)]),
        ("horizontal_and_vertical", [(1, 1), (1, -1), (-1, 1), (-1, -1)]),
    ],
)
def test_flips_are_exact_and_fair(mode, forms):
    x = np.broadcast_to(IMAGES[:1], (400, *IMAGES.shape[1:]))
    out = run(RandomFlip(mode), x)
    found = [sum(np.array_equal(image, x[0, ::a, ::b]) for image in out) for a, b in forms]
    assert sum(found) == 400
    share = 1 / len(forms)
    # Five standard errors of a share of 400 draws.
    assert np.abs(np.array(found) / 400 - share).max() < 5 * (share * (1 - share) / 400) ** 0.5


def test_a_crop_is_a_window_of_any_place_and_the_middle_at_inference():
    x = np.broadcast_to(IMAGES[:1], (600, *IMAGES.shape[1:]))
    counts = np.zeros((4, 6), int)
    windows = {x[0, i : i + 3, j : j + 4].tobytes(): (i, j) for i in range(4) for j in range(6)}
    for window in run(RandomCrop(3, 4), x):
        counts[windows[window.tobytes()]] += 1
    # 600 draws over 24 places: five standard errors about 25.
    assert counts.min() > 0
    assert np.abs(counts - 25).max() < 5 * 25**0.5
    assert np.array_equal(run(RandomCrop(3, 4), training=False), IMAGES[:, 1:4, 2:6])
    assert np.array_equal(run(RandomCrop(6, 9)), IMAGES)
    with pytest.raises(ShapeError, match=r"smaller than the window(.|\n)*at least 7 × 9"):
        RandomCrop(7, 9).output_shape((6, 9, 2))


@pytest.mark.parametrize("mode", SCIPY)
@pytest.mark.parametrize(("down", "across"), [(2, -3), (0, 4), (-5, 0)])
def test_whole_steps_of_translation_as_in_numpy(mode, down, across):
    layer = RandomTranslation((down / 6,) * 2, (across / 9,) * 2, mode, fill_value=0.7)
    pad = {"reflect": "symmetric", "wrap": "wrap", "nearest": "edge", "constant": "constant"}[mode]
    wide = np.pad(
        IMAGES, ((0, 0), (6, 6), (9, 9), (0, 0)), pad, **({"constant_values": 0.7} if mode == "constant" else {})
    )
    close(run(layer), wide[:, 6 - down : 12 - down, 9 - across : 18 - across])
    close(run(layer.replace(interpolation="nearest")), wide[:, 6 - down : 12 - down, 9 - across : 18 - across])


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("mode", SCIPY)
def test_resampling_as_in_scipy(mode, interpolation):
    ndimage = pytest.importorskip("scipy.ndimage")
    down, across = RNG.uniform(-14, 20, size=(2, 5, 6, 9))
    ours = np.asarray(jax.jit(lambda *given: at(*given, mode, interpolation, 0.7))(IMAGES, down, across))
    order = int(interpolation == "bilinear")
    for n in range(5):
        for c in range(2):
            theirs = ndimage.map_coordinates(IMAGES[n, ..., c], [down[n], across[n]], None, order, SCIPY[mode], 0.7)
            close(ours[n, ..., c], theirs)


@pytest.mark.parametrize("turn", [0.25, 0.5, -0.25])
def test_quarter_turns_are_exact(turn):
    square = IMAGES[:, :, :6]
    close(run(RandomRotation((turn, turn)), square), np.rot90(square, round(4 * turn), axes=(1, 2)))


def test_rotation_as_in_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    square = IMAGES[:, :, :6]
    ours = run(RandomRotation((0.07, 0.07), "constant"), square)
    angle = torch.tensor(2 * np.pi * 0.07, dtype=torch.float64)
    matrix = torch.stack([angle.cos(), -angle.sin(), 0 * angle, angle.sin(), angle.cos(), 0 * angle]).reshape(1, 2, 3)
    # align_corners=False: coordinates in half-pixels from the middle, as here; only squares keep their angles.
    grid = torch.nn.functional.affine_grid(matrix.repeat(5, 1, 1), [5, 2, 6, 6], align_corners=False)
    theirs = torch.nn.functional.grid_sample(torch.tensor(square).permute(0, 3, 1, 2), grid, align_corners=False)
    close(ours, theirs.permute(0, 2, 3, 1))


@pytest.mark.parametrize("mode", SCIPY)
@pytest.mark.parametrize(
    ("ours", "settings"),
    [
        (RandomRotation, {"factor": (0.07, 0.07)}),
        (RandomTranslation, {"height_factor": (0.23, 0.23), "width_factor": (-0.4, -0.4)}),
        (RandomZoom, {"height_factor": (-0.3, -0.3), "width_factor": (0.4, 0.4)}),
        (RandomZoom, {"height_factor": (0.5, 0.5)}),
    ],
    ids=["rotation", "translation", "zoom", "zoom-one"],
)
def test_moves_as_in_keras(ours, settings, mode):
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    theirs = getattr(keras.layers, ours.__name__)(
        **settings, fill_mode=mode, fill_value=0.3, data_format="channels_last"
    )
    x = IMAGES.astype(np.float32)
    # Keras computes positions in float32.
    close(run(ours(**settings, fill_mode=mode, fill_value=0.3)), theirs(x, training=True), 1e-5)


def test_colours_as_in_keras():
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    x = IMAGES.astype(np.float32)
    theirs = keras.layers.RandomBrightness((0.3, 0.3), value_range=(0, 1))(x, training=True)
    close(run(RandomBrightness((0.3, 0.3), (0, 1))), theirs, 1e-6)
    layer = keras.layers.RandomContrast(0.5, value_range=(0, 1), data_format="channels_last")
    theirs = layer.transform_images(x, {"contrast_factor": 1.3})
    close(run(_fixed_contrast(1.3)), theirs, 1e-6)
    close(run(Rescaling(2.0, -0.5)), keras.layers.Rescaling(2.0, -0.5)(x), 1e-6)


def _fixed_contrast(value):
    """A contrast that is no longer random; no user can ask for a negative lower bound."""
    return spec.with_fields(RandomContrast(0.3, (0, 1)), factor=(1 - value, value - 1))


def drawn(layer, probe, seed=0):
    """What 2,000 images were given, read off an image by `probe`."""
    x = np.broadcast_to(np.linspace(0.4, 0.6, 41)[None, :, None, None], (2000, 41, 41, 1))
    return probe(run(layer, x, seed))


@pytest.mark.parametrize(
    ("layer", "probe", "low", "high"),
    [
        (RandomBrightness(0.2, (0, 1)), lambda out: out[:, 20, 0, 0] - 0.5, -0.2, 0.2),
        (RandomBrightness((0.1, 0.3), (0, 2)), lambda out: (out[:, 20, 0, 0] - 0.5) / 2, 0.1, 0.3),
        (RandomContrast(0.4, (0, 1)), lambda out: (out[:, 40, 0, 0] - out[:, 0, 0, 0]) / 0.2, 0.6, 1.4),
        (RandomContrast((0.5, 0.1), (0, 1)), lambda out: (out[:, 40, 0, 0] - out[:, 0, 0, 0]) / 0.2, 0.5, 1.1),
        (RandomTranslation(0.1, 0.0), lambda out: (0.5 - out[:, 20, 0, 0]) * 200 / 41, -0.1, 0.1),
        (RandomTranslation((0.0, 0.2), 0.3), lambda out: (0.5 - out[:, 20, 0, 0]) * 200 / 41, 0.0, 0.2),
        (RandomZoom(0.3, 0.0), lambda out: (out[:, 21, 0, 0] - out[:, 19, 0, 0]) * 100, 0.7, 1.3),
        (RandomRotation(0.1), lambda out: np.arcsin((out[:, 20, 21, 0] - 0.5) * 200) / (2 * np.pi), -0.1, 0.1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, spec.Spec) else "",
)
def test_numbers_are_drawn_uniformly_for_each_image(layer, probe, low, high):
    values = drawn(layer, probe)
    assert len(np.unique(values.round(12))) > 1990
    assert low - 1e-9 <= values.min()
    assert values.max() <= high + 1e-9
    # Five standard errors of the mean, and of the deviation of a uniform law.
    assert abs(values.mean() - (low + high) / 2) < 5 * (high - low) / 12**0.5 / 2000**0.5
    assert values.std() == pytest.approx((high - low) / 12**0.5, rel=0.05)


@pytest.mark.parametrize("layer", [*MOVING, *COLOURING], ids=ids)
def test_the_key_decides_and_inference_is_silent(layer):
    x = RNG.uniform(0.2, 0.8, size=(8, 6, 9, 2))
    assert np.array_equal(run(layer, x, 3), run(layer, x, 3))
    assert not np.array_equal(run(layer, x, 3), run(layer, x, 4))
    silent = layer.apply({}, jnp.asarray(x), Context())
    assert np.array_equal(silent, x if not isinstance(layer, RandomCrop) else x[:, 1:4, 2:6])
    one = np.broadcast_to(x[:1], (64, *x.shape[1:]))
    assert len({image.tobytes() for image in run(layer, one)}) > 3  # each image its own way
    assert run(layer, x[:, :, :, :1]).shape[-1] == 1
    assert run(layer, x[:1]).shape[0] == 1


def test_means_stay():
    x = np.broadcast_to(IMAGES[:1] * 0.2 + 0.4, (3000, *IMAGES.shape[1:]))
    mean = x[0].mean()
    close(run(RandomContrast(0.4, (0, 1)), x).mean(axis=(1, 2)), x.mean(axis=(1, 2)))
    for layer, spread in (
        (RandomBrightness(0.1, (0, 1)), 0.2 / 12**0.5),
        (RandomFlip(), 0),
        (RandomTranslation(1 / 6, 0, "wrap"), 0),
    ):
        out = run(layer, x).mean(axis=(1, 2, 3))
        assert abs(out.mean() - mean) <= 5 * spread / 3000**0.5 + 1e-12


@pytest.mark.parametrize("layer", [*MOVING, *COLOURING], ids=ids)
def test_bytes_and_half_precision(layer):
    out = compiled(layer, jnp.asarray((IMAGES * 255).astype(np.uint8)), jax.random.key(0))
    assert out.dtype == jnp.float32
    half = compiled(layer, jnp.asarray(IMAGES, jnp.bfloat16), jax.random.key(0))
    assert half.dtype == jnp.bfloat16
    full = compiled(layer, jnp.asarray(IMAGES, jnp.float32), jax.random.key(0))
    # Eight bits of mantissa, a few roundings.
    assert np.abs(np.asarray(half, float) - np.asarray(full)).max() < 0.03


def test_zero_strength_costs_nothing():
    for layer in (
        RandomRotation(0),
        RandomBrightness(0.0),
        RandomTranslation(0, 0.0),
        RandomZoom((0, 0)),
        RandomContrast(0),
    ):
        assert not layer.random
        assert np.array_equal(run(layer), IMAGES)
    assert RandomZoom(0, 0.1).random


@pytest.mark.parametrize("layer", [*MOVING, *COLOURING], ids=ids)
def test_members_under_vmap(layer):
    keys = jax.random.split(jax.random.key(1), 3)
    x = jnp.asarray(IMAGES)
    both = jax.jit(jax.vmap(lambda key: layer.apply({}, x, Context(training=True, key=key))))(keys)
    for key, member in zip(keys, both, strict=True):
        close(member, compiled(layer, x, key))


def test_strengths_are_numbers_of_one_program():
    layers = (RandomRotation(0.1), RandomBrightness(0.1, (0, 1)), RandomTranslation(0.1, 0.1), Flatten(), Dense(1))
    plan = Plan(layers, loss="mse")
    other = plan.edit({"layers.0.factor": 0.2, "layers.1.factor": 0.05, "layers.2.width_factor": 0.3})
    assert plan.structure == other.structure
    assert plan.structure != plan.edit({"layers.0.factor": 0.0}).structure  # none at all is another program
    assert plan.structure != plan.edit({"layers.0.fill_mode": "wrap"}).structure


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RandomRotation(1.5), r"factor of RandomRotation must be a number >= -1 and <= 1"),
        (lambda: RandomRotation((0.1, 0.2, 0.3)), "or a pair"),
        (lambda: RandomZoom(-1), "> -1"),
        (lambda: RandomContrast(-0.1), ">= 0"),
        (lambda: RandomTranslation("far", 0), "height_factor"),
        (lambda: RandomBrightness(0.1, (1, 0)), "lower one first"),
        (lambda: RandomBrightness(0.1, 255), "two numbers"),
        (lambda: RandomFlip("sideways"), "mode"),
        (lambda: RandomRotation(0.1, fill_mode="mirror"), "fill_mode"),
        (lambda: RandomCrop(0, 4), "height"),
    ],
)
def test_bad_settings(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_rows_that_are_no_images():
    with pytest.raises(ShapeError, match=r"RandomFlip cannot take rows of shape \(4,\)"):
        RandomFlip().output_shape((4,))


# -- called on arrays --------------------------------------------------------------------------------------------


def differ(a, b):
    return not np.array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize("layer", [*MOVING, *COLOURING], ids=ids)
def test_on_arrays_it_draws_as_in_keras(layer):
    still = np.asarray(layer.apply({}, jnp.asarray(MANY), Context()))
    assert differ(layer(MANY), layer(MANY))
    assert differ(layer(MANY), still)
    assert differ(layer(MANY, training=True), still)
    assert np.array_equal(layer(MANY, training=False), still)
    assert np.array_equal(layer.replace(inference=True)(MANY), still)


def test_what_keras_draws_on_arrays():
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    images = MANY.astype(np.float32)
    drawing = {"RandomFlip": {}, "RandomRotation": {"factor": 0.2}, "RandomZoom": {"height_factor": 0.3}}
    for name, settings in {**drawing, "Dropout": {"rate": 0.5}, "GaussianNoise": {"stddev": 0.5}}.items():
        ours, theirs = getattr(layers, name)(**settings), getattr(keras.layers, name)(**settings)
        for told in ({}, {"training": True}, {"training": False}):
            assert differ(ours(images, **told), images) == differ(theirs(images, **told), images), (name, told)


def test_a_model_that_only_augments_draws_on_arrays():
    model = Sequential([Rescaling(0.5), RandomFlip(), GaussianNoise(0.5)])
    found = model(MANY)
    assert differ(found, model(MANY))
    # As in Keras, noise that was not told that it trains is none: the flips move numbers and change none.
    assert np.array_equal(np.sort(found, axis=None), np.sort(model(MANY, training=False), axis=None))
    assert np.array_equal(model(MANY, training=False), model.predict(MANY))
    pipeline = layers.Pipeline([Rescaling(0.5), RandomFlip()])
    for holder in (pipeline, Sequential([pipeline])):
        assert differ(holder(MANY), holder(MANY))
        assert np.array_equal(holder(MANY, training=False), MANY / 2)
    learns = Sequential([RandomFlip(), Flatten(), Dense(2)])
    assert np.array_equal(learns(IMAGES), learns.predict(IMAGES))


@pytest.mark.parametrize("model", [False, True])
def test_a_seed_of_its_own_tells_what_it_draws_on_arrays(model):
    layers_of = [RandomFlip(seed=seed) for seed in (3, 3, -3)]
    callers = [Sequential([layers.Pipeline([layer])]) for layer in layers_of] if model else layers_of
    one, same, other = ([np.asarray(own(IMAGES)) for _ in range(6)] for own in callers)
    assert all(map(np.array_equal, one, same))
    assert any(map(differ, one, other))
    assert any(differ(one[0], later) for later in one[1:])
