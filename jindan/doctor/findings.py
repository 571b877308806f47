"""Finding: one thing the doctor noticed, in plain numbers; words are looked up by its code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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
        """The JSON form, without words."""
        return {
            "code": self.code,
            "severity": self.severity,
            "layer": self.layer,
            "evidence": self.evidence,
            "confidence": self.confidence,
            "causes": list(self.causes),
        }

    def words(self, lang: str = "en") -> dict[str, str]:
        """Title, summary, detail and fix, in a language."""
        from .words import explain, sentence

        concept = explain(self.code, lang)
        # Sentences say "layer" themselves.
        layer = None if self.layer is None else self.layer.removeprefix("layer ")
        facts = {**self.evidence, "layer": layer}
        if isinstance(facts.get("baseline"), str):
            from ..report.names import baseline_name

            name = baseline_name(facts["baseline"])
            facts["baseline"] = name if isinstance(name, str) else getattr(name, lang)
        summary = sentence(f"finding.{self.code}.summary", lang, **facts)
        if "reason" in facts:
            from .static import REASONS

            summary += f" ({REASONS[facts['reason']][lang == 'ko']})"
        return {
            "title": sentence(f"finding.{self.code}.title", lang),
            "summary": summary,
            "detail": concept.beginner,
            "fix": "\n".join(concept.fix),
        }

    def text(self, lang: str = "en") -> str:
        """One readable paragraph."""
        words = self.words(lang)
        place = f" [{self.layer}]" if self.layer else ""
        return f"{self.severity}: {words['title']}{place} – {words['summary']}"


def ordered(findings: Any) -> tuple[Finding, ...]:
    """Root causes first, then by severity and confidence."""
    listed = list(findings)
    present = {finding.code for finding in listed}

    def rank(finding: Finding) -> tuple:
        caused = any(cause in present for cause in finding.causes)
        return (caused, SEVERITIES.index(finding.severity), -finding.confidence)

    return tuple(sorted(listed, key=rank))
