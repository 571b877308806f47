"""Sixty ordinary trainings on well-known data, each sound by its score, to count false alarms on.

`python -m benchmarks.doctor.ordinary` trains each with three seeds, compares the median score on the test rows with
what scikit-learn reaches on the same rows, and writes `ordinary.json` beside this file. Sound means: not lower than the
best of linear model, boosted trees and scikit-learn's own network by more than three standard errors. Three of the
first sixty were changed before any was diagnosed, one that was not sound and two that were barely.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .cases import Case

RECORD = Path(__file__).with_name("ordinary.json")
ERRORS = 3.0  # standard errors below the reference that still count as sound
HELD = 0.3
SEEDS = (0, 1, 2)

# Data, hidden layers, optimizer and rate, rows an update, epochs, and what else differs.
TRAININGS: tuple[tuple[str, str, str, int, int, dict[str, Any]], ...] = (
    ("iris", "16 relu, 8 relu", "Adam 0.005", 16, 60, {}),
    ("iris", "8 tanh", "SGD 0.05 momentum=0.9", 8, 60, {}),
    ("iris", "32 elu, dropout 0.2", "RMSprop 0.002", 32, 80, {}),
    ("iris", "", "Adam 0.02", 16, 80, {}),
    ("wine", "16 relu", "Adam 0.005", 16, 40, {}),
    ("wine", "12 selu l2=0.001, 12 selu l2=0.001", "SGD 0.02 momentum=0.9", 16, 40, {}),
    ("wine", "24 gelu, dropout 0.3", "Nadam 0.002", 8, 40, {}),
    ("breast_cancer", "16 relu", "Adam 0.002", 32, 30, {}),
    ("breast_cancer", "32 relu, dropout 0.3, 16 relu", "RMSprop 0.001", 32, 30, {}),
    ("breast_cancer", "8 tanh l2=0.001", "SGD 0.05 momentum=0.9 nesterov=1", 32, 40, {}),
    ("breast_cancer", "32 relu, bn, 16 relu", "Adam 0.002", 64, 30, {}),
    ("breast_cancer", "", "Adam 0.01 ", 64, 60, {}),
    ("digits", "64 relu", "Adam 0.001", 32, 30, {}),
    ("digits", "128 relu, dropout 0.3, 64 relu", "Adam 0.001", 64, 40, {}),
    ("digits", "64 tanh", "SGD 0.1 momentum=0.9", 64, 30, {}),
    ("digits", "96 relu, bn, 48 relu, bn", "Adam 0.003", 64, 20, {}),
    ("digits", "128 relu l2=0.0001", "RMSprop 0.001", 32, 25, {"sparse": True}),
    ("digits-images", "conv 16 relu, pool, flatten, 32 relu", "Adam 0.003", 64, 20, {}),
    ("digits-images", "conv 8 relu, conv 16 relu, flatten, dropout 0.3", "Adam 0.002", 32, 20, {"sparse": True}),
    ("diabetes", "8 tanh l2=0.01", "Adam 0.005", 32, 25, {}),
    ("diabetes", "16 relu l2=0.02, 8 relu l2=0.02", "Adam 0.002", 32, 30, {}),
    ("diabetes", "", "SGD 0.01", 32, 60, {}),
    ("moons", "16 relu, 16 relu", "Adam 0.01", 32, 60, {}),
    ("moons", "16 tanh, 8 tanh", "SGD 0.1 momentum=0.9", 32, 120, {}),
    ("moons", "32 gelu, 16 gelu", "AdamW 0.01", 64, 60, {}),
    ("circles", "16 relu, 8 relu", "Adam 0.01", 32, 60, {}),
    ("circles", "24 elu, 24 elu", "RMSprop 0.003", 32, 60, {}),
    ("blobs", "16 relu", "Adam 0.005", 32, 30, {}),
    ("blobs", "8 sigmoid", "Adam 0.02", 32, 40, {"sparse": True}),
    ("blobs", "12 relu, 12 relu", "SGD 0.05", 16, 40, {}),
    ("classification", "32 relu l2=0.001", "Adam 0.003", 32, 30, {}),
    ("classification", "48 relu, dropout 0.3", "Adam 0.002", 64, 40, {}),
    ("classification", "24 tanh l2=0.002", "RMSprop 0.002", 32, 30, {}),
    ("quantiles", "32 relu, 16 relu", "Adam 0.005", 32, 60, {}),
    ("quantiles", "24 elu, 24 elu", "Adam 0.005", 64, 80, {"sparse": True}),
    ("regression", "24 relu l2=0.003", "Adam 0.01", 32, 40, {}),
    ("regression", "", "Adam 0.02", 32, 120, {}),
    ("friedman1", "32 relu, 16 relu", "Adam 0.005", 32, 50, {}),
    ("friedman1", "48 gelu", "Adam 0.01", 32, 80, {}),
    ("friedman1", "32 tanh l2=0.001, 16 tanh l2=0.001", "Nadam 0.005", 32, 40, {}),
    ("friedman1", "32 relu, 32 relu", "SGD 0.02 momentum=0.9", 32, 60, {"loss": "huber"}),
    ("friedman2", "32 relu, 32 relu", "Adam 0.005", 32, 60, {}),
    ("friedman2", "32 elu, 16 elu", "RMSprop 0.002", 32, 60, {}),
    ("friedman3", "32 relu, 32 relu", "Adam 0.005", 32, 80, {}),
    ("friedman3", "48 tanh, 24 tanh", "Adam 0.005", 32, 80, {"loss": "mae"}),
    ("iris.csv", "12 relu", "Adam 0.01", 16, 50, {}),
    ("penguins.csv", "16 relu, 8 relu", "Adam 0.005", 16, 40, {}),
    ("penguins.csv", "16 tanh", "SGD 0.05 momentum=0.9", 32, 40, {"sparse": True}),
    ("titanic.csv", "16 relu l2=0.002", "Adam 0.002", 32, 25, {}),
    ("titanic.csv", "24 relu, dropout 0.4, 12 relu", "Adam 0.002", 64, 30, {}),
    ("mpg.csv", "32 relu l2=0.001, 16 relu l2=0.001", "Adam 0.005", 32, 50, {}),
    ("mpg.csv", "16 selu", "Adagrad 0.1", 16, 60, {}),
    ("diamonds.csv", "48 relu, 24 relu", "Adam 0.003", 64, 40, {}),
    ("diamonds.csv", "64 gelu, bn, 32 gelu", "Adam 0.003", 128, 40, {}),
    ("pima-indians-diabetes.csv", "12 relu l2=0.002", "Adam 0.002", 16, 25, {}),
    ("pima-indians-diabetes.csv", "8 tanh l2=0.002", "RMSprop 0.002", 32, 30, {}),
    ("housing.csv", "32 relu l2=0.001, 16 relu l2=0.001", "Adam 0.005", 32, 60, {}),
    ("housing.csv", "48 relu l2=0.001", "Adam 0.01", 16, 60, {"loss": "huber"}),
    ("ionosphere.csv", "24 relu l2=0.001, dropout 0.2", "Adam 0.003", 32, 40, {}),
    ("sonar.csv", "48 relu l2=0.01", "Adam 0.002", 16, 60, {}),
)  # fmt: skip

TARGETS = {"iris.csv": "species", "penguins.csv": "species", "titanic.csv": "survived", "mpg.csv": "mpg",
           "diamonds.csv": "price"}  # fmt: skip
DROPPED = {"titanic.csv": ("alive", "class", "who", "adult_male", "embark_town", "alone", "deck"),
           "mpg.csv": ("name",)}  # fmt: skip
ROWS = 3000  # of the largest table


def cases() -> list[Case]:
    """The trainings in the form of the shared cases; `made` names their data."""
    found: list[Case] = []
    for number, (data, hidden, optimizer, batch, epochs, more) in enumerate(TRAININGS):
        task, outputs = _facts(data)
        sparse = more.get("sparse", False)
        crossentropy = f"{'sparse_' * sparse}categorical_crossentropy"
        loss = {"binary": "binary_crossentropy", "multiclass": crossentropy, "regression": "mse"}[task]
        head = {"binary": "sigmoid", "multiclass": "softmax", "regression": None}[task]
        name, rate, *settings = optimizer.split()
        pairs = (setting.split("=") for setting in settings)
        found.append({
            "id": f"or-{number + 1:02d}-{data.removesuffix('.csv')}",
            "source": "an ordinary training", "task": task, "made": {"name": data, "split": number, "sparse": sparse},
            "layers": [*map(_layer, filter(None, hidden.split(", "))),
                       {"type": "Dense", "units": outputs, "activation": head}],
            "optimizer": {"name": name, "learning_rate": float(rate),
                          **{key: bool(int(value)) if key == "nesterov" else float(value) for key, value in pairs}},
            "loss": more.get("loss", loss), "epochs": epochs, "batch_size": batch, "shuffle": True, "faults": [],
            "metric": "r2" if task == "regression" else "accuracy", "repairable": False,
        })  # fmt: skip
    return found


def _layer(text: str) -> dict[str, Any]:
    """ "32 relu l2=0.001" and its like → a layer of a case."""
    first, *rest = text.split()
    if first == "conv":
        return {"type": "Conv2D", "filters": int(rest[0]), "kernel_size": [3, 3], "activation": rest[1]}
    if first == "dropout":
        return {"type": "Dropout", "rate": float(rest[0])}
    simple: dict[str, dict[str, Any]] = {"bn": {"type": "BatchNormalization"}, "flatten": {"type": "Flatten"},
              "pool": {"type": "MaxPooling2D", "pool_size": [2, 2]}}  # fmt: skip
    if first in simple:
        return simple[first]
    penalty = {"l2": float(rest[1].removeprefix("l2="))} if len(rest) > 1 else {}
    return {"type": "Dense", "units": int(first), "activation": rest[0], **penalty}


@cache
def _facts(data: str) -> tuple[str, int]:
    """The task and the number of outputs."""
    if data.endswith(".csv"):
        classes = {"iris.csv": 3, "penguins.csv": 3}
        if data in ("mpg.csv", "diamonds.csv", "housing.csv"):
            return "regression", 1
        return ("multiclass", classes[data]) if data in classes else ("binary", 1)
    _, y = generated(data)
    if y.dtype.kind == "f":
        return "regression", 1
    return ("multiclass", int(y.max()) + 1) if y.max() > 1 else ("binary", 1)


def generated(data: str) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's data: inputs, and class numbers or real targets."""
    from sklearn import datasets as d

    makers: dict[str, Any] = {
        "digits-images": lambda: ((x := d.load_digits()).images[..., None] / 16, x.target),
        "moons": lambda: d.make_moons(600, noise=0.2, random_state=0),
        "circles": lambda: d.make_circles(600, noise=0.1, factor=0.5, random_state=0),
        "blobs": lambda: d.make_blobs(500, n_features=4, centers=4, cluster_std=2.5, random_state=0),
        "classification": lambda: d.make_classification(
            900, 20, n_informative=8, n_redundant=4, class_sep=1.2, random_state=0
        ),
        "quantiles": lambda: d.make_gaussian_quantiles(n_samples=800, n_features=3, n_classes=3, random_state=0),
        "regression": lambda: d.make_regression(500, 12, n_informative=8, noise=20.0, random_state=0),
        "friedman1": lambda: d.make_friedman1(800, noise=1.0, random_state=0),
        "friedman2": lambda: d.make_friedman2(800, noise=80.0, random_state=0),
        "friedman3": lambda: d.make_friedman3(1000, noise=0.1, random_state=0),
    }
    x, y = makers[data]() if data in makers else getattr(d, f"load_{data}")(return_X_y=True)
    return np.asarray(x, np.float64), np.asarray(y)


