"""Writes docs/findings/: a page for every code in both languages, with pictures of its evidence.

`python -m docs.findings` measures the evidence anew on the patients of the tests (minutes) and keeps it in
evidence.json; pages and pictures are written by `python -m docs.build` from that and the doctor's words.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from pathlib import Path
from typing import Any

from jindan.doctor.words import explain, sentence
from jindan.report.exhibits import chart_of, word
from jindan.report.studies import standalone

FOLDER = Path(__file__).parent / "findings"
PICTURES, EVIDENCE = FOLDER / "images", FOLDER / "evidence.json"
POINTS = 200  # of a curve at most
CODES = (
    "nonfinite-values", "exploding-gradient", "vanishing-gradient", "dying-relu", "saturated-activation",
    "symmetric-init", "bad-init-scale", "learning-rate-too-high", "learning-rate-too-low", "plateau",
    "stopped-too-early", "output-loss-mismatch", "linear-stack", "inputs-not-normalised", "targets-not-normalised",
    "preprocessing-mismatch", "data-leakage", "label-noise", "class-imbalance", "input-ignored", "overfitting",
    "underfitting", "frozen-parameters", "mode-gap", "batch-size-too-small", "batch-size-too-large", "device-idle",
    "out-of-memory", "mode-collapse", "below-baseline", "zigzag",
)  # fmt: skip
HEADS = {
    "en": {
        "what": "What it is", "close": "Looked at closely", "shows": "How it shows", "todo": "What to do",
        "evidence": "Evidence of a sick training", "see": "See also", "source": "Source", "other": "한국어",
        "top": "The doctor's findings",
    },
    "ko": {
        "what": "무엇인가", "close": "자세히", "shows": "어떻게 드러나는가", "todo": "해결 방법",
        "evidence": "문제가 있는 학습의 근거", "see": "함께 보기", "source": "출처",
        "other": "English", "top": "진단 소견",
    },
}  # fmt: skip


def name_of(code: str, lang: str) -> str:
    """The page's file name."""
    return f"{code}.md" if lang == "en" else f"{code}.ko.md"


def page(code: str, lang: str) -> str:
    """The page of a code in one language."""
    heads, words = HEADS[lang], explain(code, lang)
    other, top = name_of(code, _other(lang)), "index.md" if lang == "en" else "index.ko.md"
    title = sentence(f"finding.{code}.title", lang)
    lines = [f"# {title}", "", f"`{code}` · [{heads['other']}]({other}) · [{heads['top']}]({top})", "", words.short, ""]
    lines += [f"## {heads['what']}", "", words.beginner, "", f"## {heads['close']}", "", words.expert, ""]
    if words.formula:
        lines += ["```text", words.formula, "```", ""]
    if words.when:
        lines += [f"## {heads['shows']}", "", words.when, ""]
    drawn = [(number, exhibit) for number, exhibit in enumerate(kept().get(code, [])) if chart_of(exhibit)]
    if drawn:
        lines += [f"## {heads['evidence']}", ""]
        for number, exhibit in drawn:
            caption = getattr(word(exhibit["title"]), lang, word(exhibit["title"]))
            lines += [f"{caption}:", "", f"![{caption}](images/{code}-{number}.{lang}.svg)", ""]
    if words.fix:
        lines += [f"## {heads['todo']}", "", *(f"- {step}" for step in words.fix), ""]
    near = [f"[{slug}]({name_of(slug, lang)})" for slug in words.see if slug in CODES]
    if near:
        lines += [f"{heads['see']}: {', '.join(near)}", ""]
    if words.source:
        lines += [f"{heads['source']}: {words.source}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _other(lang: str) -> str:
    return "ko" if lang == "en" else "en"


def index(lang: str) -> str:
    """The list of all codes in one language."""
    lines = [f"# {HEADS[lang]['top']}", ""]
    for code in CODES:
        lines.append(
            f"- [{sentence(f'finding.{code}.title', lang)}]({name_of(code, lang)}): {explain(code, lang).short}"
        )
    return "\n".join(lines) + "\n"


def kept() -> dict[str, list[dict[str, Any]]]:
    """The evidence by code."""
    return json.loads(EVIDENCE.read_text("utf-8")) if EVIDENCE.exists() else {}


def pages() -> dict[Path, str]:
    """Every page and picture by its file."""
    found = {FOLDER / name_of(code, lang): page(code, lang) for code in CODES for lang in ("en", "ko")}
    found |= {FOLDER / f"index{end}.md": index(lang) for lang, end in (("en", ""), ("ko", ".ko"))}
    for code, shown in kept().items():
        for number, exhibit in enumerate(shown):
            if drawing := chart_of(exhibit):
                for lang in ("en", "ko"):
                    found[PICTURES / f"{code}-{number}.{lang}.svg"] = standalone(drawing, None, lang).svg
    return found


def measure(codes: list[str]) -> None:
    """Diagnose the sick patients and keep what their findings rest on."""
    from jindan.doctor.exhibits import exhibits, modes_shown
    from tests.patients.treat import collapsed, diagnosed, idle

    evidence = kept()
    for code in codes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if code == "mode-collapse":
                shown, told = [modes_shown(collapsed())], [code]
            else:
                report = idle() if code == "device-idle" else diagnosed(code, sick=True)
                told = [f.code for f in report.findings]
                first = [f for f in report.findings if f.code == code][:1]
                shown = [one for f in first for one in exhibits(report.facts, f)]
        print(f"{code}: {'found' if code in told else told}", flush=True)
        if code in told:
            evidence[code] = _short(shown)
            EVIDENCE.write_text(json.dumps(evidence, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")


def _short(value: Any) -> Any:
    """Numbers to four digits, long curves thinned."""
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _short(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(entry) for entry in value[:: max(1, -(-len(value) // POINTS))]]
    return value


if __name__ == "__main__":
    from tests.patients.registry import PATIENTS

    measure(sys.argv[1:] or [*PATIENTS, "device-idle", "mode-collapse"])
