"""Writes docs/reference/ and docs/findings/; `--check` says whether they are up to date."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from docs import findings

FOLDER = Path(__file__).parent / "reference"
ROOMS = {
    "jindan": "The names at the top",
    "jindan.models": "Models",
    "jindan.layers": "Layers",
    "jindan.activations": "Activations",
    "jindan.losses": "Losses",
    "jindan.metrics": "Metrics",
    "jindan.optimizers": "Optimizers",
    "jindan.schedules": "Learning-rate schedules",
    "jindan.initializers": "Initialisers",
    "jindan.regularizers": "Penalties",
    "jindan.constraints": "Constraints",
    "jindan.callbacks": "Callbacks",
    "jindan.data": "Tables, splits, preprocessing",
    "jindan.select": "Scores and baselines",
    "jindan.estimators": "scikit-learn classes",
    "jindan.doctor": "The doctor",
    "jindan.doctor.words": "Words",
    "jindan.utils": "Helpers",
    "jindan.errors": "Errors",
}


def public(room: str) -> list[tuple[str, Any]]:
    """The public classes and functions of a room, in the order they stand there."""
    module = importlib.import_module(room)
    names = getattr(module, "__all__", None)
    if names is None:
        found = [
            (name, value)
            for name, value in vars(module).items()
            if not name.startswith("_")
            and (inspect.isclass(value) or inspect.isfunction(value))
            and value.__module__ == room
        ]
    else:
        found = [(name, getattr(module, name)) for name in names]
    return [(n, v) for n, v in found if inspect.isclass(v) or inspect.isfunction(v)]


def page(room: str, title: str) -> str:
    """One room's page."""
    module = importlib.import_module(room)
    lines = [f"# {title}", "", f"`{room}` – {(module.__doc__ or '').strip()}", ""]
    for name, value in public(room):
        lines += [f"## {name}", "", "```python", _signature(name, value), "```", ""]
        lines += ["```text", inspect.getdoc(value) or "", "```", ""]
        if inspect.isclass(value):
            for method, function in vars(value).items():
                if not method.startswith("_") and inspect.isfunction(function) and inspect.getdoc(function):
                    first = (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")
                    lines.append(f"- `{_signature(method, function)}` – {first}")
            lines.append("")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _signature(name: str, value: Any) -> str:
    try:
        text = str(inspect.signature(value))
    except (TypeError, ValueError):
        return name
    # Addresses of functions differ from run to run.
    text = re.sub(r"<function (\w+)[^>]*>", r"\1", re.sub(r" at 0x[0-9a-f]+", "", text))
    return name + text


def pages() -> dict[Path, str]:
    """Every page by its file."""
    found = {FOLDER / f"{room.removeprefix('jindan.')}.md": page(room, title) for room, title in ROOMS.items()}
    rows = [f"- [{title}]({path.name})" for path, title in zip(found, ROOMS.values(), strict=True)]
    found[FOLDER / "index.md"] = "# Reference\n\nWritten by `python -m docs.build`.\n\n" + "\n".join(rows) + "\n"
    return found | findings.pages()


def main() -> int:
    """Write the pages, or with --check compare them."""
    found = pages()
    if "--check" in sys.argv:
        stale = [path.name for path, text in found.items() if not path.exists() or path.read_text("utf-8") != text]
        if stale:
            print(f"docs are out of date ({', '.join(stale)}): run python -m docs.build")
        return 1 if stale else 0
    for folder in (FOLDER, findings.FOLDER, findings.PICTURES):
        folder.mkdir(exist_ok=True)
        for old in [*folder.glob("*.md"), *folder.glob("*.svg")]:
            if old not in found:
                old.unlink()
    for path, text in found.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
