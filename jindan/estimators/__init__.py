"""scikit-learn style classes, thin over Plan and train: they go into Pipeline, GridSearchCV, cross_val_score."""

from .classifier import NeuralClassifier
from .perceptron import Perceptron
from .regressor import NeuralRegressor

__all__ = ["NeuralClassifier", "NeuralRegressor", "Perceptron"]
