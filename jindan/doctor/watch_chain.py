"""The chain of steps that a module of PyTorch is: read off a Sequential, or by tracing its forward method.

A module of the user's own that computes what one of PyTorch's does is known by an attribute, which names that class:
`jindan_module = "BatchNorm1d"`. PyTorch is imported inside functions only: jindan does without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .watch_notes import Note, said

PLAIN = ("inplace", "training", "_stacklevel", "dtype", "return_indices")  # arguments that change no output here
RECURRENT = ("LSTM", "GRU", "RNN")
# Functions and methods → the module that does the same.
MODULES = {
    "relu": "ReLU", "relu_": "ReLU", "relu6": "ReLU6", "leaky_relu": "LeakyReLU", "elu": "ELU", "selu": "SELU",
    "celu": "CELU", "gelu": "GELU", "silu": "SiLU", "mish": "Mish", "sigmoid": "Sigmoid", "sigmoid_": "Sigmoid",
    "logsigmoid": "LogSigmoid", "tanh": "Tanh", "tanh_": "Tanh", "softplus": "Softplus", "softsign": "Softsign",
    "hardtanh": "Hardtanh", "hardsigmoid": "Hardsigmoid", "hardswish": "Hardswish", "softmax": "Softmax",
    "log_softmax": "LogSoftmax", "dropout": "Dropout", "dropout1d": "Dropout1d", "dropout2d": "Dropout2d",
    "max_pool1d": "MaxPool1d", "max_pool2d": "MaxPool2d", "avg_pool1d": "AvgPool1d", "avg_pool2d": "AvgPool2d",
    "adaptive_avg_pool1d": "AdaptiveAvgPool1d", "adaptive_avg_pool2d": "AdaptiveAvgPool2d",
    "adaptive_max_pool1d": "AdaptiveMaxPool1d", "adaptive_max_pool2d": "AdaptiveMaxPool2d",
}  # fmt: skip
SAME = ("contiguous", "clone", "float", "to")


class NoCounterpart(Exception):
    """A module that cannot be said in jindan's layers.

    Args:
        key, **values: Of the note that tells why.
    """

    def __init__(self, key: str, **values: Any) -> None:
        self.note = Note(key, values)
        super().__init__(str(self.note))


@dataclass(frozen=True)
class Step:
    """One thing a network does to what it is given.

    Attributes:
        kind: The class of a module of PyTorch, or "flatten", "reshape", "mean", "max", "swap", "squeeze", "last".
        module: That module, or None.
        path: Its name in the whole module; "" where it has none.
        argument: What else the step needs: a shape, axes.
    """

    kind: str
    module: Any = None
    path: str = ""
    argument: Any = None


def chain_of(module: Any, path: str = "") -> list[Step]:
    """The steps of a module, from input to output.

    Args:
        module: A torch.nn.Module; it is traced where it is no stack, which runs its forward method with stand-ins.
        path: Its name in the whole module.

    Raises:
        NoCounterpart: where it is no chain of known modules and functions.
    """
    from torch import nn

    if type(module).forward is nn.Sequential.forward:
        # named_children would leave out a module that stands in two places.
        inner = ((f"{path}.{name}".strip("."), child) for name, child in module._modules.items())
        return [step for name, child in inner for step in chain_of(child, name)]
    kind = known_kind(module)
    if kind is not None:
        return [Step(kind, module, path)]
    return list(_Traced(module, path).steps())


def known_kind(module: Any) -> str | None:
    """The class of PyTorch's whose forward method a module has, or None for one with a method of the user's."""
    named = getattr(module, "jindan_module", None)
    if named is not None:
        return str(named)
    kind: Any
    for kind in type(module).__mro__:
        if kind.__module__.startswith("torch.nn.modules") and kind.__name__ != "Module":
            return kind.__name__ if kind.forward is type(module).forward else None
    return None


class _Traced:
    """A module's forward method as a chain."""

    def __init__(self, module: Any, path: str) -> None:
        from torch import fx

        class Tracer(fx.Tracer):
            def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
                return known_kind(m) is not None or super().is_leaf_module(m, module_qualified_name)

        self.path = path
        try:
            graph = Tracer().trace(module)
        except Exception as error:  # the forward method is the user's, and may do anything
            where = f"{type(module).__name__} {path}".strip()
            raise NoCounterpart("untraced", name=where, said=said(error)) from None
        self.root, self.nodes = module, list(graph.nodes)
        self.current: Any = None
        self.sizes: set[Any] = set()  # nodes that are lengths of axes
        self.recurrent: dict[Any, tuple[str, ...]] = {}  # nodes that are parts of what a recurrent module gives

    def steps(self) -> Iterator[Step]:
        for node in self.nodes:
            if node.op == "placeholder":
                if self.current is None:
                    self.current = node
                elif node.users:
                    raise NoCounterpart("several-inputs", name=node.name)
            elif node.op == "get_attr":
                raise NoCounterpart("own-array", name=node.target)
            elif node.op == "output":
                if node.args[0] is not self.current and node.args[0] not in self.recurrent:
                    raise NoCounterpart("other-end")
                if node.args[0] in self.recurrent:
                    raise NoCounterpart("tuple-given")
            elif not self._size(node):
                yield from self._step(node)

    def _size(self, node: Any) -> bool:
        """Whether a node is a length of an axis."""
        name, args = _name(node), node.args
        of_size = bool(args) and any(args[0] is found for found in self.sizes)
        if name == "size" or (name == "getattr" and args[1:2] == ("shape",)) or of_size:
            self.sizes.add(node)
            return True
        return False

    def _step(self, node: Any) -> Iterator[Step]:
        name = _name(node)
        if name in ("getitem", "squeeze") and node.args[0] in self.recurrent:
            yield from self._part(node, node.args[1] if name == "getitem" else -1)
            return
        inputs = [found for found in node.all_input_nodes if found not in self.sizes]
        if inputs != [self.current]:
            raise NoCounterpart("no-chain", name=name)
        if node.op == "call_module":
            module = self.root.get_submodule(node.target)
            found = chain_of(module, f"{self.path}.{node.target}".strip("."))
            yield from found
            if found and found[-1].kind in RECURRENT:
                self.recurrent[node] = (found[-1].kind,)
                return
        else:
            yield from self._function(node, name)
        self.current = node

    def _part(self, node: Any, key: Any) -> Iterator[Step]:
        """What is taken of a recurrent module's (outputs, state): all outputs, the last one, or the last state."""
        taken = self.recurrent[node.args[0]]
        if taken[-1] == "outputs":  # an index into them
            if not _last_step(key):
                raise NoCounterpart("part-of-outputs")
            yield Step("last")
            self.current = node
        elif len(taken) == 1 and key == 0:
            self.recurrent[node] = (*taken, "outputs")
            self.current = node
            used = list(node.users)
            if not (len(used) == 1 and _name(used[0]) == "getitem"):
                del self.recurrent[node]  # all steps go on
        elif len(taken) == 1 and key == 1:
            self.recurrent[node] = (*taken, "hidden" if taken[0] != "LSTM" else "states")
        elif taken[-1] == "states" and key == 0:
            self.recurrent[node] = (*taken, "hidden")
        elif taken[-1] == "hidden" and key in (0, -1):  # of one layer; of several, the outputs tell
            yield Step("last")
            self.current = node
        elif node.users:
            raise NoCounterpart("state-used")
        else:
            self.recurrent[node] = (*taken, "unused")

    def _function(self, node: Any, name: str) -> Iterator[Step]:
        from torch import nn

        args, named = list(node.args[1:]), {k: v for k, v in node.kwargs.items() if k not in PLAIN}
        if name in MODULES:
            if name.startswith("dropout"):
                args = args[:1]
            try:
                module = getattr(nn, MODULES[name])(*args, **named)
            except (TypeError, ValueError):
                raise NoCounterpart("called-otherwise", name=name) from None
            yield Step(MODULES[name], module)
        elif name in ("flatten", "view", "reshape"):
            yield self._shaped(name, args, named)
        elif name in ("mean", "amax"):
            axes = named.get("dim", args[0] if args else None)
            yield Step("mean" if name == "mean" else "max", argument=(axes,) if isinstance(axes, int) else axes)
        elif name in ("transpose", "permute", "swapaxes"):
            yield Step("swap", argument=(name, _flat(args)))
        elif name == "squeeze":
            yield Step("squeeze", argument=named.get("dim", args[0] if args else -1))
        elif name == "exp":
            yield Step("exp")
        elif name == "getitem" and _last_step(node.args[1]):
            yield Step("last")
        elif name not in SAME:
            raise NoCounterpart("no-layer", name=name)

    def _shaped(self, name: str, args: list[Any], named: dict[str, Any]) -> Step:
        if name == "flatten":
            ends = (named.get("start_dim", args[0] if args else 0), named.get("end_dim", (*args, -1, -1)[1]))
            if ends != (1, -1):
                raise NoCounterpart("flatten-axes", name=f"flatten{ends}")
            return Step("flatten")
        shape = _flat(args or list(named.values()))
        if any(axis in self.sizes for axis in shape[1:]) or not (shape[0] in self.sizes or shape[0] == -1):
            raise NoCounterpart("rows-changed", name=name)
        return Step("flatten") if len(shape) == 2 else Step("reshape", argument=tuple(shape[1:]))


def _name(node: Any) -> str:
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))


def _flat(args: Any) -> list[Any]:
    return list(args[0]) if len(args) == 1 and isinstance(args[0], (list, tuple)) else list(args)


def _last_step(key: Any) -> bool:
    """Whether an index is [:, -1] or [:, -1, :]."""
    whole = slice(None, None, None)
    return isinstance(key, tuple) and key[:2] == (whole, -1) and all(part == whole for part in key[2:])
