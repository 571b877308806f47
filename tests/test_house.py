"""The house: imports go one way, files are short and say what they are, and nothing is pickled."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "jindan"

# Top to bottom: a room may import from rooms above it and from itself.
FLOORS = (
    ("errors", "lazy"),
    ("closures", "rules", "utils"),
    ("spec",),
    ("keras_style",),
    (
        "activations", "losses", "metric_base", "metric_state", "metrics", "initializers", "regularizers",
        "constraints", "schedules", "optimizers", "callbacks", "joint", "confusion",
    ),
    ("ops",),
    ("layers",),
    ("data",),
    ("plan",),
    ("engine",),
    ("models",),
    ("select",),
    ("doctor",),
    ("report",),
    ("runs",),
    ("estimators",),
    ("cli",),
    ("__main__",),
)  # fmt: skip
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
# Tighter than the floors: these may import these rooms only, besides themselves.
ONLY = {
    "doctor.words": {"errors", "lazy"},
    "ops": {"errors", "activations", "ops"},
    "data": {"errors", "lazy", "rules", "spec", "utils", "data"},
    # The building blocks know one another a little: constraints use the losses' ε, metrics are made of losses.
    "losses": {"errors", "lazy", "rules", "spec", "closures", "keras_style", "losses"},
    "activations": {"errors", "lazy", "rules", "spec", "activations"},
    "initializers": {"errors", "lazy", "rules", "spec"},
    "schedules": {"errors", "lazy", "rules", "spec"},
}
FILES = sorted(PACKAGE.rglob("*.py"))
IDS = [str(path.relative_to(PACKAGE)) for path in FILES]


def module_name(path: Path) -> list[str]:
    """jindan/engine/loop.py → ["engine", "loop"]; a package is named by its folder."""
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" else parts


def at_module_level(tree: ast.Module):
    """Import statements that run when the module is imported; those under TYPE_CHECKING do not."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(node))


def imported(path: Path, node: ast.Import | ast.ImportFrom) -> list[list[str]]:
    """What an import names within the package, as paths from its root."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[1:] for alias in node.names if alias.name.split(".")[0] == "jindan"]
    if node.level == 0:
        base = (node.module or "").split(".")
        if base[0] != "jindan":
            return []
        base = base[1:]
    else:
        package = module_name(path) if path.name == "__init__.py" else module_name(path)[:-1]
        base = package[: len(package) - (node.level - 1)] + (node.module.split(".") if node.module else [])
    return [base] if base else [[alias.name] for alias in node.names]


def trespasses(path: Path, text: str | None = None) -> list[str]:
    """The imports of a file that go up the stairs."""
    name = module_name(path)
    if not name:
        return []  # the list of public names
    found = []
    room, tight = name[0], next((ONLY[key] for key in (".".join(name[:2]), name[0]) if key in ONLY), None)
    for node in at_module_level(ast.parse(path.read_text("utf-8") if text is None else text)):
        for target in imported(path, node):
            if not target or target[0] == "__version__" or target[:2] == name[:2]:
                continue
            if tight is not None:
                allowed = target[0] in tight
            else:
                allowed = target[0] == room or LEVEL.get(target[0], 99) <= LEVEL.get(room, -1)
            if allowed:
                continue
            found.append(f"{'.'.join(name)} imports {'.'.join(target)} (line {node.lineno})")
    return found


def test_every_room_has_its_floor():
    rooms = {module_name(path)[0] for path in FILES if module_name(path)}
    assert rooms <= set(LEVEL), "a room has no place in the order of imports"


def test_the_table_of_the_house_is_the_order_of_imports():
    text = (PACKAGE.parent / "docs" / "house.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    found = [set(re.findall(r"`(\w+)(?:\.py|/)`", row)) for row in rows]
    assert found == [set(floor) for floor in FLOORS if floor != ("__main__",)]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_imports_go_one_way(path):
    assert trespasses(path) == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("spec.py", "from .plan import Plan"),
        ("data/x.py", "from ..layers import Dense"),
        ("data/x.py", "import jindan.engine.train"),
        ("doctor/words/x.py", "from ..checks import y"),
        ("doctor/words/x.py", "from ...spec import Spec"),
        ("engine/x.py", "from .. import models"),
        ("layers/x.py", "try:\n    from ..plan import Plan\nexcept ImportError: pass"),
        ("losses.py", "class A:\n    from .metrics import AUC"),
    ],
)
def test_the_guard_sees_a_trespass(file, text):
    assert len(trespasses(PACKAGE / file, text)) == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("plan.py", "from .layers import Dense\nfrom . import losses"),
        ("spec.py", "def f():\n    from .plan import Plan"),
        ("spec.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .plan import Plan"),
        ("engine/x.py", "from . import shuffle\nfrom .run import Run\nimport numpy"),
        ("doctor/words/x.py", "from ...errors import InputError\nfrom .names import y"),
    ],
)
def test_the_guard_lets_pass_what_is_allowed(file, text):
    assert trespasses(PACKAGE / file, text) == []


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_module_says_what_it_is(path):
    text = path.read_text("utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "no docstring"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_files_stay_short(path):
    assert len(path.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_nothing_is_pickled(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
            assert not {name.split(".")[0] for name in names} & {"pickle", "cPickle", "dill", "joblib", "shelve"}
