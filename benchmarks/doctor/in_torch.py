"""The shared trainings as modules and loops of PyTorch, to see the doctor watch them: Keras's definitions re-expressed.

The doctor knows the losses here by what it tells everybody: a loss of one's own has the attributes `jindan_loss`, the
name of the loss in Keras, and `jindan_class_weight`, where rows are weighed by class.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import nn

from .cases import Case

TINY = 1e-7  # Keras's ε, to which it clips probabilities too
ACTIVATIONS: dict[str, Any] = {
    "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "elu": nn.ELU, "selu": nn.SELU, "gelu": nn.GELU,
    "silu": nn.SiLU, "swish": nn.SiLU, "softplus": nn.Softplus, "softsign": nn.Softsign, "mish": nn.Mish,
    "relu6": nn.ReLU6, "leaky_relu": lambda: nn.LeakyReLU(0.2), "softmax": lambda: nn.Softmax(dim=-1),
}  # fmt: skip
SCALINGS = {  # (scale, mode, distribution) of Keras's VarianceScaling
    "glorot_uniform": (1.0, "fan_avg", "uniform"), "glorot_normal": (1.0, "fan_avg", "truncated_normal"),
    "he_uniform": (2.0, "fan_in", "uniform"), "he_normal": (2.0, "fan_in", "truncated_normal"),
    "lecun_uniform": (1.0, "fan_in", "uniform"), "lecun_normal": (1.0, "fan_in", "truncated_normal"),
}  # fmt: skip


class Exponential(nn.Module):
    """e^z."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.exp(z)


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation that takes a batch of one row, too, as Keras's does; PyTorch's refuses it."""

    jindan_module = "BatchNorm1d"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        own = (self.weight, self.bias, self.running_mean, self.running_var)
        return torch.batch_norm(x, *own, self.training, self.momentum, self.eps, False)  # type: ignore[arg-type]


class KerasLoss(nn.Module):
    """A loss as Keras computes it from the outputs.

    Args:
        name: Its name there.
        class_weight: {class: weight} of rows; the mean is over rows, not over weights.
    """

    def __init__(self, name: str, class_weight: dict[int, float] | None = None) -> None:
        super().__init__()
        self.jindan_loss = name
        self.jindan_class_weight = class_weight

    def forward(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        rows = ROWS[self.jindan_loss](outputs, y)
        if self.jindan_class_weight:
            classes = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(-1).long()
            weights = torch.ones_like(rows)
            for label, weight in self.jindan_class_weight.items():
                weights[classes == label] = weight
            rows = rows * weights
        return rows.mean()


def _binary(p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    p = p.clip(TINY, 1 - TINY)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean(-1)


def _categorical(p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    p = p / p.sum(-1, keepdim=True)
    return -(y * torch.log(p.clip(TINY, 1 - TINY))).sum(-1)


def _sparse(p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return _categorical(p, nn.functional.one_hot(y.reshape(-1).long(), p.shape[-1]).to(p.dtype))


ROWS = {
    "mse": lambda outputs, y: ((outputs - y) ** 2).mean(-1), "mae": lambda outputs, y: (outputs - y).abs().mean(-1),
    "binary_crossentropy": _binary, "categorical_crossentropy": _categorical,
    "sparse_categorical_crossentropy": _sparse,
}  # fmt: skip
ROWS |= {"mean_squared_error": ROWS["mse"], "mean_absolute_error": ROWS["mae"]}


# -- the module --------------------------------------------------------------------------------------------------


def module_of(case: Case, input_shape: tuple[int, ...]) -> tuple[nn.Module, nn.Module, torch.optim.Optimizer]:
    """(module, loss, optimizer) of a case, the weights drawn by PyTorch's generator as it stands.

    Args:
        case: A case of the shared file.
        input_shape: Shape of one row, channels last.
    """
    shape = tuple(input_shape)
    made: list[nn.Module] = []
    decays: dict[Any, float] = {}
    for given in case["layers"]:
        inner, shape = _layer(given, shape)
        made += inner
        if given.get("l2"):  # λ Σ w² is PyTorch's weight decay of 2 λ on the kernel
            decays[inner[0].weight] = 2 * float(given["l2"])
        if given.get("trainable") is False:
            for module in inner:
                module.requires_grad_(False)
    module = nn.Sequential(*made)
    weights = case.get("class_weight")
    class_weight = {int(label): float(weight) for label, weight in weights.items()} if weights else None
    return module, KerasLoss(case["loss"], class_weight), optimizer_of(case, module, decays)


def _layer(given: dict[str, Any], shape: tuple[int, ...]) -> tuple[list[nn.Module], tuple[int, ...]]:
    """The modules of a layer, and the shape of a row (channels last) they give."""
    kind = given["type"]
    if kind == "Dense":
        layer: nn.Module = nn.Linear(shape[-1], given["units"])
        _fill(layer, given)
        return [layer, *_activation(given)], (*shape[:-1], given["units"])
    if kind == "Conv2D":
        size = _two(given["kernel_size"])
        stride = _two(given.get("strides", 1))
        same = given.get("padding", "valid") == "same"
        layer = nn.Conv2d(shape[-1], given["filters"], size, stride, padding="same" if same else 0)
        _fill(layer, given)
        space = tuple(s if same else (s - k) // d + 1 for s, k, d in zip(shape, size, stride, strict=False))
        return [layer, *_activation(given)], (*space, given["filters"])
    if kind == "MaxPooling2D":
        size = _two(given.get("pool_size", 2))
        return [nn.MaxPool2d(size)], (*(s // k for s, k in zip(shape, size, strict=False)), shape[-1])
    if kind == "BatchNormalization":
        make = BatchNorm if len(shape) == 1 else nn.BatchNorm2d
        return [make(shape[-1], eps=1e-3, momentum=1 - given.get("momentum", 0.99))], shape
    if kind == "Dropout":
        return [nn.Dropout(given["rate"])], shape
    if kind == "Flatten":
        return [nn.Flatten()], (math.prod(shape),)
    if kind == "Activation":
        return _activation(given), shape
    raise ValueError(f"no {kind} in PyTorch here")


def _two(value: Any) -> tuple[int, int]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)  # type: ignore[return-value]


def _activation(given: dict[str, Any]) -> list[nn.Module]:
    name = given.get("activation")
    if name in (None, "linear"):
        return []
    return [Exponential() if name == "exponential" else ACTIVATIONS[name]()]


@torch.no_grad()
def _fill(layer: Any, given: dict[str, Any]) -> None:
    """Kernel and bias drawn as Keras draws them."""
    rule = given.get("kernel_initializer") or "glorot_uniform"
    draw(layer.weight, rule)
    draw(layer.bias, given.get("bias_initializer") or "zeros")


def draw(tensor: torch.Tensor, rule: Any) -> None:
    """Fill a tensor (out, in, …) by an initialiser of Keras, given by name or with its arguments."""
    name, given = (rule, {}) if isinstance(rule, str) else (rule["name"], rule)
    if name in SCALINGS or name == "VarianceScaling":
        scale, mode, kind = SCALINGS.get(name) or (given.get("scale", 1.0), given.get("mode", "fan_in"),
                                                   given.get("distribution", "truncated_normal"))  # fmt: skip
        space = math.prod(tensor.shape[2:])
        fan_in, fan_out = tensor.shape[1] * space, tensor.shape[0] * space
        variance = scale / {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
        if kind == "uniform":
            tensor.uniform_(-math.sqrt(3 * variance), math.sqrt(3 * variance))
        else:  # cut at two deviations, which leaves 0.8796 of the spread
            spread = math.sqrt(variance) / (0.87962566103423978 if kind == "truncated_normal" else 1)
            cut = 2 * spread if kind == "truncated_normal" else math.inf
            nn.init.trunc_normal_(tensor, 0.0, spread, -cut, cut)
    elif name in ("RandomUniform", "random_uniform"):
        tensor.uniform_(given.get("minval", -0.05), given.get("maxval", 0.05))
    elif name in ("RandomNormal", "random_normal"):
        tensor.normal_(given.get("mean", 0.0), given.get("stddev", 0.05))
    elif name in ("zeros", "Zeros", "ones", "Ones", "Constant"):
        tensor.fill_({"zeros": 0.0, "ones": 1.0}.get(name.lower(), given.get("value", 0.0)))
    else:
        raise ValueError(f"no initialiser {name} in PyTorch here")


def optimizer_of(case: Case, module: nn.Module, decays: dict[Any, float]) -> torch.optim.Optimizer:
    """The optimizer; Keras's ε under a root is √ε beside it."""
    given = case["optimizer"]
    name, root = given["name"], math.sqrt(TINY)
    rest = [p for p in module.parameters() if p not in set(decays)]
    groups: list[dict[str, Any]] = [{"params": rest}] if rest else []
    groups += [{"params": [p], "weight_decay": decay} for p, decay in decays.items()]
    rate = given.get("learning_rate", 0.01 if name == "SGD" else 0.001)
    betas = (given.get("beta_1", 0.9), given.get("beta_2", 0.999))
    if name == "SGD":
        moving = {"momentum": given.get("momentum", 0.0), "nesterov": given.get("nesterov", False)}
        return torch.optim.SGD(groups, lr=rate, **moving)
    if name == "RMSprop":
        return torch.optim.RMSprop(groups, lr=rate, alpha=given.get("rho", 0.9), eps=root)
    if name == "Adagrad":
        start = given.get("initial_accumulator_value", 0.1)
        return torch.optim.Adagrad(groups, lr=rate, initial_accumulator_value=start, eps=root)
    if name == "Nadam":
        return torch.optim.NAdam(groups, lr=rate, betas=betas, eps=TINY, momentum_decay=1.0)
    if name == "AdamW":
        return torch.optim.AdamW(groups, lr=rate, betas=betas, eps=TINY, weight_decay=given.get("weight_decay", 0.004))
    if name == "Adam":
        return torch.optim.Adam(groups, lr=rate, betas=betas, eps=TINY)
    raise ValueError(f"no optimizer {name} in PyTorch here")


