"""`from jindan.losses import *` and its like bring what a module makes, and nothing it imports."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

import pytest

from docs.build import ROOMS
from jindan.lazy import defined

EXTRA = {"jindan.metrics": {"Metric", "confusion_matrix"}}  # their homes are files of their own
# A few by hand: `__all__` of a module and this test would otherwise be made by one and the same function.
PINNED = {
    "jindan": "Model Plan Sequential diagnose explain load look search train train_table",
    "jindan.models": "Model Sequential backprop load_model",
    "jindan.layers": "Add BatchNormalization Conv2D Dense Dropout Embedding Flatten LSTM Layer Residual concatenate",
    "jindan.activations": "elu gelu get linear relu sigmoid softmax tanh",
    "jindan.losses": "BinaryCrossentropy Huber Loss MeanSquaredError SparseCategoricalCrossentropy mae mse",
    "jindan.metrics": "AUC CustomMetric F1Score Metric Precision R2Score Recall confusion_matrix",
    "jindan.optimizers": "Adam AdamW Optimizer RMSprop SGD",
    "jindan.schedules": "CosineDecay ExponentialDecay LearningRateSchedule PiecewiseConstantDecay WarmUp",
    "jindan.initializers": "GlorotUniform HeNormal Initializer Orthogonal Zeros glorot_uniform zeros",
    "jindan.regularizers": "L1 L1L2 L2 Regularizer l1 l1_l2 l2",
    "jindan.constraints": "ClipWeights Constraint MaxNorm NonNeg UnitNorm max_norm non_neg",
    "jindan.callbacks": "CSVLogger Callback EarlyStopping History LearningRateScheduler ModelCheckpoint",
    "jindan.data": "LabelEncoder Preprocessing StandardScaler k_fold read_images read_table train_test_split",
    "jindan.select": "Score bagging baselines calibrate conformal cross_validate search seed_study stack",
    "jindan.estimators": "Autoencoder KMeans NeuralClassifier NeuralRegressor PCA Perceptron RBM VAE Word2Vec",
    "jindan.doctor": "Finding KerasDoctor Repair Report diagnose examine explain watch",
    "jindan.doctor.words": "Concept concepts explain find sentence",
    "jindan.utils": "finite pad_sequences set_floatx set_random_seed snake_case to_categorical",
    "jindan.errors": "FileError InputError JindanError JindanWarning ShapeError StateError UnknownNameError suggestion",
}
IMPORTED = {"Any", "Callable", "annotations", "dataclass", "defined", "jax", "jnp", "np", "partial", "replace"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_star_brings_the_public_names_alone(room):
    brought: dict[str, object] = {}
    exec(f"from {room} import *", brought)
    del brought["__builtins__"]
    module = importlib.import_module(room)
    assert set(PINNED[room].split()) <= set(brought)
    assert not IMPORTED & set(brought)
    assert set(brought) == set(module.__all__)
    assert len(module.__all__) == len(set(module.__all__)), "a name stands twice"
    if room == "jindan":
        return
    for name, value in brought.items():
        assert not isinstance(value, ModuleType), name
        assert inspect.getmodule(value).__name__.split(".")[0] == "jindan", name
    if not hasattr(module, "__path__"):
        assert set(brought) == {*defined(vars(module)), *EXTRA.get(room, ())}
