"""scikit-learn style classes, thin over Plan and train: they go into Pipeline, GridSearchCV, cross_val_score."""

from .boltzmann import BoltzmannMachine
from .classifier import NeuralClassifier
from .dbn import DBN
from .perceptron import Perceptron
from .rbm import RBM
from .rbm_classifier import RBMClassifier
from .regressor import NeuralRegressor
from .word2vec import Word2Vec

__all__ = [
    "BoltzmannMachine",
    "DBN",
    "NeuralClassifier",
    "NeuralRegressor",
    "Perceptron",
    "RBM",
    "RBMClassifier",
    "Word2Vec",
]
