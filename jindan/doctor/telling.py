"""A report as text, as JSON with words, and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import direct
from .exhibits import exhibits
from .facts import Facts
from .findings import Finding
from .words import LANGUAGES, sentence


def finding_record(finding: Finding) -> dict[str, Any]:
    """A finding with its words in both languages, as reports and run folders hold it."""
    return {**finding.to_dict(), "text": {"en": finding.words("en"), "ko": finding.words("ko")}}


def shown_record(facts: Facts, finding: Finding) -> dict[str, Any]:
    """The same with what is drawn beside it."""
    return {**finding_record(finding), "exhibits": exhibits(facts, finding)}


def report_text(report: Any, lang: str = "en") -> str:
    """Findings as paragraphs: what, because of what, evidence in figures, what to do."""
    told = [finding for finding in report.findings if finding.severity != "info"]
    noted = [finding for finding in report.findings if finding.severity == "info"]
    if not told:
        lines = [sentence("report.healthy", lang)]
    else:
        lines = [_paragraph(place, finding, lang) for place, finding in enumerate(told, 1)]
    following = [finding.code for finding in noted if finding.causes]
    for key, codes in (("follows", following), ("noted", [f.code for f in noted if f.code not in following])):
        if codes:
            lines.append(sentence(f"report.{key}", lang, codes=", ".join(codes)))
    if tests := direct.told(report.facts, lang):
        lines.append("\n".join([sentence("report.tests", lang), *(f"   – {line}" for line in tests)]))
    if report.notes:
        seen = (f"   – {note.words(lang)}" for note in report.notes)
        lines.append("\n".join([sentence("report.notes", lang), *seen]))
    return "\n\n".join(lines)


def _paragraph(place: int, finding: Finding, lang: str) -> str:
    words = finding.words(lang)
    because = ""
    if finding.causes:
        because = " " + sentence("report.because", lang, causes=", ".join(finding.causes))
    figures = ", ".join(f"{key} {_figure(value)}" for key, value in finding.evidence.items()
                        if isinstance(value, (int, float)) and not isinstance(value, bool))  # fmt: skip
    severity = sentence(f"severity.{finding.severity}", lang)
    lines = [f"{place}. [{severity}] {finding.code} – {words['title']}"
             + (f" ({finding.place(lang)})" if finding.layer else ""), f"   {words['summary']}{because}"]  # fmt: skip
    if figures:
        lines.append(f"   {sentence('report.evidence', lang)}: {figures}")
    first = words["fix"].splitlines()[:2]
    lines += [f"   → {step}" for step in first]
    return "\n".join(lines)


def _figure(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3g}"


def page_of(report: Any, to_file: str | Path | None = None, lang: str = "en") -> str:
    """The report as a page of HTML.

    Raises:
        FileError: when it cannot be written to the file.
    """
    from ..report import build_report
    from ..report.markup import save

    case = report.case
    record: dict[str, Any] = {
        "name": case.plan.name or "diagnosis",
        "lang": lang,
        "findings": [shown_record(report.facts, finding) for finding in report.findings],
        "tests": [
            {"en": en, "ko": ko}
            for en, ko in zip(*(direct.told(report.facts, lang) for lang in ("en", "ko")), strict=True)
        ],
        "notes": [{lang: note.words(lang) for lang in LANGUAGES} for note in report.notes],
        "history": case.history,
    }
    standing = report.facts.standing
    if standing is not None:
        name = "r2" if report.facts.task == "regression" else "accuracy"
        parts = {"validation": standing.score, "train": standing.train} if standing.held else {"train": standing.train}
        record["metrics"] = {part: {name: {"value": value}} for part, value in parts.items()}
    page = build_report(record)
    if to_file is not None:
        save(to_file, page, "page")
    return page
