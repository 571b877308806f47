"""Finding: one thing the doctor noticed, in plain numbers; words are looked up by its code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..utils import finite

SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing.

    Attributes:
        code: One of the fixed codes, such as "output-loss-mismatch".
        severity: "info", "warning" or "error".
        layer: The layer it is about, or None.
        evidence: Plain numbers and names.
        confidence: 0 … 1.
        causes: Codes of findings that bring this one about.
    """

    code: str
    severity: str
    layer: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    confidence: float = 1.0
    causes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, without words; evidence that is not finite is None there."""
        return {
            "code": self.code,
            "severity": self.severity,
            "layer": self.layer,
            "evidence": finite(self.evidence),
            "confidence": self.confidence,
            "causes": list(self.causes),
        }

    def words(self, lang: str = "en") -> dict[str, str]:
        """Title, summary, detail and fix, in a language."""
        from .words import explain, says, sentence

        concept = explain(self.code, lang)
        # Sentences say "layer" themselves.
        layer = None if self.layer is None else self.place(lang).removeprefix("layer ").removesuffix(" 계층")
        facts = {**self.evidence, "layer": layer}
        if isinstance(facts.get("baseline"), str):
            from ..report.names import baseline_name

            name = baseline_name(facts["baseline"])
            facts["baseline"] = name if isinstance(name, str) else getattr(name, lang)
        # One code may be told of several things: the evidence then names which.
        summary = sentence(f"finding.{self.code}.{facts.get('aspect', 'summary')}", lang, **facts)
        if "reason" in facts:
            from .static import REASONS

            summary += f" ({REASONS[facts['reason']][lang == 'ko']})"
        # What to do about that one thing, where it is not what the code asks for elsewhere.
        own = f"finding.{self.code}.{facts.get('aspect', '')}-fix"
        return {
            "title": sentence(f"finding.{self.code}.title", lang),
            "summary": summary,
            "detail": concept.beginner,
            "fix": sentence(own, lang) if says(own) else "\n".join(concept.fix),
        }

    def place(self, lang: str = "en") -> str:
        """What text calls the layer; "" where there is none.

        >>> Finding("dying-relu", "warning", "layer 2, Dense").place("ko")
        '2번째 Dense 계층'
        """
        from .words import sentence

        known = re.fullmatch(r"layer (\d+), (.+)", self.layer or "")
        return sentence("report.layer", lang, number=known[1], name=known[2]) if known else self.layer or ""

    def text(self, lang: str = "en") -> str:
        """One readable paragraph."""
        from .words import sentence

        words = self.words(lang)
        place = f" [{self.place(lang)}]" if self.layer else ""
        return f"{sentence(f'severity.{self.severity}', lang)}: {words['title']}{place} – {words['summary']}"


def ordered(findings: Any) -> tuple[Finding, ...]:
    """Root causes first, then by severity and confidence; none before a cause of its own that is among them."""
    listed = list(findings)
    present = {finding.code for finding in listed}

    def rank(finding: Finding) -> tuple:
        caused = any(cause in present for cause in finding.causes)
        return (caused, SEVERITIES.index(finding.severity), -finding.confidence)

    return after_causes(listed, rank)


def after_causes(findings: Iterable[Finding], key: Callable[[Finding], Any]) -> tuple[Finding, ...]:
    """Findings sorted by a key, except that each stands after all its causes, however long the chain."""
    waiting, placed = sorted(findings, key=key), []
    while waiting:
        codes = {finding.code for finding in waiting}
        free = (k for k, finding in enumerate(waiting) if not codes.intersection(finding.causes) - {finding.code})
        placed.append(waiting.pop(next(free, 0)))
    return tuple(placed)