def arrays(made: dict[str, Any]) -> dict[str, np.ndarray]:
    """The arrays of a training, prepared with the training rows' statistics as a user of jindan would."""
    name, split = made["name"], made["split"]
    x, y, x_test, y_test = _table(name, split) if name.endswith(".csv") else _arrays(name, split)
    if y.dtype.kind != "f" and not made["sparse"] and len(np.unique(y)) > 2:
        from jindan.utils import to_categorical

        y, y_test = (to_categorical(part, int(y.max()) + 1) for part in (y, y_test))
    wide = y.ndim > 1 or made["sparse"]
    y, y_test = (part if wide else part.reshape(-1, 1) for part in (y, y_test))
    found = {"x_train": x, "y_train": y, "x_test": x_test, "y_test": y_test}
    return {part: np.asarray(values, np.float32) for part, values in found.items()}


def _arrays(name: str, split: int) -> tuple[np.ndarray, ...]:
    from jindan.data import StandardScaler, train_test_split

    x, y = generated(name)
    classes = None if y.dtype.kind == "f" else y
    x, x_test, y, y_test = train_test_split(x, y, test_size=HELD, random_state=split, stratify=classes)
    if name == "digits":
        x, x_test = x / 16, x_test / 16
    elif x.ndim == 2:
        scaler = StandardScaler().fit(x)
        x, x_test = scaler.transform(x), scaler.transform(x_test)
    # Targets of a few units stay as they are; diabetes' load_ gives whole numbers as floats.
    if classes is None and name != "friedman3":
        scaler = StandardScaler().fit(y[:, None])
        y, y_test = (scaler.transform(part[:, None]) for part in (y, y_test))
    return x, y, x_test, y_test


