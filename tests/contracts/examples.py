"""One valid object of every class with rules, for tests that go over all of them."""

from __future__ import annotations

from jindan.spec import Spec, classes

# The fields without a default; classes that need none are not listed.
NEEDED = {
    "Activation": {"activation": "relu"},
    "AdaptiveAveragePooling1D": {"output_size": 2},
    "AdaptiveAveragePooling2D": {"output_size": 2},
    "AdaptiveAveragePooling3D": {"output_size": 2},
    "AdaptiveMaxPooling1D": {"output_size": 2},
    "AdaptiveMaxPooling2D": {"output_size": 2},
    "AdaptiveMaxPooling3D": {"output_size": 2},
    "AlphaDropout": {"rate": 0.5},
    "Bidirectional": {"layer": {"type": "LSTM", "units": 2}},
    "CategoryEncoding": {"num_tokens": 2},
    "CenterCrop": {"height": 2, "width": 2},
    "ClassWeight": {"index": 0},
    "Conv1D": {"filters": 2, "kernel_size": 2},
    "Conv1DTranspose": {"filters": 2, "kernel_size": 2},
    "Conv2D": {"filters": 2, "kernel_size": 2},
    "Conv2DTranspose": {"filters": 2, "kernel_size": 2},
    "Conv3D": {"filters": 2, "kernel_size": 2},
    "Conv3DTranspose": {"filters": 2, "kernel_size": 2},
    "ConvLSTM1D": {"filters": 2, "kernel_size": 2},
    "ConvLSTM2D": {"filters": 2, "kernel_size": 2},
    "ConvLSTM3D": {"filters": 2, "kernel_size": 2},
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 5},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 5},
    "CustomLoss": {"function": abs},
    "CustomMetric": {"function": abs},
    "Dense": {"units": 2},
    "DepthwiseConv1D": {"kernel_size": 2},
    "DepthwiseConv2D": {"kernel_size": 2},
    "Discretization": {"num_bins": 2},
    "Dot": {"axes": -1},
    "Dropout": {"rate": 0.5},
    "EinsumDense": {"equation": "...x,xy->...y", "output_shape": 2},
    "Embedding": {"input_dim": 3, "output_dim": 2},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5},
    "FixedMask": {"mask": (1,)},
    "GRU": {"units": 2},
    "GetItem": {"index": [["slice", None, None, None], 0]},
    "GRUCell": {"units": 2},
    "Power": {"exponent": 2},
    "PowerOf": {"base": 2},
    "GaussianDropout": {"rate": 0.5},
    "GaussianNoise": {"stddev": 0.5},
    "HashedCrossing": {"num_bins": 2},
    "Hashing": {"num_bins": 2},
    "Input": {"shape": (3,)},
    "GroupQueryAttention": {"head_dim": 2, "num_query_heads": 2, "num_key_value_heads": 1},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5},
    "LSTM": {"units": 2},
    "LSTMCell": {"units": 2},
    **{name: {"num_classes": 3} for name in ("IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU")},
    "JointLoss": {"parts": ("mse",)},
    "Lambda": {"function": "tanh"},
    "LossMetric": {"loss": "mse"},
    "Maxout": {"units": 2},
    "MultiHeadAttention": {"num_heads": 2, "key_dim": 2},
    "Nested": {"layers": ({"type": "Dense", "units": 2},)},
    "Permute": {"dims": (2, 1)},
    "OutputMetric": {"metric": "mse", "output": 0},
    "PiecewiseConstantDecay": {"boundaries": (1,), "values": (0.1, 0.2)},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 5},
    "RNN": {"cell": {"type": "LSTMCell", "units": 2}},
    "RandomBrightness": {"factor": 0.1},
    "RandomColorDegeneration": {"factor": 0.1},
    "RandomContrast": {"factor": 0.1},
    "RandomCrop": {"height": 2, "width": 2},
    "RandomHue": {"factor": 0.1},
    "RandomPosterization": {"factor": 4},
    "RandomRotation": {"factor": 0.1},
    "RandomSaturation": {"factor": 0.1},
    "RandomSharpness": {"factor": 0.1},
    "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1},
    "RandomZoom": {"height_factor": 0.1},
    "RepeatVector": {"n": 2},
    "Rescaling": {"scale": 0.5},
    "Reshape": {"target_shape": (2, 2)},
    "Residual": {"layers": ()},
    "Resizing": {"height": 2, "width": 2},
    "SeparableConv1D": {"filters": 2, "kernel_size": 2},
    "SeparableConv2D": {"filters": 2, "kernel_size": 2},
    "SimpleRNN": {"units": 2},
    "SimpleRNNCell": {"units": 2},
    "SpatialDropout1D": {"rate": 0.5},
    "SpatialDropout2D": {"rate": 0.5},
    "SpatialDropout3D": {"rate": 0.5},
    "SpectralNormalization": {"layer": {"type": "Dense", "units": 2}},
    "StackedRNNCells": {"cells": ({"type": "GRUCell", "units": 2},)},
    "StepDecay": {"initial_learning_rate": 0.1, "step_size": 5},
    "TimeDistributed": {"layer": {"type": "Dense", "units": 2}},
    "WarmUp": {"after": 0.1, "warmup_steps": 5},
}


def example(cls: type[Spec]) -> Spec:
    """A valid object of a class."""
    return cls(**NEEDED.get(cls.__name__, {}))


KINDS = (
    "layer",
    "cell",
    "loss",
    "metric",
    "optimizer",
    "schedule",
    "initializer",
    "regularizer",
    "constraint",
    "callback",
)


def examples() -> list[Spec]:
    """One of each class of the library that the core registers, and of what a Plan is made of besides."""
    from jindan.plan import ClassWeight, Plan

    found = [cls for kind in KINDS for cls in classes(kind) if cls.__module__.startswith("jindan.")]
    return [example(cls) for cls in [*found, Plan, ClassWeight]]
