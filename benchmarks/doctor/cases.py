"""The shared trainings, faulty and sound, as jindan models; `python -m benchmarks.doctor.cases` trains each once.

Keras 3's defaults are jindan's, so a case needs no translation but of its names.
"""

from __future__ import annotations

import json
import re
import sys
import time
from typing import Any

import numpy as np

from ..common import ROOT, Skip

FOLDER = ROOT.parent / "shared" / "doctor-cases"
GROUPS = ("so", "tdc", "at", "ok", "dz")
PARTS = ("x_train", "y_train", "x_test", "y_test")
# The posted program had no test set of its own where its test rows are, or repeat, the training rows.
NO_TEST_SET = re.compile(r"test rows (are|repeat) (the )?training rows")
# Far from the recorded score: further than seeds of small test sets differ.
OUTLIER = 0.1

Case = dict[str, Any]


def load_cases(only: str | None = None) -> list[Case]:
    """The cases as dicts.

    Args:
        only: Ids, groups ("so tdc at ok dz"), "faulty" or "sound", separated by commas; None is all.

    Raises:
        Skip: where the shared folder is missing, or nothing goes by a name in `only`.
    """
    try:
        cases = json.loads((FOLDER / "cases.json").read_text("utf-8"))
    except OSError:
        raise Skip("the trainings in ../shared/doctor-cases are missing") from None
    return chosen(cases, only)


def chosen(cases: list[Case], only: str | None) -> list[Case]:
    """Those of the cases that `only` names; see `load_cases`."""
    if not only:
        return cases
    wanted = {name.strip() for name in only.split(",") if name.strip()}
    names = {case["id"]: {case["id"], group_of(case), "faulty" if case["faults"] else "sound"} for case in cases}
    unknown = wanted - set().union(*names.values())
    if unknown:
        raise Skip(f"no case or group is called {', '.join(sorted(unknown))}")
    return [case for case in cases if names[case["id"]] & wanted]


def group_of(case: Case) -> str:
    """The source's short name."""
    return case["id"].split("-", 1)[0]


def has_no_test_set(case: Case) -> bool:
    """Whether the note says that the test rows are, or repeat, the training rows."""
    return NO_TEST_SET.search(case.get("note", "")) is not None


def arrays_of(case: Case) -> dict[str, np.ndarray]:
    """`x_train`, `y_train`, `x_test`, `y_test`, float32."""
    if "made" in case:
        from . import ordinary

        return ordinary.arrays(case["made"])
    with np.load(FOLDER / case["data"]) as found:
        return {name: found[name] for name in PARTS}


def fit_arguments(case: Case) -> dict[str, Any]:
    """What `fit` and `diagnose` are told beside the arrays."""
    found = {name: case[name] for name in ("epochs", "batch_size", "shuffle")}
    if case.get("class_weight"):
        found["class_weight"] = {int(label): weight for label, weight in case["class_weight"].items()}
    return found


def model_of(case: Case, metrics: Any = None) -> Any:
    """The compiled model; its weights are drawn when it is fitted, from the seed of the fit."""
    from jindan.models import Sequential

    model = Sequential([layer_of(layer) for layer in case["layers"]])
    model.compile(optimizer=optimizer_of(case), loss=case["loss"], metrics=metrics)
    return model


def layer_of(given: dict[str, Any]) -> Any:
    """One layer: its class by name, initialisers by name or with their arguments, `l2` as the kernel's penalty."""
    from jindan import initializers, layers, regularizers

    settings = {name: value for name, value in given.items() if name not in ("type", "l2")}
    for name, value in settings.items():
        if name.endswith("_initializer") and isinstance(value, dict):
            rest = {key: entry for key, entry in value.items() if key != "name"}
            settings[name] = getattr(initializers, value["name"])(**rest)
        elif isinstance(value, list):
            settings[name] = tuple(value)
    if given.get("l2"):
        settings["kernel_regularizer"] = regularizers.L2(given["l2"])
    return getattr(layers, given["type"])(**settings)


def optimizer_of(case: Case) -> Any:
    """The optimizer, with what differs from the defaults."""
    from jindan import optimizers

    given = case["optimizer"]
    return getattr(optimizers, given["name"])(**{name: value for name, value in given.items() if name != "name"})


def train(case: Case, seed: int) -> tuple[Any, float]:
    """The model trained as given, and its score on the test rows."""
    from .scoring import score

    arrays, model = arrays_of(case), model_of(case)
    model.fit(arrays["x_train"], arrays["y_train"], seed=seed, verbose=0, doctor=False, **fit_arguments(case))
    return model, score(case, arrays["y_test"], model.predict(arrays["x_test"]))


def main() -> int:
    """Train every case once and compare with the recorded scores, to see that they mean the same here."""
    outliers = []
    for case in load_cases(sys.argv[1] if len(sys.argv) > 1 else None):
        began = time.perf_counter()
        _, found = train(case, 0)
        far = abs(found - case["score_buggy"]) > OUTLIER
        outliers += [case["id"]] * far
        seconds = time.perf_counter() - began
        print(f"{case['id']:28s} recorded {case['score_buggy']:.4f}  here {found:.4f}  {seconds:4.1f} s{' !' * far}")
    print(f"further than {OUTLIER} apart: {', '.join(outliers) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