def _table(name: str, split: int) -> tuple[np.ndarray, ...]:
    from jindan.data import ClassTarget, NumberTarget, Preprocessing, fit_preprocessor, read_table, train_test_split

    from ..common import DATA, Skip

    path = DATA / "tabular" / name
    if not path.exists():
        raise Skip("the tables in ../shared/data/tabular are missing")
    frame = read_table(path).frame
    target = TARGETS.get(name, frame.columns[-1])
    frame = frame.filter(frame[target].is_not_null())
    if frame.height > ROWS:
        frame = frame.sample(ROWS, seed=0)
    regression = _facts(name)[0] == "regression"
    rows = np.arange(frame.height)
    classes = None if regression else frame[target].cast(str).to_numpy()
    train, test = train_test_split(rows, test_size=HELD, random_state=split, stratify=classes)
    fitted = fit_preprocessor(frame[train], config=Preprocessing(drop=DROPPED.get(name, ())), target=target)
    coder: Any = NumberTarget.fit(frame[train][target]) if regression else ClassTarget.fit(frame[target])
    parts = [(fitted.transform(frame[part]), np.asarray(coder.encode(frame[part][target]))) for part in (train, test)]
    (x, y), (x_test, y_test) = parts
    return x, y, x_test, y_test


# -- soundness -------------------------------------------------------------------------------------------------------


