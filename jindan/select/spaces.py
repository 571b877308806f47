"""Search spaces: which settings of a plan vary, named by path, and between what."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, UnknownNameError
from ..plan import Plan
from ..spec import to_json

WHOLE = ("optimizer", "loss", "layers", "wiring")  # replaced before settings within them are
POINTS = 5  # of a range in a grid, at most


@dataclass(frozen=True)
class Uniform:
    """A real number, every one as likely.

    >>> Uniform(0.0, 0.5).at(0.5), Uniform(0.0, 0.5).points(3)
    (0.25, [0.0, 0.25, 0.5])
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _ends(self)

    def at(self, share: float) -> float:
        """The value a share (0 … 1) of the way from low to high."""
        return float(self.low + share * (self.high - self.low))

    def points(self, count: int) -> list[Any]:
        """Values spread evenly, both ends among them."""
        return [self.at(share) for share in np.linspace(0, 1, count)]


@dataclass(frozen=True)
class LogUniform:
    """A positive number, every order of magnitude as likely: for rates and penalties.

    >>> [round(value, 6) for value in LogUniform(1e-4, 1e-2).points(3)]
    [0.0001, 0.001, 0.01]
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _ends(self, positive=True)

    def at(self, share: float) -> float:
        """The value a share (0 … 1) of the way from low to high, in orders of magnitude."""
        return float(min(max(self.low * (self.high / self.low) ** share, self.low), self.high))

    def points(self, count: int) -> list[Any]:
        """Values spread evenly over the orders of magnitude, both ends among them."""
        return [self.at(share) for share in np.linspace(0, 1, count)]


@dataclass(frozen=True)
class Integers:
    """A whole number from low to high, both included; `log` makes every order of magnitude as likely.

    >>> Integers(1, 4).at(0.999), Integers(1, 100, log=True).points(3)
    (4, [1, 10, 100])
    """

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _ends(self, positive=self.log, whole=True)

    def at(self, share: float) -> int:
        """The value a share (0 … 1) of the way from low to high."""
        if self.log:
            found = math.exp(math.log(self.low - 0.5) + share * math.log((self.high + 0.5) / (self.low - 0.5)))
        else:
            found = self.low - 0.5 + share * (self.high - self.low + 1)
        return int(min(max(math.floor(found + 0.5), self.low), self.high))

    def points(self, count: int) -> list[Any]:
        """Values spread evenly, both ends among them."""
        spread = np.geomspace if self.log else np.linspace
        return sorted({round(float(value)) for value in spread(self.low, self.high, count)})


@dataclass(frozen=True)
class Choice:
    """One of several values, every one as likely; a list is short for it.

    >>> Choice(("relu", "tanh")).at(0.7)
    'tanh'
    """

    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        if isinstance(self.options, (str, bytes)) or not isinstance(self.options, Sequence) or not len(self.options):
            raise InputError(
                "A choice has no options.", where="space", expected="a list of at least one value",
                received=repr(self.options), help='{"layers.0.units": [16, 32, 64]}',
            )  # fmt: skip
        object.__setattr__(self, "options", tuple(self.options))

    def at(self, share: float) -> Any:
        """The option at a share (0 … 1) of the list."""
        return self.options[min(int(share * len(self.options)), len(self.options) - 1)]

    def points(self, count: int) -> list[Any]:
        """All options."""
        return list(self.options)


Parameter = Uniform | LogUniform | Integers | Choice
KINDS: dict[str, type] = {kind.__name__: kind for kind in (Uniform, LogUniform, Integers, Choice)}


@dataclass(frozen=True)
class Space:
    """What may vary, by path.

    Attributes:
        parameters: Path → Uniform, LogUniform, Integers or Choice.

    >>> space = Space.of({"learning_rate": LogUniform(1e-4, 1e-1), "batch_size": [16, 32]})
    >>> sorted(space.draw(np.random.default_rng(0)))
    ['batch_size', 'learning_rate']
    """

    parameters: dict[str, Parameter]

    @classmethod
    def of(cls, given: Any, plan: Plan | None = None) -> Space:
        """The space given: a dict of parameters by path; a list is a Choice, (low, high) a Uniform (of whole numbers
        Integers).

        Args:
            given: The dict, its JSON form, or a Space.
            plan: Every path is tried on it, at the ends of ranges and with each option.

        Raises:
            UnknownNameError: for a path that leads nowhere, with the nearest one.
            InputError: for values that the plan refuses.
        """
        if isinstance(given, cls):
            given = given.parameters
        if not isinstance(given, Mapping) or not given:
            raise InputError(
                "The search space is empty." if not given else "This is no search space.", where="space",
                expected='{path of the plan: values}, such as {"learning_rate": [0.001, 0.01]}',
                received=repr(given), help="jindan.select.LogUniform(1e-4, 1e-1) is a range.",
            )  # fmt: skip
        space = cls({str(path): _parameter(str(path), value) for path, value in given.items()})
        if plan is not None:
            space.check(plan)
        return space

    def check(self, plan: Plan) -> None:
        """Try every path on a plan; raises as `Plan.edit` does."""
        for path in in_order(self.parameters):
            parameter = self.parameters[path]
            ends = parameter.options if isinstance(parameter, Choice) else (parameter.low, parameter.high)
            for value in ends[::-1]:
                tried = edited(plan, {path: value})
            plan = tried

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """A value for each path, by chance."""
        return {path: parameter.at(float(rng.random())) for path, parameter in self.parameters.items()}

    def products(self, most: int) -> list[dict[str, Any]]:
        """Every combination; ranges are cut into as many points (2 … 5) as keep their number within `most`.

        >>> Space.of({"l2": Uniform(0.0, 1.0), "batch_size": [16, 32]}).products(6)[1]
        {'l2': 0.0, 'batch_size': 32}
        """
        for points in range(POINTS, 1, -1):
            values = [parameter.points(points) for parameter in self.parameters.values()]
            if math.prod(map(len, values)) <= most:
                break
        return [dict(zip(self.parameters, found, strict=True)) for found in itertools.product(*values)]

    def to_dict(self) -> dict[str, Any]:
        """JSON form; `of` reads it."""
        found: dict[str, Any] = {}
        for path, parameter in self.parameters.items():
            if isinstance(parameter, Choice):
                found[path] = [plain(option) for option in parameter.options]
            else:
                found[path] = {"type": type(parameter).__name__, **vars(parameter)}
        return found


def in_order(paths: Any) -> list[str]:
    """Paths in the order of edits: what replaces a whole part comes before what changes something within it."""
    return sorted(paths, key=lambda path: (path not in WHOLE, path.count(".") > 1 or not path.startswith("layers.")))


def edited(plan: Plan, values: Mapping[str, Any]) -> Plan:
    """The plan with values put in by path.

    Raises:
        UnknownNameError: for a path that leads nowhere.
    """
    for path in in_order(values):
        before = plan.value(path)
        try:
            plan = plan.edit({path: values[path]})
        except InputError as error:
            if isinstance(error, UnknownNameError) or path in str(error.where):
                raise
            raise InputError(
                error.what, where=f"space, {path} ({before} in the plan)", expected=error.expected,
                received=error.received, help=error.help,
            ) from None  # fmt: skip
    return plan


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else to_json(value)


def _parameter(path: str, given: Any) -> Parameter:
    if isinstance(given, Parameter):
        return given
    if isinstance(given, Mapping) and "type" in given:
        body = dict(given)
        kind = body.pop("type")
        if kind not in KINDS:
            raise UnknownNameError("kind of range", kind, KINDS, where=f"space, {path}")
        try:
            return KINDS[kind](**body)
        except TypeError as error:
            raise InputError(
                "A range cannot be read.", where=f"space, {path}", expected='{"type": "Uniform", "low": 0, "high": 1}',
                received=str(error).split("() ")[-1], help="Give low and high.",
            ) from None  # fmt: skip
    if isinstance(given, tuple) and len(given) == 2 and all(_is_number(end) for end in given):
        return Integers(*given) if all(isinstance(end, (int, np.integer)) for end in given) else Uniform(*given)
    if isinstance(given, (list, np.ndarray)):
        return Choice(tuple(given.tolist() if isinstance(given, np.ndarray) else given))
    raise InputError(
        "Values to search among cannot be read.", where=f"space, {path}",
        expected="a list of values, (low, high), Uniform, LogUniform, Integers or Choice", received=repr(given),
        help="[16, 32, 64] tries three values; jindan.select.LogUniform(1e-4, 1e-1) draws from a range.",
    )  # fmt: skip


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _ends(of: Any, positive: bool = False, whole: bool = False) -> None:
    kind = type(of).__name__
    wanted = f"low <= high{', both > 0' if positive else ''}{', whole numbers' if whole else ', finite'}"
    ends = (of.low, of.high)
    right = all(_is_number(end) and math.isfinite(end) for end in ends) and of.low <= of.high
    right = right and not (positive and of.low <= 0) and not (whole and any(end != int(end) for end in ends))
    if not right:
        raise InputError(
            "A range has no such ends.", where=kind, expected=wanted, received=f"low={of.low!r}, high={of.high!r}",
            help=f"{kind}(1, 10) for instance.",
        )  # fmt: skip
