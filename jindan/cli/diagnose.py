"""What `jindan diagnose` does: findings as people read them, the repaired run beside the old one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..report.names import metric_name
from .printing import print_json
from .progress import Bar
from .show import in_language
from .use import refuse_others, write_text
from .words import say


def diagnose_rows(run: Path, lang: str, as_json: bool, quiet: bool, *, repair: bool, out: Path | None,
                  page: Path | None) -> None:  # fmt: skip
    """Look at a run, print what was found, and write the repaired run or the page where asked for."""
    from ..runs.diagnosis import diagnose_run

    refuse_others(run, "diagnose")
    with Bar(quiet or as_json, lang) as bar:
        found = diagnose_run(run, repair=repair, out=out, listen=bar)
    if page is not None:
        write_text(page, found.report.to_html(lang=lang))
    if as_json:
        print_json(found.summary())
        return
    print(found.report.text(lang))
    if not repair:
        return
    print()
    if found.repaired is None:
        print(say("nothing_helps", lang))
        return
    print(say("repaired", lang, changes=changes_text(found.changes or {})))
    if "effect" in (found.proof or {}):
        proof = found.proof or {}
        named = metric_name(str(proof.get("measure", "")).replace("balanced", "balanced_accuracy"))
        rows = say("proved_alone" if proof.get("design") == "training rows" else "proved_held", lang)
        print(say("proved", lang, rows=rows, measure=in_language(named, lang), base=f"{proof['base']:.3f}",
                  repaired=f"{proof['repaired']:.3f}", probability=f"{100 * proof['probability']:.0f}"))  # fmt: skip
    print(say("repaired_run", lang, folder=found.repaired.folder))


def changes_text(changes: dict[str, Any]) -> str:
    """What was changed, on one line: path → value."""
    return ", ".join(f"{path} → {value}" for path, value in changes.items())