def reference(case: Case, seed: int = 0) -> tuple[str, float, float]:
    """The best of scikit-learn on the same rows: its name, its score on the test rows, its standard error."""
    from sklearn import ensemble, linear_model, neural_network
    from threadpoolctl import threadpool_limits

    from .cases import arrays_of

    found = arrays_of(case)
    x, x_test = (found[part].reshape(len(found[part]), -1) for part in ("x_train", "x_test"))
    y, y_test = (_labels(case, found[part]) for part in ("y_train", "y_test"))
    network: dict[str, Any] = {"hidden_layer_sizes": (32, 16), "max_iter": 600, "random_state": seed}
    if case["metric"] == "r2":
        peers = {"ridge": linear_model.RidgeCV(np.logspace(-3, 3, 13)),
                 "trees": ensemble.HistGradientBoostingRegressor(max_iter=60, random_state=seed),
                 "MLP": neural_network.MLPRegressor(**network)}  # fmt: skip
    else:
        peers = {"logistic": linear_model.LogisticRegression(max_iter=2000),
                 "trees": ensemble.HistGradientBoostingClassifier(max_iter=60, random_state=seed),
                 "MLP": neural_network.MLPClassifier(**network)}  # fmt: skip
    with threadpool_limits(1):  # its threads wait by spinning, which a busy machine makes slow
        scores = {name: peer.fit(x, y).score(x_test, y_test) for name, peer in peers.items()}
    best = max(scores, key=scores.__getitem__)
    return best, float(scores[best]), _error(case, peers[best].predict(x_test), y_test, scores[best])


def _labels(case: Case, y: np.ndarray) -> np.ndarray:
    if case["metric"] == "r2":
        return y.ravel()
    return (y.argmax(1) if y.ndim > 1 and y.shape[1] > 1 else y.ravel()).astype(int)


def _error(case: Case, guess: np.ndarray, truth: np.ndarray, found: float) -> float:
    """Binomial, with a right and a wrong row added so that it is not 0 at 1; of R² by the bootstrap."""
    n = len(truth)
    if case["metric"] != "r2":
        share = (found * n + 1) / (n + 2)
        return float(np.sqrt(share * (1 - share) / n))
    from sklearn.metrics import r2_score

    rng = np.random.default_rng(0)
    return float(np.std([r2_score(truth[rows], guess[rows]) for rows in rng.integers(0, n, (200, n))]))


def main() -> int:
    """Measure all, or those whose id holds an argument, and write their entries into the record."""
    from .cases import train

    known = {entry["id"]: entry for entry in json.loads(RECORD.read_text("utf-8"))} if RECORD.exists() else {}
    parts, records, bad = sys.argv[1:] or [""], [], []
    for case in [case for case in cases() if any(part in case["id"] for part in parts)]:
        own = float(np.median([train(case, seed)[1] for seed in SEEDS]))
        name, best, error = reference(case)
        sound = own >= best - ERRORS * error
        bad += [case["id"]] * (not sound)
        records.append({"id": case["id"], "score": round(own, 4), "reference": name, "reference_score": round(best, 4),
                        "standard_error": round(error, 4), "sound": bool(sound)})  # fmt: skip
        print(
            f"{case['id']:32s} {own:.4f}  {name} {best:.4f} ± {error:.4f}{'' if sound else '  NOT SOUND'}", flush=True
        )
    print(f"{len(records) - len(bad)} of {len(records)} sound; not: {', '.join(bad) or 'none'}")
    known |= {entry["id"]: entry for entry in records}
    whole = [known[case["id"]] for case in cases() if case["id"] in known]
    RECORD.write_text("[\n" + ",\n".join(map(json.dumps, whole)) + "\n]\n", encoding="utf-8")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
