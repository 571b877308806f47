"""Kept: what a model leaves on disk and takes from there or from other libraries."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.run import Run
from ..errors import FileError
from . import folders, saving
from .config import config_of, made_of
from .layered import Layered

if TYPE_CHECKING:
    from .transfer import Transfer


class Kept(Layered):
    """A model that can be saved, and take over weights."""

    _compiled = False

    def save(self, filepath: str | Path, overwrite: bool = True, zipped: Any = None) -> None:
        """Write plan, weights and optimizer memory into a folder that `jindan.load` reads."""
        run = self._run_to_save()
        with folders.whole_folder(filepath, overwrite=overwrite) as folder:
            saving.write_run(folder, run, extra={"compiled": self._compiled, "keys": self._keys})

    def get_config(self) -> dict[str, Any]:
        """Its layers and connections, without weights, in the form that JSON has."""
        return config_of(self)

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        """A model of what `get_config` gave, with fresh weights, not compiled."""
        return made_of(config)

    def to_json(self, **settings: Any) -> str:
        """`get_config` as text, which `jindan.models.model_from_json` reads; `settings` are `json.dumps`'s."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **settings)

    trainable_variables = Layered.trainable_weights
    non_trainable_variables = Layered.non_trainable_weights
    variables = Layered.weights

    def save_weights(self, filepath: str | Path, overwrite: bool = True) -> None:
        """Write the weights alone, as one safetensors file, whatever its name; `load_weights` reads it back."""
        self._need_shape()
        if not overwrite and Path(filepath).exists():
            raise FileError(
                "The file exists already.", where=filepath, expected="a new name", received="an existing file",
                help="Choose another name, or overwrite=True.",
            )  # fmt: skip
        saving.write_weights(Path(filepath), self.network, self.ready_weights())  # type: ignore[arg-type]

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False) -> Transfer:
        """Take weights from elsewhere, in place of the model's own.

        Args:
            filepath: What `save_weights` wrote; other safetensors; a PyTorch module, state_dict or .pt file of one; a
                Keras model, .weights.h5 or .keras file.
            skip_mismatch: Leave layers as they are whose weights are missing or of another shape.
            by_name: Take those whose names are known here, wherever they stand.

        Returns:
            What was taken from where, and what was left.
        """
        from .transfer import weights_from

        self._need_shape()
        found, report = weights_from(
            filepath,
            self.network,  # type: ignore[arg-type]
            current=self.ready_weights(),
            by_name=by_name,
            skip_mismatch=skip_mismatch,
            dtype=np.dtype(self._float()),
        )
        self.put_weights(found)
        return report

    def _run_to_save(self) -> Run:
        weights, named = self.ready_weights(), {"name": self.name}
        if self._run is None:
            plan = self.plan.replace(**named)
            return saving.run_of(plan if plan.seed is not None else plan.edit(seed=0), self._need_shape(), weights)
        run = self._run
        if "optimizer" in self._settings:
            named["optimizer"] = self._settings["optimizer"]
            memory = run.memory_for(named["optimizer"], run.network.part(weights)[0])
            run = replace(run, state={**run.state, "optimizer": memory})
        return saving.with_weights(replace(run, plan=run.plan.replace(**named)), weights)
