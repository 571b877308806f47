"""Grid search and bagging of networks in scikit-learn, two processes."""

import time
import warnings

import population_data as data
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)
FULL = {"alpha": 0.0, "tol": 0.0, "n_iter_no_change": 10_000, "random_state": 0}


class Network(MLPClassifier):
    """Takes rows as they are drawn: given their numbers as weights instead, it fails on a batch that has none."""

    def fit(self, X, y):
        return super().fit(X, y)


def digits():
    x, y = data.digits()
    network = MLPClassifier((100,), max_iter=data.DIGITS_EPOCHS, batch_size=data.DIGITS_BATCH, **FULL)
    search = GridSearchCV(network, {"learning_rate_init": data.RATES}, cv=data.FOLDS, n_jobs=2, refit=False)
    began = time.perf_counter()
    search.fit(x, y)
    return time.perf_counter() - began, search.best_score_


def bagging():
    x, x_test, y, y_test = data.cancer()
    network = Network((32, 16), max_iter=data.BAG_EPOCHS, batch_size=data.BAG_BATCH, **FULL)
    model = BaggingClassifier(network, data.BAGS, n_jobs=2, random_state=0)
    began = time.perf_counter()
    model.fit(x, y)
    seconds = time.perf_counter() - began
    return seconds, model.score(x_test, y_test)


if __name__ == "__main__":
    # Worker processes import scikit-learn the first time; the second is the figure.
    found = [{"digits": digits, "bagging": bagging}[data.TASK]() for _ in range(2)]
    data.report([seconds for seconds, _ in found], found[-1][1])
