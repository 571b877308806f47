"""What an option may be where it is one of few words."""

from __future__ import annotations

from enum import StrEnum


class Lang(StrEnum):
    """The languages."""

    en = "en"
    ko = "ko"


class ModelName(StrEnum):
    """The models beside the network of a target."""

    autoencoder = "autoencoder"
    vae = "vae"
    gan = "gan"
    rbm = "rbm"
    dbn = "dbn"
    kmeans = "kmeans"
    pca = "pca"
    word2vec = "word2vec"


class TaskName(StrEnum):
    """What can be predicted."""

    auto = "auto"
    binary = "binary"
    multiclass = "multiclass"
    regression = "regression"


class Method(StrEnum):
    """How settings are searched."""

    bayes = "bayes"
    random = "random"
    grid = "grid"
    halving = "halving"
