"""The report as one HTML file: the order of sections, the frame around them, style and script inside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime
from importlib import resources
from typing import Any

from jindan.report.data import data
from jindan.report.findings import findings
from jindan.report.headline import headline
from jindan.report.markup import both, clip, esc, tag
from jindan.report.mistakes import mistakes
from jindan.report.network import network, plan
from jindan.report.others import OTHER_SECTIONS
from jindan.report.relied import relied
from jindan.report.repeats import repeats
from jindan.report.scores import scores
from jindan.report.study_section import studies
from jindan.report.training import curves, timing
from jindan.report.words import t

SECTIONS: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
    ("result", headline),
    ("findings", findings),
    ("curves", curves),
    ("scores", scores),
    ("repeats", repeats),
    ("studies", studies),
    ("relied", relied),
    ("mistakes", mistakes),
    ("data", data),
    ("network", network),
    ("plan", plan),
    ("timing", timing),
)


def build_report(record: dict[str, Any]) -> str:
    """One HTML file in English and Korean that needs nothing outside itself.

    Args:
        record: Plain data of one run: `name`, and what of `metrics`, `history`, `findings`, `data`, … is known.
            A missing key leaves its section out; None and NaN are shown as an en dash.

    >>> page = build_report({"name": "iris", "metrics": {"test": {"accuracy": 0.9}}})
    >>> page.startswith("<!doctype html>"), "of unseen rows right" in page, "https://" in page
    (True, True, False)
    """
    language = "ko" if str(record.get("lang") or "en").lower().startswith("ko") else "en"
    name = clip(record.get("name") or "jindan", 120)
    alone = record.get("studies") and not record.get("metrics")
    order = OTHER_SECTIONS if record.get("model") else (("studies", studies),) if alone else SECTIONS
    sections = [(key, content) for key, build in order if (content := build(record))]
    body = _top(record, name) + tag(
        "div", _contents(sections) + tag("main", "\n".join(c for _, c in sections)), class_="body"
    )
    style, script = _file("style.css"), _file("page.js")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'; img-src data:; base-uri 'none'"
    )
    head = (
        '<meta charset="utf-8"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        '<meta name="color-scheme" content="light dark"/><meta name="referrer" content="no-referrer"/>'
        f'<title>{esc(name)} – jindan</title><link rel="icon" href="data:,"/><style>{style}</style>'
    )
    return (
        f'<!doctype html>\n<html lang="{language}" data-lang="{language}" data-default="{language}">'
        f"<head>{head}</head>\n<body>{body}{_foot(record)}<script>{script}</script></body></html>\n"
    )


def _file(name: str) -> str:
    """A text file that lies beside this one."""
    return resources.files("jindan.report").joinpath(name).read_text(encoding="utf-8")


def _top(record: dict[str, Any], name: str) -> str:
    """The bar with the run's name and the language switch."""
    buttons = "".join(
        tag("button", words, type="button", data_set=code, aria_pressed="false", lang_="", hreflang=code)
        for code, words in (("en", "English"), ("ko", "한국어"))
    ).replace(' lang=""', "")
    switch = tag("div", buttons, class_="switch", role="group", aria_label="Language · 언어")
    created = tag("span", esc(_moment(record["created"])), class_="date") if record.get("created") else ""
    title = tag("p", both(t("report")), class_="kicker") + tag("h1", esc(name))
    return tag("header", tag("div", title + created) + switch)


def _moment(created: Any) -> str:
    """A date and time as people write it; anything else as it came.

    >>> _moment("2026-11-21T09:15:00+09:00"), _moment("today")
    ('2026-11-21 09:15 UTC+09:00', 'today')
    """
    try:
        return datetime.fromisoformat(str(created)).strftime("%Y-%m-%d %H:%M %Z").strip()
    except ValueError:
        return clip(created, 40)


def _contents(sections: list[tuple[str, str]]) -> str:
    """Links to the sections; the script keeps the language in the address."""
    links = "".join(tag("li", tag("a", both(t(key)), href=f"#{key}", data_go=key)) for key, _ in sections)
    return tag("nav", tag("ol", links), aria_label="Contents · 차례")


def _foot(record: dict[str, Any]) -> str:
    version = clip(record.get("version") or "", 30)
    words = both(t("made_by", version=version)) + " · " + both(t("offline"))
    return tag("footer", tag("p", words))
