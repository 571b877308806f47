"""NeuralOneShot: new classes told apart after one example of each, behind scikit-learn's interface."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..engine.program import Trained, train_program
from ..errors import InputError
from ..models.model import Model
from ..models.oneshot import PROTOTYPICAL, EpisodeProgram, by_class
from ..models.oneshot_gallery import COSINE, EUCLIDEAN, SIAMESE, Gallery
from ..plan import Plan
from .mixins import ManyLabelledMixin, ScoresMixin
from .oneshot_parts import check, flat, moments, network_of, read, shape_of, write


class NeuralOneShot(
    ManyLabelledMixin, ScoresMixin, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """An embedding learned on background classes, in which one example of a new class is enough.

    `fit` learns the embedding from a labelled background set; `enroll` shows it a class it has not seen. Until
    something is enrolled, the background classes themselves are predicted, by the mean of their embeddings; the first
    enrolment drops them. The mathematics is in `jindan.models.oneshot`. Another model's features serve too:
    `NeuralOneShot.from_model(model)`.

    Args:
        method: "prototypical" or "siamese".
        ways: Classes of a training episode; more than there will be in use make it a harder, better teacher.
        shots: Examples that stand for a class in training.
        queries: Examples that ask, of each class.
        n_episodes: Updates, each by an episode drawn anew.
        filters: Of the blocks of convolution and pooling, for images; None for up to four, of 32 and 64 filters.
        hidden_layer_sizes: Dense layers after them; None for (128,) for rows, and none for images.
        embedding_dim: Numbers of the embedding; None for 64 for rows, and what the blocks give for images.
        layers: Layers of jindan in place of all these.
        augmentation: Layers in front that change training images, as `[RandomRotation(0.04)]`.
        rotations: Whether a class turned by a quarter counts as another class (square images; Santoro et al. 2016).
        image_shape: (height, width) or (height, width, channels) of rows that are flat images.
        scaling: What rows are brought to first: "columns" to mean 0 and variance 1 in each column, "common" to mean 0
            and one scale for all, None to nothing; "auto" is "common" for images, else "columns".
        learning_rate: Of Adam. `decay`: whether it falls to 0 along a cosine.
        random_state: Fixes first weights and episodes.
        verbose: Whether a line of progress is shown.
        dtype: "float32" or "float64".

    Attributes:
        classes_: Labels that `predict` can give. `model_`: the embedding, a jindan model.
        gallery_: What is enrolled, a `jindan.models.oneshot_gallery.Gallery`.
        history_: "loss" and "accuracy", by episode. `run_`: the training.

    >>> rng = np.random.default_rng(0)
    >>> places, nuisance = rng.normal(size=(20, 2)), rng.normal(size=(200, 8))
    >>> y = np.repeat(np.arange(20), 10)
    >>> X = np.column_stack([places[y] + 0.05 * rng.normal(size=(200, 2)), 3 * nuisance])
    >>> model = NeuralOneShot(n_episodes=200, random_state=0).fit(X[:140], y[:140])  # classes 0 … 13
    >>> model.enroll_many(X[140::10], y[140::10]).classes_.tolist()  # one row of each other class
    [14, 15, 16, 17, 18, 19]
    >>> bool(model.score(X[140:], y[140:]) > 0.6)
    True
    """

    def __init__(
        self,
        method: str = PROTOTYPICAL,
        *,
        ways: int = 30,
        shots: int = 1,
        queries: int = 5,
        n_episodes: int = 1000,
        filters: Sequence[int] | None = None,
        hidden_layer_sizes: Sequence[int] | None = None,
        embedding_dim: int | None = None,
        layers: Any = None,
        augmentation: Any = (),
        rotations: bool = False,
        image_shape: Any = None,
        scaling: str | None = "auto",
        learning_rate: float = 0.002,
        decay: bool = True,
        random_state: Any = None,
        verbose: bool = False,
        dtype: str = "float32",
    ) -> None:
        self.method = method
        self.ways = ways
        self.shots = shots
        self.queries = queries
        self.n_episodes = n_episodes
        self.filters = filters
        self.hidden_layer_sizes = hidden_layer_sizes
        self.embedding_dim = embedding_dim
        self.layers = layers
        self.augmentation = augmentation
        self.rotations = rotations
        self.image_shape = image_shape
        self.scaling = scaling
        self.learning_rate = learning_rate
        self.decay = decay
        self.random_state = random_state
        self.verbose = verbose
        self.dtype = dtype

    # -- learning ----------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any) -> Self:
        """Learn an embedding from a background set of labelled rows.

        Classes with no more than `shots` examples take no part in training.

        Args:
            X: Rows (n, features) or images (n, height, width[, channels]).
            y: Their classes (n,).

        Raises:
            InputError: for settings or data that cannot be used.
        """
        self._fit_all([self], X, y)
        return self

    def _fit_all(self, members: list[Self], X: Any, y: Any) -> None:
        groups: dict[Any, list[tuple[Self, np.ndarray, np.ndarray]]] = {}
        for member in members:
            rows, codes = member._background(X, y)
            program = member._program(codes)
            program = program.shared() if len(members) == 1 else program
            groups.setdefault((program, member.n_episodes, str(member.scaling)), []).append((member, rows, codes))
        for (program, episodes, _), some in groups.items():
            first, rows, codes = some[0]
            data, _ = by_class(rows, codes, program.shots + 1)
            seeds = [int(check_random_state(m.random_state).randint(2**31 - 1)) for m, _, _ in some]
            values = [{"learning_rate": float(m.learning_rate)} for m, _, _ in some]
            runs = train_program(program, data, epochs=episodes, seeds=seeds, values=values, listen=first._line())
            for (member, rows, codes), run in zip(some, runs, strict=True):
                member._adopt(program, run, rows, codes)
            if any(run.interrupted for run in runs):
                raise KeyboardInterrupt

    def _background(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Checked and scaled rows (n, *shape), and the places of their labels in `background_`."""
        check(self)
        self.shape_ = shape_of(X, self.image_shape)
        X, y = validate_data(self, flat(X), y, dtype=self.dtype)
        if math.prod(self.shape_ or (X.shape[1],)) != X.shape[1]:
            raise InputError("The rows are no images of this shape.", where="image_shape",
                             expected=f"{math.prod(self.shape_)} columns for {self.shape_}",
                             received=X.shape[1])  # fmt: skip
        self.shape_ = self.shape_ or (X.shape[1],)
        check_classification_targets(y)
        if self.rotations and (len(self.shape_) != 3 or self.shape_[0] != self.shape_[1]):
            raise InputError("Only square images can be turned by a quarter.", where="rotations",
                             expected="images (side, side)", received=f"rows of shape {self.shape_}")  # fmt: skip
        self.background_, codes = np.unique(y, return_inverse=True)
        if (np.bincount(codes) > self.shots).sum() < 2:
            raise InputError("Episodes need two classes or more with an example to ask for.", where="y",
                             expected=f"at least two classes with {self.shots + 1} examples or more each",
                             received=f"{len(self.background_)} class(es) of up to {np.bincount(codes).max()}",
                             help="Give more labelled rows, or lower shots.")  # fmt: skip
        self.mean_, self.scale_ = moments(X, self.scaling, images=len(self.shape_) == 3)
        return self._inside(X), codes

    def _inside(self, X: np.ndarray) -> np.ndarray:
        """Flat rows as the network sees them."""
        return ((X - self.mean_) / self.scale_).reshape(len(X), *self.shape_)

    def _program(self, codes: np.ndarray) -> EpisodeProgram:
        usable = int((np.bincount(codes) > self.shots).sum())
        return EpisodeProgram(
            network_of(self, self.shape_), usable, self.method, self.ways, self.shots, self.queries,
            turned=bool(self.rotations), decay=self.n_episodes if self.decay else 0, dtype=self.dtype,
        )  # fmt: skip

    def _line(self) -> Any:
        if not self.verbose:
            return None
        from ..models.display import Line

        return Line(1)

    def _adopt(self, program: EpisodeProgram, run: Trained, rows: np.ndarray, codes: np.ndarray) -> None:
        network, state = program.network, run.state
        weights = network.join(state["trained"], state["fixed"])
        self.run_, self.history_ = run, {name: list(values) for name, values in run.history.items()}
        self.model_: Any = Model.from_plan(Plan(network.layers, dtype=self.dtype), self.shape_, weights)
        self.center_ = np.zeros(math.prod(network.output_shape), self.dtype)
        found = self._embed(rows)
        if not np.isfinite(found).all():
            raise InputError("The embedding is not finite.", where=f"learning_rate of {type(self).__name__}",
                             expected="a lower one", received=self.learning_rate)  # fmt: skip
        sums = np.zeros((len(self.background_), found.shape[1]))
        np.add.at(sums, codes, found)
        means = (sums / np.bincount(codes)[:, None]).astype(self.dtype)
        similarity = EUCLIDEAN if self.method == PROTOTYPICAL else SIAMESE
        self.gallery_, self.enrolled_ = Gallery(similarity, state["head"]).add(means, self.background_), False

    # -- another model's features ------------------------------------------------------------------------------------

    @classmethod
    def from_model(
        cls, model: Any, layer: str | int | None = None, *, similarity: str = COSINE, background: Any = None
    ) -> Self:
        """One-shot learning by the features of a trained model, without training (Chen et al. 2019).

        Args:
            model: A jindan Sequential or Model of one input.
            layer: Name or number of the layer whose outputs are the features; None for the one before the last.
            similarity: "cosine" or "euclidean".
            background: Rows whose mean feature is taken as the origin, which serves cosines well (Wang et al. 2019).

        Returns:
            A fitted NeuralOneShot in which nothing is enrolled. It takes rows as the model does.

        >>> from jindan.layers import Dense
        >>> from jindan.models import Sequential
        >>> trained = Sequential([Dense(16, activation="tanh", input_shape=(4,)), Dense(3, activation="softmax")])
        >>> shown = NeuralOneShot.from_model(trained).enroll([1, 0, 0, 0], "a").enroll([0, 0, 0, 1], "b")
        >>> shown.predict([[2.0, 0, 0, 0.1]]).tolist()
        ['a']
        """
        if not isinstance(model, Model) or model.network is None or model.network.graph.inputs != 1:
            raise InputError("Features come from a jindan model of one input that knows its rows' shape.",
                             where="model", expected="a built Sequential or Model", received=type(model).__name__,
                             help="Of an estimator give its model_.")  # fmt: skip
        if similarity not in (COSINE, EUCLIDEAN):
            raise InputError("This similarity cannot be used.", where="similarity", expected='"cosine" or "euclidean"',
                             received=repr(similarity))  # fmt: skip
        number = -2 if layer is None else layer
        view = model.get_layer(number) if isinstance(number, str) else model.get_layer(index=number)
        fresh = cls(scaling=None, dtype=model.plan.dtype)
        fresh.model_ = copy(Model(model.inputs, view.output, "features"))  # apart from what is trained later
        fresh.shape_ = tuple(model.network.input_shape)
        fresh.mean_, fresh.scale_ = np.zeros(1, fresh.dtype), np.ones(1, fresh.dtype)
        fresh.n_features_in_ = math.prod(fresh.shape_)
        fresh.center_ = np.zeros(math.prod(fresh.model_.network.output_shape), fresh.dtype)
        fresh.history_ = {}
        fresh.gallery_, fresh.enrolled_ = Gallery(similarity), True
        if background is not None:
            fresh.center_ = fresh.transform(background).mean(0)
        return fresh

    # -- enrolling ---------------------------------------------------------------------------------------------------

    def enroll(self, image: Any, label: Any) -> Self:
        """Show one example, a row (features,) or an image, of a class, new or known."""
        return self.enroll_many(np.asarray(image)[None], [label])

    def enroll_many(self, images: Any, labels: Any) -> Self:
        """Show examples (n, …) with their labels (n,).

        Raises:
            InputError: when their numbers differ, or labels are of another kind than those enrolled.
        """
        found, labels = self.transform(images), np.ravel(np.asarray(labels))
        if len(found) != len(labels):
            raise InputError("Each example has one label.", where="labels", expected=len(found),
                             received=len(labels))  # fmt: skip
        before = self.gallery_ if self.enrolled_ else Gallery(self.gallery_.similarity, self.gallery_.head)
        self.gallery_, self.enrolled_ = before.add(found, labels), True
        return self

    def forget(self, labels: Any = None) -> Self:
        """Remove what is enrolled, all or under some labels."""
        check_is_fitted(self)
        wanted = self.classes_ if labels is None else np.ravel(np.asarray(labels))
        self.gallery_, self.enrolled_ = self.gallery_.without(wanted.tolist()), True
        return self

    # -- using -------------------------------------------------------------------------------------------------------

    @property
    def classes_(self) -> np.ndarray:
        """Labels that `predict` can give, sorted."""
        check_is_fitted(self)
        return self.gallery_.labels

    def transform(self, X: Any) -> np.ndarray:
        """Embeddings (rows, numbers) of rows or images."""
        return self._embed(self._given(X))

    def _logits(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        if not len(self.gallery_):
            raise InputError("No class is enrolled.", where="predict", expected="an example of each class",
                             received="none", help='enroll(image, "label") first.')  # fmt: skip
        return self.gallery_.logits(self.transform(X))

    def _embed(self, rows: np.ndarray) -> np.ndarray:
        found = self.model_.predict(rows, verbose=0)
        return found.reshape(len(rows), -1) - self.center_

    def _given(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._inside(validate_data(self, flat(X), reset=False, dtype=self.dtype))

    @property
    def _n_features_out(self) -> int:
        return len(self.center_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "gallery_")

    # -- keeping -----------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write settings, embedding and what is enrolled into a folder; `jindan.load` reads the embedding's model."""
        check_is_fitted(self)
        write(path, self)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Undo `save`.

        Raises:
            FileError: when the folder holds no such estimator.
        """
        settings, facts = read(path, cls.__name__)
        model = cls(**settings)
        for name, value in facts.items():
            setattr(model, name, value)
        return model
