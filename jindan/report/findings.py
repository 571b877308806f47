"""The doctor's findings: severity, words, evidence, what to do."""

from __future__ import annotations

import json
import shlex
from typing import Any

from jindan.report.exhibits import exhibits
from jindan.report.markup import Words, both, clip, esc, paragraph, pick, section, table, tag
from jindan.report.values import listed, mapped, mappings, number, percent, shown
from jindan.report.words import t
from jindan.report.words_evidence import EVIDENCE, VALUES

_ICONS = {
    "error": "M8 2h8l6 6v8l-6 6H8l-6-6V8z",
    "warning": "M12 2.5 22.5 21.5H1.5z",
    "info": "M12 2a10 10 0 1 0 .01 0z",
}
_MARKS = {"error": "M8.5 8.5l7 7M15.5 8.5l-7 7", "warning": "M12 9v6M12 18v.6", "info": "M12 11v6M12 7v.6"}


def findings(record: dict[str, Any]) -> str:
    """The section of findings, in the order given (root cause first); a calm line where there are none."""
    if record.get("findings") is None:
        return ""
    found = mappings(record["findings"])
    if not found:
        return section("findings", tag("p", icon("healthy") + both(t("healthy")), class_="healthy") + notes(record))
    serious = [item for item in found if item.get("severity") in ("error", "warning")]
    first = serious[0] if len(serious) > 1 else None
    items = tag("ol", "".join(one(item, record, root=item is first) for item in found), class_="findings")
    return section("findings", items + tests(record) + notes(record))


def tests(record: dict[str, Any]) -> str:
    """What the doctor tested directly, a line each."""
    return _lines("tested", record.get("tests"))


def notes(record: dict[str, Any]) -> str:
    """What was seen of another library's loop that no finding tells, a line each."""
    return _lines("noted", record.get("notes"))


def _lines(title: str, sentences: Any) -> str:
    lines = [tag("li", both(Words(str(told["en"]), str(told["ko"])))) for told in mappings(sentences)]
    return tag("h3", both(t(title))) + tag("ul", "".join(lines)) if lines else ""


def one(finding: dict[str, Any], record: dict[str, Any], *, root: bool = False) -> str:
    """One finding of a record as a list item."""
    code, severity = str(finding.get("code") or "finding"), finding.get("severity")
    severity = severity if severity in _ICONS else "info"
    texts = finding.get("text")
    head = icon(severity) + tag("span", both(t(severity)), class_="severity")
    if root:
        head += tag("span", both(t("look_first")), class_="root")
    head += tag("code", esc(clip(code)))
    if finding.get("layer") is not None:
        head += tag("span", both(t("layer")) + " " + tag("b", esc(clip(str(finding["layer"]).removeprefix("layer ")))))
    sure = number(finding.get("confidence"))
    if sure is not None:
        head += tag("span", both(t("confidence")) + " " + tag("b", both(percent(sure, 0))))
    parts = [tag("p", head, class_="meta"), tag("h3", both(pick(texts, "title", code)))]
    parts += [paragraph(words) for words in [pick(texts, "summary")] if words.en]
    fix, detail, own = pick(texts, "fix"), pick(texts, "detail"), leak(finding, record)
    if fix.en or own is not None:
        steps = ("" if own is None else paragraph(own) + _command(finding, record)) + (paragraph(fix) if fix.en else "")
        parts.append(tag("div", tag("b", both(t("what_to_do"))) + steps, class_="fix"))
    if detail.en:
        parts.append(tag("details", tag("summary", both(t("why"))) + paragraph(detail)))
    evidence = mapped(finding.get("evidence"))
    # The aspect chooses among the words above, and is none of its own.
    told = [pair for pair in evidence.items() if pair[0] != "aspect"]
    rows = [(both(evidence_name(key)), both(_value(key, value))) for key, value in told[:24]]
    side = table((t("quantity"), t("value")), rows, caption=t("evidence")) if rows else ""
    body = tag("div", "".join(parts), class_="words") + (tag("div", side, class_="evidence") if side else "")
    return tag("li", body + exhibits(finding), class_=f"finding {severity}")


def icon(severity: str) -> str:
    """A shape a severity is known by without its colour; the word stands beside it."""
    shape = _ICONS.get(severity, _ICONS["info"])
    mark = _MARKS.get(severity, "M7.5 12.5l3 3 6-6.5")
    inner = f'<path class="shape" d="{shape}"/><path class="mark" d="{mark}"/>'
    return (
        f'<svg class="icon {esc(severity)}" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">{inner}</svg>'
    )


def leak(finding: dict[str, Any], record: dict[str, Any]) -> Words | None:
    """What to do about the one column that tells the target, by its name; None for other findings."""
    column, target = mapped(finding.get("evidence")).get("column"), record.get("target")
    if finding.get("code") != "data-leakage" or column is None or target is None:
        return None
    return t("leak", column=clip(column, 80), target=clip(target, 80))


def _command(finding: dict[str, Any], record: dict[str, Any]) -> str:
    """The option that leaves the column out, where the run came from the command line."""
    if not record.get("command"):
        return ""
    return tag("p", tag("code", esc(f"--drop {shlex.quote(str(finding['evidence']['column']))}")), class_="command")


def evidence_name(key: Any) -> Words:
    """What a piece of evidence is called.

    >>> evidence_name("batch_size").ko, evidence_name("first_rise").en
    ('배치 크기', 'first rise')
    """
    plain = clip(str(key).replace("_", " "), 60)
    return Words(*EVIDENCE.get(str(key), (plain, plain)))


def _value(key: Any, value: Any) -> Words:
    text = evidence_text(value)
    return Words(*VALUES.get((str(key), text), (text, text)))


def evidence_text(value: Any) -> str:
    """A piece of evidence in one short line.

    >>> evidence_text(0.123456), evidence_text([1, 2.5, float("nan")]), evidence_text(True)
    ('0.1235', '1, 2.5, –', 'true')
    """
    if value is None:
        return "–"
    if isinstance(value, bool | str):
        return clip(str(value).lower() if isinstance(value, bool) else value, 160)
    if isinstance(value, dict):
        return clip(", ".join(f"{key}: {evidence_text(item)}" for key, item in list(value.items())[:12]), 200)
    items = listed(value)
    if items:
        return clip(", ".join(evidence_text(item) for item in items[:8]) + (", …" if len(items) > 8 else ""), 200)
    if number(value) is not None:
        return shown(value)
    return "–" if isinstance(value, float) else clip(json.dumps(value, ensure_ascii=False, default=str), 160)
