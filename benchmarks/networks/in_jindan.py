"""The networks in jindan, written as in Keras."""

from __future__ import annotations

from typing import Any

from jindan import layers as L
from jindan.models import Sequential

from .data import LENGTH, VOCABULARY


def cnn() -> Any:
    return Sequential([
        L.Input((28, 28, 1)),
        L.Conv2D(32, 3, activation="relu"), L.MaxPooling2D(2),
        L.Conv2D(64, 3, activation="relu"), L.MaxPooling2D(2),
        L.Flatten(), L.Dense(128, activation="relu"), L.Dense(10, activation="softmax"),
    ])  # fmt: skip


def lstm() -> Any:
    return Sequential([L.Input((28, 28)), L.LSTM(128), L.Dense(10, activation="softmax")])


def gru() -> Any:
    return Sequential([L.Input((28, 28)), L.GRU(128), L.Dense(10, activation="softmax")])


def simplernn() -> Any:
    return Sequential([L.Input((28, 28)), L.SimpleRNN(128), L.Dense(10, activation="softmax")])


def conv1d() -> Any:
    return Sequential([
        L.Input((LENGTH,)), L.Embedding(VOCABULARY, 128),
        L.Conv1D(128, 5, activation="relu"), L.GlobalMaxPooling1D(),
        L.Dense(64, activation="relu"), L.Dense(1, activation="sigmoid"),
    ])  # fmt: skip


def vgg() -> Any:
    layers: list[Any] = [L.Input((32, 32, 1))]
    for filters in (32, 64, 128):
        layers += [L.Conv2D(filters, 3, padding="same", activation="relu") for _ in range(2)]
        layers.append(L.MaxPooling2D(2))
    return Sequential([*layers, L.Flatten(), L.Dense(128, activation="relu"), L.Dense(10, activation="softmax")])


def resnet() -> Any:
    def normalised() -> list[Any]:
        return [L.Conv2D(32, 3, padding="same", use_bias=False), L.BatchNormalization()]

    layers = [L.Input((16, 16, 1)), *normalised(), L.ReLU()]
    for _ in range(4):
        layers += [L.Residual([*normalised(), L.ReLU(), *normalised()]), L.ReLU()]
    return Sequential([*layers, L.GlobalAveragePooling2D(), L.Dense(10, activation="softmax")])


def transformer() -> Any:
    layers = [L.Input((64,)), L.Embedding(65, 128), L.PositionEmbedding()]
    for _ in range(2):
        attention = L.MultiHeadAttention(4, 32, use_causal_mask=True)
        layers.append(L.Residual([L.LayerNormalization(), attention]))
        layers.append(L.Residual([L.LayerNormalization(), L.Dense(512, activation="gelu"), L.Dense(128)]))
    return Sequential([*layers, L.LayerNormalization(), L.Dense(65, activation="softmax")])
