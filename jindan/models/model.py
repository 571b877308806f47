"""Model: a graph of layers with Keras's names: compile, fit, evaluate, predict, summary, save."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..callbacks import History
from ..engine.data import Data, check_targets
from ..engine.generate import generate
from ..engine.run import Run
from ..engine.train import train
from ..layers.graph import symbol_of
from ..layers.network import Weights
from ..layers.wiring import Wiring, stack_of
from ..plan import Plan
from ..spec import get
from ..utils import draw_seed, snake_case, write_line
from . import feeding, fitting, saving, using, watching
from .batchwise import Batchwise
from .compiling import OptimizerView, settings_of, view_of
from .display import Line
from .doors import readers
from .holding import apart
from .keeping import Kept
from .layered import Layered
from .ports import Ports, no_graph
from .subclassing import ByCall, are_symbols, has_call, listed, need_flag
from .wired import wire


class Model(ByCall, Batchwise, Kept):
    """A graph of layers between inputs and outputs, and the base of `Sequential`.

    A layer object has one set of weights, and is frozen or not, in all models that it stands in, as in Keras: what is
    trained, set or loaded in one is so in the others. The optimizer's memory is each model's own. A model that is
    called on values of a graph stands in the new one as one layer, `get_layer(its name)`.

    A class may have a `call(self, x)` that connects its layers, in place of inputs and outputs: its `__init__` begins
    with `super().__init__()` and sets layers as attributes, and `call` runs once, on values of a graph, when the shape
    of a row becomes known.

    >>> from jindan.layers import Add, Dense, Input
    >>> x = Input((4,))
    >>> model = Model(x, Dense(1)(Add()([x, Dense(4, activation="relu")(x)])))
    >>> model.compile("adam", "mse")
    >>> model.output_shape, [view.name for view in model.layers]
    ((None, 1), ['dense', 'add', 'dense_1'])

    Args:
        inputs: An `Input`, or a list or dict of them. Of a dict, rows are given by its keys, or in its order.
        outputs: What layers give, one value, a list or a dict, whose keys name targets, losses, metrics and outputs.
        name: For people.
        dtype: "float32" or "float64"; None is float64 where JAX was told to use it (`jax_enable_x64`).
    """

    def __init__(
        self, inputs: Any = None, outputs: Any = None, name: str | None = None, *, dtype: str | None = None
    ) -> None:
        self._refuse_steps()
        if inputs is None and outputs is None and has_call(type(self)):
            super().__init__(name or snake_case(type(self).__name__), dtype)
            self._by_call = True
            return
        if inputs is None or outputs is None:
            raise no_graph(type(self).__name__, inputs, outputs)
        super().__init__(name or "model", dtype)
        values = [symbol_of(value, "inputs of Model") for value in listed(inputs)]
        wire(self, values, [symbol_of(value, "outputs of Model") for value in listed(outputs)])
        self._keyed(inputs, outputs)

    @property
    def ports(self) -> Ports:
        """The names of the inputs and outputs."""
        return Ports.of(self.wiring, readers(self.specs, self.graph))

    stop_training = False
    history: History | None = None
    _compiled = False

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
        **plan: Any,
    ) -> None:
        """Say how to train. Further keywords are fields of the Plan (`l2=1e-4`, `weight_noise=0.1`, …).

        Args:
            optimizer: Name or object.
            loss: Name, object or JAX function (y_true, y_pred).
            metrics, weighted_metrics: Names, objects or JAX functions.
            loss_weights: How much the loss of each output counts. For several, loss, weights and metrics are
                lists in their order or dicts by their names; one loss or metric alone goes to each.
            run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: Taken for Keras's sake;
                every training here is one compiled program.
        """
        if self._untraced:
            self._compiled_with = {"optimizer": optimizer, "loss": loss, "loss_weights": loss_weights,
                                   "metrics": metrics, "weighted_metrics": weighted_metrics, **plan}  # fmt: skip
            if isinstance(loss, (list, tuple, dict)):  # of outputs that `call` will tell
                self._settings, self._compiled = {"optimizer": get("optimizer", optimizer)}, True
                return
        settings = settings_of(optimizer, loss, loss_weights, metrics, weighted_metrics, plan, self.ports)
        # The plan first: what is refused leaves the model as it was.
        settings["optimizer"] = Plan(self.specs, **{"dtype": self._float(), **settings}).optimizer
        # Compiling again starts the optimizer anew, as in Keras; the weights stay.
        self._settings, self._compiled, self._run = settings, loss is not None, None
        self._seen_batch = False  # of `train_on_batch`

    @property
    def optimizer(self) -> OptimizerView:
        """The optimizer; `model.optimizer.learning_rate = 0.01` changes it."""
        return view_of(self)

    def set_optimizer(self, optimizer: Any) -> None:
        """Another optimizer, or the same with other numbers; its memory stays where it fits."""
        self._settings["optimizer"] = self.plan.replace(optimizer=optimizer).optimizer

    @property
    def loss(self) -> Any:
        return self._settings.get("loss")

    @property
    def metrics_names(self) -> list[str]:
        from ..engine.supervised import Supervised

        return ["loss", *(n for n, _, _ in Supervised(self.plan.structure, self._need_shape()).metrics)]

    @staticmethod
    def from_plan(plan: Plan, input_shape: Any = None, weights: Weights | None = None) -> Any:
        """A compiled model that trains by a plan: a Sequential, or a Model where the plan has a graph."""
        from .sequential import Sequential

        model: Model
        if plan.wiring is None:
            # The plan describes layers: what is made of it shares nothing.
            model = Sequential(map(apart, plan.layers), plan.name or "sequential", dtype=plan.dtype)
        else:
            model = Model.assembled(plan.layers, plan.wiring, plan.name, plan.dtype)
        if input_shape is not None:
            model.input_shape = tuple(input_shape)
        skipped = ("layers", "dtype", "wiring")
        model._settings = {name: value for name, value in plan.get_config().items() if name not in skipped}
        model._compiled = True
        model._weights = weights
        return model

    @staticmethod
    def assembled(layers: tuple, wiring: Wiring, name: str | None, dtype: str | None) -> Any:
        """A model of layers with their wiring: a Sequential where one input and output go without names."""
        from .sequential import Sequential

        stack = wiring.inputs == len(wiring.outputs) == 1 and not wiring.names
        kind: Any = Sequential if stack else Model
        model = kind.__new__(kind)
        Layered.__init__(model, name or ("sequential" if stack else "model"), dtype)
        plain = stack_of(len(layers))
        alone = stack and (wiring.nodes, wiring.outputs) == (plain.nodes, plain.outputs)
        model.wiring = None if alone else wiring
        model.hold(tuple(layers))
        return model

    @staticmethod
    def from_run(run: Run) -> Any:
        """The model a run trained, ready to predict or to train on."""
        model = Model.from_plan(run.plan, run.input_shape, run.weights)
        for name in ("epochs", "initial_epoch", "seed", "batch_size", "shuffle", "early_stopping", "reduce_on_plateau",
                     "class_weight", "rows", "validation_rows"):  # fmt: skip
            # These belong to one fit, not to the model.
            model._settings.pop(name)
        model._run = run
        return model

    # -- training ------------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | str | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        *,
        seed: int | None = None,
        doctor: bool | str = True,
    ) -> History:
        """Train; a second call goes on from the weights and the optimizer's memory.

        Args:
            x, y: Arrays, or x an iterator (or list) of batches (x, y[, weight]).
            batch_size: Rows an update, 32 unless given.
            epochs: Passes over the rows; with `initial_epoch`, the number of the last.
            verbose: 0 silent, 1 a live line, 2 a line an epoch, "auto" live on a terminal only.
            callbacks: From jindan.callbacks or your own.
            validation_split: Share of the last rows kept for validation.
            validation_data: (x, y) or (x, y, sample_weight).
            shuffle: Whether each epoch has a new order of rows, or of batches that go by number, as those of a
                `PyDataset`.
            class_weight: {class number: weight}, or "balanced".
            sample_weight: One number a row, for all outputs.
            steps_per_epoch, validation_steps: Batches an epoch, for endless iterators; of validation arrays, the first
                `validation_steps` batches are used.
            seed: Fixes fresh weights, order of rows and noise.
            doctor: Whether the doctor looks on; it warns of what is wrong. "watch" keeps the case in `history.case`
                instead, for `jindan.diagnose`.

        Returns:
            A History: `.history["val_loss"]`, `.findings`, `.seconds`.

        Raises:
            StateError: before `compile`.
            InputError: when data and model do not fit.
        """
        x = self._met(x)
        self._need_compiled()
        fitting.refuse_freq(validation_freq)
        self.stop_training = False
        plan, own = self._plan_to_fit(batch_size, epochs, initial_epoch, callbacks, shuffle, seed)
        steps = fitting.counts(steps_per_epoch, validation_steps, validation_batch_size)
        validation = (validation_split, validation_data)
        order: Any = {"seed": plan.seed if shuffle else None, "start": int(initial_epoch)}
        feed = feeding.feed(x, y, sample_weight, *validation, plan.batch_size, self.ports, *steps, **order)
        plan = fitting.fed(plan, feed, class_weight)
        history = self._train(plan, feed, own, Line(verbose), int(initial_epoch), doctor)
        fitting.tell_monitors(callbacks, history, int(initial_epoch))
        return history

    def _train(self, plan: Plan, feed: feeding.Feed, own: list, line: Line, first: int, doctor: Any) -> History:
        with self.shaped(feed.first.x):
            check_targets(self.network, plan.loss, feed.first.y)
            history = History()
            fitting.warn_frozen(self, doctor)
            start = self._start(plan)
            history.findings = fitting.looked_before(plan, feed.first, doctor, start)
            keeper = fitting.keeper() if doctor else None
            if own or feed.changing:
                run, cut = watching.Watched(self, plan, feed, start, own, line, first).train()
            else:
                listen = line if line.mode else None
                run = train(plan, feed.first, start=start, listen=listen, each_epoch=line.mode == 2, watch=keeper)
                cut = run.interrupted
            settled = fitting.settled(run)
            self._adopt(settled)
            if keeper is not None:
                history.case = fitting.case_of(run, feed.first, start, keeper)
                if doctor != "watch":
                    history.findings, history.case = fitting.looked_after(history.findings, history.case, not cut), None
        history.set_model(self)
        history.set_params(fitting.params(plan, feed, line))
        fitting.record(history, run, plan, own, first)
        for said in fitting.told(settled, first):
            write_line(said)
        line.close(run.epochs, plan.epochs, {name: values[-1] for name, values in history.history.items() if values})
        self.history = history
        if cut:
            raise KeyboardInterrupt
        return history

    def _plan_to_fit(self, batch_size, epochs, initial_epoch, callbacks, shuffle, seed) -> tuple[Plan, list]:
        first = fitting.whole("initial_epoch", initial_epoch, 0)
        changes: dict[str, Any] = {"epochs": max(0, fitting.whole("epochs", epochs, 0) - first), "initial_epoch": first}
        changes["shuffle"] = bool(shuffle)
        changes["batch_size"] = 32 if batch_size is None else fitting.whole("batch_size", batch_size, 1)
        chosen = seed if seed is not None else self._settings.get("seed")
        changes["seed"] = chosen if chosen is not None else draw_seed()
        compiled, rest = fitting.sort_callbacks(callbacks, first)
        return self.plan.replace(**changes, **compiled), rest

    def _start(self, plan: Plan) -> Run | None:
        """Where training goes on from: the last run with the present weights, or weights alone."""
        if self._brought is None:
            self._brought = self._learned_elsewhere()
        if all(shared.arrays is None for shared in self._held):
            return None
        weights = self.ready_weights(plan.seed)  # some layers may have theirs from other models
        if self._run is not None:
            return replace(self._run, weights=weights, interrupted=False)
        return saving.run_of(plan, self._need_shape(), weights)

    def _adopt(self, run: Run) -> None:
        self._run, self._weights = run, run.weights
        # A scheduler of the user's may have moved the rate; as in Keras, it stays moved.
        self._settings["optimizer"] = run.plan.optimizer

    # -- using ---------------------------------------------------------------------------------------------------

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics on rows: a number, a list [loss, metric, …], or a dict by name.

        x may give batches (x, y[, weight]); an endless iterator needs `steps`. Of arrays, the first `steps` batches of
        `batch_size` rows are judged where both are given.
        """
        x = self._met(x)
        self._need_compiled()
        figures = using.judge(self, (x, y, sample_weight), batch_size, steps, callbacks)
        if verbose not in (0, "auto", False):
            write_line(" - ".join(f"{name}: {value:.4f}" for name, value in figures.items()))
        return using.scores(figures, return_dict)

    def _judged(self, x: Any, y: Any, weight: Any, steps: int | None) -> Data:
        """The rows and targets that `evaluate` was given."""
        return feeding.labelled(x, y, weight, steps, "evaluate", self.ports)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = 0, steps: int | None = None, callbacks: Any = None,
    ) -> np.ndarray:  # fmt: skip
        """Outputs (rows, …) for rows of x, or for batches x or (x, …); works before `compile` too.

        With `steps`, for so many batches; of arrays, for the first `steps` of `batch_size` rows where both are given.
        """
        x = self._met(x)
        return self._returned(using.outputs(self, x, batch_size, steps, callbacks))

    def _rows_alone(self, x: Any, steps: int | None) -> Any:
        """The rows that `predict` was given."""
        return feeding.rows_alone(x, steps, self.ports)

    def __call__(self, x: Any, training: bool | None = None) -> Any:
        """Outputs at inference, as `predict`; on values of a graph, the model as a part of it.

        `training=True` computes as in training: dropout and noise are drawn anew at each call, and batches normalised
        by their own moments; the model stays as it is. In a graph, `training=False` runs it as at inference always.
        A model that only augments and prepares rows draws unless `training=False`, as for a pipeline of data.
        """
        need_flag(training, self.name)
        if are_symbols(x):
            outputs = self.as_part([symbol_of(value, self.name) for value in self._meet(x)], training)
            return self._returned(outputs[0] if len(outputs) == 1 else outputs)
        x = self._met(x)
        if training is None and using.augments(self, x):
            return self._returned(using.augmented(self, x))
        return self._returned(using.drawn(self, x)) if training else self.predict(x)

    def generate(
        self, prompt: Any, length: int, temperature: float = 1.0, top_k: int | None = None, seed: int | None = None
    ) -> np.ndarray:
        """Entries that follow a prompt, drawn one by one; see `jindan.engine.generate.generate`."""
        seed = draw_seed() if seed is None else seed
        return generate(self.plan, self._need_shape(), self.ready_weights(), prompt, length, temperature=temperature,
                        top_k=top_k, seed=seed)  # fmt: skip

    def _need_compiled(self) -> None:
        using.need_compiled(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} of {len(self.specs)} layers>"
