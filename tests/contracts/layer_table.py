"""The table of the layer contract: for each layer, examples, the shapes of rows it is tested with, a number to vary."""

from __future__ import annotations

import numpy as np

from jindan.layers import (
    ELU,
    GRU,
    LSTM,
    Activation,
    ActivityRegularization,
    Add,
    AdditiveAttention,
    AlphaDropout,
    Attention,
    Average,
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    BatchNormalization,
    Bidirectional,
    CenterCrop,
    Concatenate,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    ConvLSTM1D,
    ConvLSTM2D,
    Cropping1D,
    Cropping2D,
    Cropping3D,
    Dense,
    DepthwiseConv1D,
    DepthwiseConv2D,
    Dot,
    Dropout,
    EinsumDense,
    Embedding,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    GroupNormalization,
    Identity,
    Input,
    KLSparsity,
    Lambda,
    LayerNormalization,
    LeakyReLU,
    Masking,
    Maximum,
    Maxout,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    Minimum,
    MultiHeadAttention,
    Multiply,
    Network,
    Normalization,
    Permute,
    PositionalEncoding,
    PositionEmbedding,
    PReLU,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    ReLU,
    RepeatVector,
    Rescaling,
    Reshape,
    Residual,
    Resizing,
    RMSNormalization,
    Sampling,
    SeparableConv1D,
    SeparableConv2D,
    SimpleRNN,
    Softmax,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
    Subtract,
    TimeDistributed,
    UnitNormalization,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    WithMask,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from jindan.layers.wiring import Wiring
from jindan.spec import register

IMAGES = [(3, 4, 1), (4, 3, 2)]
ROWS_OF_ANY_SHAPE = [(1,), (4,), (3, 2)]
TWO_ALIKE = [((1,), (1,)), ((3, 2), (3, 2))]
SEQUENCES = [((1, 1), (1, 1)), ((3, 2), (4, 2))]
VOLUMES = [(1, 2, 2, 1), (2, 3, 2, 2)]


def _summed(x, by):
    """A function of the user's that changes the shape."""
    return by * x.reshape(x.shape[0], -1).sum(1, keepdims=True)


register("activation", "table_summed", _summed)

# class name: (layers to test, input shapes, a traced number to vary over a population)
LAYERS = {
    "Input": ([Input((4,))], [(4,)], None),
    "Dense": ([Dense(3, activation="tanh"), Dense(1, use_bias=False)], ROWS_OF_ANY_SHAPE, None),
    "EinsumDense": (
        [EinsumDense("...x,xy->...y", 3, "tanh", "y"), EinsumDense("ab...,bc->ac...", 2)],
        [(1,), (3,), (3, 2)],
        None,
    ),
    "Maxout": ([Maxout(3, pieces=2), Maxout(1, pieces=3)], ROWS_OF_ANY_SHAPE, None),
    "Activation": ([Activation("tanh"), Activation("softmax")], ROWS_OF_ANY_SHAPE, None),
    "ReLU": ([ReLU(), ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2)], ROWS_OF_ANY_SHAPE, None),
    "LeakyReLU": ([LeakyReLU()], ROWS_OF_ANY_SHAPE, ("negative_slope", (0.1, 0.3, 0.6))),
    "PReLU": ([PReLU(alpha_initializer="ones"), PReLU(shared_axes=[1])], ROWS_OF_ANY_SHAPE, None),
    "ELU": ([ELU(), ELU(0.5)], ROWS_OF_ANY_SHAPE, ("alpha", (0.5, 1.0, 2.0))),
    "Softmax": ([Softmax()], ROWS_OF_ANY_SHAPE, None),
    "Lambda": ([Lambda("tanh"), Lambda(_summed, arguments={"by": 0.5})], [((1,),), ((4,),), ((3, 2),)], None),
    "Identity": ([Identity()], ROWS_OF_ANY_SHAPE, None),
    "ActivityRegularization": (
        [ActivityRegularization(0.1, 0.2), ActivityRegularization()],
        ROWS_OF_ANY_SHAPE,
        ("l1", (0.1, 0.2, 0.4)),
    ),
    "Add": ([Add()], TWO_ALIKE, None),
    "Subtract": ([Subtract()], TWO_ALIKE, None),
    "Multiply": ([Multiply()], [*TWO_ALIKE, ((3, 2), (3, 1), (2,))], None),
    "Average": ([Average()], TWO_ALIKE, None),
    "Maximum": ([Maximum()], TWO_ALIKE, None),
    "Minimum": ([Minimum()], TWO_ALIKE, None),
    "Concatenate": ([Concatenate()], [((1,), (3,)), ((3, 2), (3, 1), (3, 4))], None),
    "WithMask": ([WithMask()], [((1,), (1,)), ((3, 2), (3,))], None),
    "Dot": ([Dot(-1), Dot(1, normalize=True)], [((3,), (3,)), ((2, 2), (2, 2))], None),
    "Attention": ([Attention(), Attention(use_scale=True, score_mode="concat")], SEQUENCES, None),
    "AdditiveAttention": ([AdditiveAttention()], SEQUENCES, None),
    "MultiHeadAttention": (
        [MultiHeadAttention(2, 3), MultiHeadAttention(1, 2, value_dim=4, use_bias=False, use_causal_mask=True)],
        [((3, 2),), ((3, 2), (3, 4)), ((2, 3), (4, 2), (4, 3))],
        None,
    ),
    "Residual": (
        [Residual([Dense(4, activation="tanh"), Dense(2)]), Residual([BatchNormalization()], shortcut=Dense(2))],
        [(2,), (3, 2)],
        None,
    ),
    "BatchNormalization": (
        [BatchNormalization(momentum=0.5), BatchNormalization(1, scale=False)],
        [(4,), (3, 2)],
        None,
    ),
    "LayerNormalization": (
        [LayerNormalization(), LayerNormalization(1, center=False)],
        [(4,), (3, 2)],
        None,
    ),
    "GroupNormalization": ([GroupNormalization(2), GroupNormalization(-1)], [(4,), (3, 2)], None),
    "RMSNormalization": ([RMSNormalization(), RMSNormalization(epsilon=0.1)], [(4,), (3, 2)], None),
    "Normalization": (
        [
            Normalization(mean=0.5, variance=4.0),
            Normalization(None, invert=True, mean=0.5, variance=0.25),
            Normalization(),
        ],
        [(4,), (3, 2)],
        None,
    ),
    "UnitNormalization": ([UnitNormalization()], [(4,), (3, 2)], None),
    "Embedding": ([Embedding(7, 3), Embedding(1, 1, mask_zero=True)], [(1,), (4,), (3, 2)], None),
    "PositionEmbedding": ([PositionEmbedding()], [(1, 1), (3, 2)], None),
    "PositionalEncoding": ([PositionalEncoding()], [(1, 1), (3, 4)], None),
    "SimpleRNN": ([SimpleRNN(2), SimpleRNN(1, "sigmoid", use_bias=False, go_backwards=True)], [(1, 1), (3, 2)], None),
    "LSTM": (
        [LSTM(2, return_sequences=True), LSTM(1, recurrent_activation="hard_sigmoid")],
        [(1, 1), (3, 2)],
        ("dropout", (0.1, 0.3, 0.6)),
    ),
    "GRU": (
        [GRU(2), GRU(2, return_sequences=True, reset_after=False)],
        [(1, 1), (3, 2)],
        ("recurrent_dropout", (0.1, 0.3, 0.6)),
    ),
    "Bidirectional": ([Bidirectional(GRU(2)), Bidirectional(SimpleRNN(1), "mul")], [(1, 1), (3, 2)], None),
    "TimeDistributed": ([TimeDistributed(Dense(2, activation="tanh"))], [(1, 1), (3, 2)], None),
    "Conv1D": (
        [Conv1D(2, 2, activation="tanh"), Conv1D(4, 3, 2, "causal", groups=2, use_bias=False)],
        [(3, 2), (5, 4)],
        None,
    ),
    "Conv2D": (
        [Conv2D(2, 2, activation="tanh"), Conv2D(3, (3, 2), (2, 1), "same")],
        [(2, 2, 1), (4, 3, 2)],
        None,
    ),
    "Conv3D": ([Conv3D(2, (1, 2, 2))], [(1, 2, 2, 1), (2, 3, 2, 1)], None),
    "ConvLSTM1D": (
        [ConvLSTM1D(2, 2), ConvLSTM1D(1, 1, recurrent_activation="hard_sigmoid", return_sequences=True)],
        [(1, 2, 1), (3, 3, 2)],
        ("dropout", (0.1, 0.3, 0.6)),
    ),
    "ConvLSTM2D": (
        [ConvLSTM2D(2, 2, padding="same"), ConvLSTM2D(1, (2, 1), (1, 2), use_bias=False, go_backwards=True)],
        [(1, 2, 1, 1), (2, 3, 2, 2)],
        ("recurrent_dropout", (0.1, 0.3, 0.6)),
    ),
    "DepthwiseConv1D": ([DepthwiseConv1D(2, depth_multiplier=2)], [(2, 1), (4, 2)], None),
    "DepthwiseConv2D": ([DepthwiseConv2D(2, (2, 1), "same")], [(1, 1, 1), (3, 2, 2)], None),
    "SeparableConv1D": ([SeparableConv1D(2, 2, activation="tanh")], [(2, 1), (4, 2)], None),
    "SeparableConv2D": ([SeparableConv2D(2, 2, depth_multiplier=2)], [(2, 2, 1), (3, 2, 2)], None),
    "Conv1DTranspose": ([Conv1DTranspose(2, 3, 2, "same"), Conv1DTranspose(1, 2, 3)], [(1, 1), (3, 2)], None),
    "Conv2DTranspose": ([Conv2DTranspose(2, 3, 2, activation="tanh")], [(1, 1, 1), (2, 3, 2)], None),
    "MaxPooling1D": ([MaxPooling1D(), MaxPooling1D(3, 2, "same")], [(2, 1), (5, 2)], None),
    "MaxPooling2D": ([MaxPooling2D(), MaxPooling2D(2, 1)], [(2, 2, 1), (3, 4, 2)], None),
    "MaxPooling3D": ([MaxPooling3D((1, 2, 2))], [(1, 2, 2, 1), (2, 3, 2, 1)], None),
    "AveragePooling1D": ([AveragePooling1D(), AveragePooling1D(3, 2, "same")], [(2, 1), (5, 2)], None),
    "AveragePooling2D": ([AveragePooling2D(), AveragePooling2D(2, 1, "same")], [(2, 2, 1), (3, 4, 2)], None),
    "AveragePooling3D": ([AveragePooling3D((1, 2, 2))], [(1, 2, 2, 1), (2, 3, 2, 1)], None),
    "GlobalMaxPooling1D": ([GlobalMaxPooling1D()], [(1, 1), (3, 2)], None),
    "GlobalMaxPooling2D": ([GlobalMaxPooling2D(keepdims=True)], [(1, 1, 1), (3, 2, 2)], None),
    "GlobalMaxPooling3D": ([GlobalMaxPooling3D()], VOLUMES, None),
    "GlobalAveragePooling1D": ([GlobalAveragePooling1D()], [(1, 1), (3, 2)], None),
    "GlobalAveragePooling2D": ([GlobalAveragePooling2D()], [(1, 1, 1), (3, 2, 2)], None),
    "GlobalAveragePooling3D": ([GlobalAveragePooling3D(keepdims=True)], VOLUMES, None),
    "ZeroPadding1D": ([ZeroPadding1D((0, 2))], [(1, 1), (3, 2)], None),
    "ZeroPadding2D": ([ZeroPadding2D(((1, 0), (0, 2)))], [(1, 1, 1), (3, 2, 2)], None),
    "ZeroPadding3D": ([ZeroPadding3D(((1, 0), (0, 2), (1, 1)))], VOLUMES, None),
    "Cropping1D": ([Cropping1D((0, 1))], [(2, 1), (3, 2)], None),
    "Cropping2D": ([Cropping2D(((1, 0), (0, 1)))], [(2, 2, 1), (3, 2, 2)], None),
    "Cropping3D": ([Cropping3D(((0, 0), (1, 0), (0, 1)))], VOLUMES, None),
    "CenterCrop": ([CenterCrop(2, 3), CenterCrop(5, 3)], IMAGES, None),
    "Resizing": (
        [Resizing(2, 5), Resizing(5, 2, "nearest"), Resizing(2, 3, crop_to_aspect_ratio=True, antialias=True)],
        IMAGES,
        None,
    ),
    "UpSampling1D": ([UpSampling1D(3)], [(1, 1), (3, 2)], None),
    "UpSampling2D": ([UpSampling2D((2, 1)), UpSampling2D(2, interpolation="bilinear")], [(1, 1, 1), (3, 2, 2)], None),
    "UpSampling3D": ([UpSampling3D((1, 2, 3))], VOLUMES, None),
    "Reshape": ([Reshape((2, -1))], [(4,), (3, 2)], None),
    "Permute": ([Permute((2, 1))], [(1, 1), (3, 2)], None),
    "RepeatVector": ([RepeatVector(3)], [(1,), (4,)], None),
    "Masking": ([Masking()], [(1, 1), (3, 2)], None),
    "Rescaling": ([Rescaling(0.5, 1.0)], ROWS_OF_ANY_SHAPE, None),
    "Flatten": ([Flatten()], [(1,), (4,), (3, 2), (2, 3, 2)], None),
    "Dropout": ([Dropout(0.4), Dropout(0.0)], ROWS_OF_ANY_SHAPE, ("rate", (0.1, 0.4, 0.7))),
    "Sampling": ([Sampling(0.5, warm_up=3.0), Sampling()], [(2,), (4,), (3, 2)], ("weight", (0.1, 0.5, 2.0))),
    "KLSparsity": ([KLSparsity(0.2, 0.1)], ROWS_OF_ANY_SHAPE, ("weight", (0.1, 0.3, 0.9))),
    "GaussianNoise": ([GaussianNoise(0.3)], ROWS_OF_ANY_SHAPE, ("stddev", (0.1, 0.3, 0.9))),
    "GaussianDropout": ([GaussianDropout(0.3)], ROWS_OF_ANY_SHAPE, ("rate", (0.1, 0.3, 0.6))),
    "AlphaDropout": ([AlphaDropout(0.4), AlphaDropout(0.0)], ROWS_OF_ANY_SHAPE, ("rate", (0.1, 0.4, 0.7))),
    "SpatialDropout1D": ([SpatialDropout1D(0.4)], [(1, 4), (3, 2)], ("rate", (0.1, 0.4, 0.7))),
    "SpatialDropout2D": ([SpatialDropout2D(0.4)], [(1, 1, 4), (3, 4, 2)], ("rate", (0.1, 0.4, 0.7))),
    "SpatialDropout3D": ([SpatialDropout3D(0.4)], [(1, 1, 1, 4), (2, 3, 2, 2)], ("rate", (0.1, 0.4, 0.7))),
    "RandomFlip": ([RandomFlip(), RandomFlip("horizontal")], IMAGES, None),
    "RandomCrop": ([RandomCrop(2, 3)], IMAGES, None),
    "RandomTranslation": ([RandomTranslation(0.3, (-0.1, 0.4))], IMAGES, ("height_factor", (0.1, 0.2, 0.4))),
    "RandomRotation": (
        [RandomRotation(0.1), RandomRotation(0.2, "constant")],
        IMAGES,
        ("factor", (0.05, 0.1, 0.2)),
    ),
    "RandomZoom": ([RandomZoom(0.3), RandomZoom(0.2, 0.4, "wrap")], IMAGES, ("height_factor", (0.1, 0.2, 0.4))),
    "RandomBrightness": ([RandomBrightness(0.1, (-9, 9))], IMAGES, ("factor", (0.05, 0.1, 0.2))),
    "RandomContrast": ([RandomContrast(0.4, (-9, 9))], IMAGES, ("factor", (0.1, 0.2, 0.4))),
}


def network_of(layer, shape):
    """The layer alone, with as many inputs as it takes."""
    several = layer.many and len(shape) > 1
    if not layer.many:
        return Network((layer,), shape)
    n = len(shape)
    return Network(
        (layer,), shape if several else shape[0], Wiring(nodes=((0, tuple(range(n))),), outputs=(n,), inputs=n)
    )


def inputs(rows, shape, dtype=np.float64, layer=None):
    """Rows of a shape, away from the kink at 0; entries' numbers where the layer takes them; a tuple for several."""
    if layer is not None and layer.many:
        return tuple(inputs(rows, form, dtype) + 0.1 * i for i, form in enumerate(shape))
    rng = np.random.default_rng(417)
    if layer is not None and layer.takes_integers:
        return rng.integers(0, layer.input_dim, size=(rows, *shape)).astype(np.int32)
    x = rng.normal(size=(rows, *shape))
    return np.asarray(x + 0.01 * np.sign(x), dtype)
