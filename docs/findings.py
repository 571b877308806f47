"""Writes docs/findings/: a page for every code in both languages, with pictures of its evidence.

`python -m docs.findings` draws the pictures anew from the patients of the tests (minutes); the pages themselves are
written by `python -m docs.build` from the doctor's words and the pictures that are there.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from jindan.doctor.words import explain, sentence

FOLDER = Path(__file__).parent / "findings"
PICTURES = FOLDER / "images"
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
    pictures = sorted(PICTURES.glob(f"{code}-*.{lang}.svg"))
    if pictures:
        lines += [f"## {heads['evidence']}", "", *(f"![{code}](images/{path.name})" for path in pictures), ""]
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


def pages() -> dict[Path, str]:
    """Every page by its file."""
    found = {FOLDER / name_of(code, lang): page(code, lang) for code in CODES for lang in ("en", "ko")}
    return found | {FOLDER / f"index{end}.md": index(lang) for lang, end in (("en", ""), ("ko", ".ko"))}


def draw(codes: list[str]) -> None:
    """Train the patients and draw what their findings rest on."""
    from jindan.doctor.exhibits import exhibits
    from jindan.report.exhibits import chart_of
    from jindan.report.studies import standalone
    from tests.patients.treat import diagnosed

    PICTURES.mkdir(parents=True, exist_ok=True)
    for code in codes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = diagnosed(code, sick=True)
        found = next((f for f in report.findings if f.code == code), None)
        if found is None:
            print(f"{code}: not found among {[f.code for f in report.findings]}")
            continue
        for old in PICTURES.glob(f"{code}-*.svg"):
            old.unlink()
        for number, exhibit in enumerate(exhibits(report.facts, found)):
            for lang in ("en", "ko"):
                drawing = chart_of(exhibit)
                if drawing:
                    standalone(drawing, PICTURES / f"{code}-{number}.{lang}.svg", lang)
        print(f"{code}: drawn")


if __name__ == "__main__":
    from tests.patients.registry import PATIENTS

    draw(sys.argv[1:] or list(PATIENTS))