# -- the loop ----------------------------------------------------------------------------------------------------


def as_torch(x: np.ndarray) -> torch.Tensor:
    """Rows as PyTorch takes them: channels of images first."""
    return torch.as_tensor(np.ascontiguousarray(np.moveaxis(x, -1, 1) if x.ndim == 4 else x))


def train_in_torch(case: Case, arrays: dict[str, np.ndarray], seed: int, watch: Any = None) -> Any:
    """A case trained by a loop of PyTorch.

    Args:
        case: A case of the shared file.
        arrays: `x_train`, `y_train`, `x_test`, `y_test`.
        seed: Of weights, order of rows and dropout.
        watch: `jindan.doctor.watch`, or None to train unwatched.

    Returns:
        What `watch` gave, after the loop; or the module.
    """
    torch.manual_seed(seed)
    x, y = as_torch(arrays["x_train"]), torch.as_tensor(arrays["y_train"])
    module, loss_fn, optimizer = module_of(case, arrays["x_train"].shape[1:])
    if watch is None:
        _loop(case, module, loss_fn, optimizer, x, y)
        return module
    held = (as_torch(arrays["x_test"]), torch.as_tensor(arrays["y_test"]))
    with watch(module, optimizer, loss_fn, data=(x, y), validation_data=held) as watched:
        _loop(case, module, loss_fn, optimizer, x, y)
    return watched


def _loop(case: Case, module: nn.Module, loss_fn: nn.Module, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> None:
    size = case["batch_size"]
    module.train()
    for _ in range(case["epochs"]):
        order = torch.randperm(len(x)) if case["shuffle"] else torch.arange(len(x))
        for start in range(0, len(x), size):
            rows = order[start : start + size]
            optimizer.zero_grad()
            loss_fn(module(x[rows]), y[rows]).backward()
            optimizer.step()


def predict(module: nn.Module, x: np.ndarray) -> np.ndarray:
    """Outputs at inference."""
    with torch.no_grad():
        return module.eval()(as_torch(x)).numpy()
