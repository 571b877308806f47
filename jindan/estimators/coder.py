"""What Autoencoder and VAE have in common: rows scaled, plans made, populations trained, folders written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from ..engine.data import Data
from ..engine.run import Run
from ..engine.train import train
from ..errors import FileError, InputError
from ..layers import Layer
from ..models import estimator_files, folders, saving
from ..models.autoencoder import Autoencoder as Halves
from ..models.sequential import Sequential
from ..optimizers import Adam
from ..plan import Plan
from ..schedules import CosineDecay
from ..spec import to_json
from .mixins import ManyMixin, TellsMixin, warn_unless_finite
from .settings import SCALINGS, check_settings, scaling_of, whole, wholes

ARRAYS = "scaling.safetensors"


class Coder(ManyMixin, TellsMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base: rows X are their own targets. Subclasses say which layers, and what is made of the run."""

    embedding_dim: Any
    hidden_layer_sizes: Any
    filters: Any
    image_shape: Any
    activation: Any
    scaling: Any
    learning_rate: Any
    decay: Any
    batch_size: Any
    n_iter: Any
    random_state: Any
    verbose: Any
    dtype: Any

    # -- fitting -----------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from rows X (n, features), or images (n, *image_shape); y is not looked at."""
        self._fit_all([self], X)
        return self

    def _fit_all(self, members: list[Self], X: Any) -> None:
        for member in members:
            member._check()
            member._settle(validate_data(member, member._flat(X), dtype=member.dtype))
        same = len({(m.scaling, m.dtype, str(m.image_shape)) for m in members}) == 1
        for some in [members] if same else [[m] for m in members]:
            rows = some[0]._inside(validate_data(some[0], some[0]._flat(X), dtype=some[0].dtype))
            models = [member._model(rows) for member in some]
            plans = [m._plan(model, len(rows)) for m, model in zip(some, models, strict=True)]
            runs = self._train(some, plans, rows)
            for member, run in zip(some, runs, strict=True):
                member._adopt(run, rows)
            if any(run.interrupted for run in runs):
                raise KeyboardInterrupt
        for member in members:
            warn_unless_finite(member, [*member.model_.model.get_weights(), *member.history_.values()])

    def _train(self, members: list[Self], plans: list[Plan], rows: np.ndarray) -> list[Run]:
        return train(plans, Data.of(rows, rows), listen=self._line(), each_epoch=bool(self.verbose))

    def _settle(self, X: np.ndarray) -> None:
        """How columns are scaled, as the data decide."""
        self.mean_, self.scale_, self._unit = scaling_of(X, self.scaling)

    def _check(self) -> None:
        check_settings(self, {
            "embedding_dim": (whole(self.embedding_dim, 1), ">= 1"),
            "hidden_layer_sizes": (wholes(self.hidden_layer_sizes), "(128,), say; () for none"),
            "filters": (wholes(self.filters), "(16, 32), say; () for none"),
            "image_shape": (
                self.image_shape is None or (wholes(self.image_shape) and len(self.image_shape) in (2, 3)),
                "(height, width) or (height, width, channels)",
            ),
            "scaling": (self.scaling in SCALINGS, '"auto", "columns", "common" or None'),
            "learning_rate": (self.learning_rate > 0, "> 0"),
            "batch_size": (whole(self.batch_size, 1), ">= 1"),
            "n_iter": (whole(self.n_iter, 1), ">= 1"),
        })  # fmt: skip
        if len(self.filters) and self.image_shape is None:
            raise InputError("Convolutions need the shape of an image.", where="image_shape",
                             expected="(28, 28), say", received=None)  # fmt: skip

    def _model(self, rows: np.ndarray) -> Sequential:
        model = Sequential(self._layers(rows.shape[1:]), type(self).__name__.lower(), dtype=self.dtype)
        model.build((None, *rows.shape[1:]))
        return model

    def _plan(self, model: Sequential, rows: int) -> Plan:
        rate: Any = self.learning_rate
        if self.decay:
            rate = CosineDecay(float(rate), float(self.n_iter * self._steps(rows)))
        epsilon = self._epsilon(math.prod(model.input_shape))
        model.compile(optimizer=Adam(rate, epsilon=epsilon), loss=self._loss())
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return model.plan.replace(batch_size=min(self.batch_size, rows), epochs=self.n_iter, seed=seed)

    def _steps(self, rows: int) -> int:
        return -(-rows // min(self.batch_size, rows))

    def _adopt(self, run: Run, rows: np.ndarray) -> None:
        self.run_, self.history_ = run, {name: list(values) for name, values in run.history.items()}
        self.model_: Any = self._halves(run)

    # -- what subclasses differ in -----------------------------------------------------------------------------------

    def _layers(self, shape: tuple[int, ...]) -> list[Layer]:
        raise NotImplementedError

    def _loss(self) -> str:
        raise NotImplementedError

    def _epsilon(self, values: int) -> float:
        return 1e-7

    def _halves(self, run: Run) -> Any:
        return Halves.of(run)

    def _facts(self) -> dict[str, Any]:
        """What was decided while fitting, for JSON."""
        return {}

    # -- using -------------------------------------------------------------------------------------------------------

    def transform(self, X: Any) -> np.ndarray:
        """Codes (rows, embedding_dim)."""
        rows = self._given(X)
        return self.model_.encode(rows)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Rows (rows, features) from codes (rows, embedding_dim)."""
        check_is_fitted(self)
        codes = check_array(X, dtype=self.dtype)
        if codes.shape[1] != self.embedding_dim:
            raise InputError("These are no codes of this model.", where="X", expected=f"{self.embedding_dim} columns",
                             received=codes.shape[1])  # fmt: skip
        return self._outside(self.model_.decode(codes))

    def reconstruct(self, X: Any) -> np.ndarray:
        """Rows (rows, features) after encoding and decoding."""
        rows = self._given(X)
        return self._outside(self.model_.reconstruct(rows))

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`."""
        return float(np.mean(self.score_samples(X)))

    def score_samples(self, X: Any) -> np.ndarray:
        """One number a row (rows,), larger where the row is more like those learned."""
        raise NotImplementedError

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_dim)

    def _given(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._inside(validate_data(self, self._flat(X), reset=False, dtype=self.dtype))

    def _flat(self, X: Any) -> Any:
        if self.image_shape is not None and len(np.shape(X)) > 2:
            return np.asarray(X).reshape(len(X), -1)
        return X

    def _inside(self, X: np.ndarray) -> np.ndarray:
        """Rows as the network sees them."""
        rows = (X - self.mean_) / self.scale_
        if not len(self.filters):
            return rows
        shape = tuple(int(n) for n in self.image_shape)
        shape = shape if len(shape) == 3 else (*shape, 1)
        if math.prod(shape) != X.shape[1]:
            raise InputError("The rows are no images of this shape.", where="image_shape",
                             expected=f"{math.prod(shape)} columns for {shape}", received=X.shape[1])  # fmt: skip
        return rows.reshape(len(X), *shape)

    def _outside(self, rows: np.ndarray) -> np.ndarray:
        return rows.reshape(len(rows), -1) * self.scale_ + self.mean_

    # -- keeping -----------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write settings, plan and weights into a folder; `jindan.load` reads its network as a Sequential."""
        check_is_fitted(self)
        settings, _ = estimator_files.plain(to_json(self.get_params()), {}, self)
        estimator = {"class": type(self).__name__, "settings": settings, "facts": self._facts()}
        with folders.whole_folder(path) as folder:
            saving.write_run(folder, self.run_, extra={"compiled": True, "estimator": estimator})
            folders.write_arrays(folder / ARRAYS, self._arrays())

    def _arrays(self) -> dict[str, np.ndarray]:
        return {"mean_": self.mean_, "scale_": self.scale_}

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Undo `save`.

        Raises:
            FileError: when the folder holds no such estimator.
        """
        run, body = saving.read_run(path)
        found = body.get("estimator")
        if not isinstance(found, dict) or found.get("class") != cls.__name__:
            raise FileError("This folder holds no such model.", where=path, expected=f"{cls.__name__} saved by jindan",
                            received=(found or {}).get("class", "another model"),
                            help="jindan.load reads any model's network.")  # fmt: skip
        settings = dict(found["settings"])
        model = estimator_files.made(cls, settings)
        for name, value in {**found["facts"], **folders.read_arrays(Path(path) / ARRAYS)}.items():
            setattr(model, name, value)
        model.n_features_in_ = len(model.mean_)
        model.run_, model.history_ = run, {name: list(values) for name, values in run.history.items()}
        model.model_ = model._halves(run)
        return model
