"""scikit-learn style classes, thin over Plan and train: they go into Pipeline, GridSearchCV, cross_val_score.

Each is imported when first used: principal components do not wait for JAX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import attach

if TYPE_CHECKING:
    from .autoencoder import Autoencoder
    from .boltzmann import BoltzmannMachine
    from .classifier import NeuralClassifier
    from .dbn import DBN
    from .gan import GAN
    from .hand_features import HandFeatures
    from .kmeans import KMeans
    from .loading import load
    from .oneshot import NeuralOneShot
    from .pca import PCA
    from .perceptron import Perceptron
    from .rbm import RBM
    from .rbm_classifier import RBMClassifier
    from .regressor import NeuralRegressor
    from .vae import VAE
    from .whitening import Whitening
    from .word2vec import Word2Vec

__all__ = [
    "Autoencoder",
    "BoltzmannMachine",
    "DBN",
    "GAN",
    "HandFeatures",
    "KMeans",
    "NeuralClassifier",
    "NeuralOneShot",
    "NeuralRegressor",
    "PCA",
    "Perceptron",
    "RBM",
    "RBMClassifier",
    "VAE",
    "Whitening",
    "Word2Vec",
    "load",
]

_NAMES = {
    "Autoencoder": "autoencoder",
    "BoltzmannMachine": "boltzmann",
    "NeuralClassifier": "classifier",
    "DBN": "dbn",
    "GAN": "gan",
    "HandFeatures": "hand_features",
    "KMeans": "kmeans",
    "load": "loading",
    "NeuralOneShot": "oneshot",
    "PCA": "pca",
    "Perceptron": "perceptron",
    "RBM": "rbm",
    "RBMClassifier": "rbm_classifier",
    "NeuralRegressor": "regressor",
    "VAE": "vae",
    "Whitening": "whitening",
    "Word2Vec": "word2vec",
}

__getattr__, __dir__ = attach(__name__, _NAMES)
