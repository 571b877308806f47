"""The page in a real browser: no console error, both languages, a switch that works."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from jindan.report import build_report

from .records import classification, regression

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--v=0",
]


@pytest.fixture(scope="module")
def browser() -> str:
    """The path of a browser, or a skip."""
    for name in ("chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium"):
        found = shutil.which(name)
        if found:
            return found
    pytest.skip("no chromium or google-chrome on this machine")


def opened(browser: str, page: str, folder: Path, hash_: str = "") -> tuple[str, list[str]]:
    """The document after its scripts ran, and the console's errors."""
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    command = [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", file.as_uri() + hash_]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    lines = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, [line for line in lines if re.search("error|uncaught|refused|violat", line, re.I)]


@pytest.mark.parametrize(("hash_", "language"), [("", "en"), ("#ko", "ko"), ("#en/data", "en")])
def test_the_page_opens_clean_and_in_the_asked_language(browser, tmp_path, hash_, language):
    dom, errors = opened(browser, build_report(classification()), tmp_path, hash_)
    assert errors == []
    assert re.search(rf'<html lang="{language}" data-lang="{language}"', dom)
    assert re.search(rf'<button[^>]*data-set="{language}" aria-pressed="true"', dom)
    assert "Learning curves" in dom
    assert "학습 곡선" in dom


def test_the_default_language_and_the_titles_follow_the_record(browser, tmp_path):
    dom, errors = opened(browser, build_report(regression() | {"lang": "ko"}), tmp_path)
    assert errors == []
    assert 'data-lang="ko"' in dom
    assert '<title data-en="Residuals (predicted − true)" data-ko="잔차(예측값 − 실제값)">잔차' in dom


def test_a_click_switches_and_the_pointer_reads_values(browser, tmp_path):
    """A second page drives the first: presses the switch, follows a link, moves over a chart."""
    (tmp_path / "run.html").write_text(build_report(classification()), encoding="utf-8")
    driver = """<!doctype html><iframe id="f" src="run.html"></iframe><p id="out"></p><script>
    addEventListener("load", function () {
      var d = document.getElementById("f").contentDocument, w = document.getElementById("f").contentWindow;
      d.querySelector('[data-set="ko"]').click();
      var out = [d.documentElement.lang, w.location.hash];
      d.querySelector('[data-go="data"]').click();
      out.push(w.location.hash, w.getComputedStyle(d.querySelector('h2 [lang="en"]')).display);
      var svg = d.querySelector("svg.line"), box = svg.getBoundingClientRect();
      svg.dispatchEvent(new w.PointerEvent("pointermove", {clientX: box.right, clientY: box.top + 50, bubbles: true}));
      out.push(svg.querySelector('.at[data-at="x"]').textContent.trim());
      document.getElementById("out").textContent = "[" + out.join("|") + "]";
    });</script>"""
    (tmp_path / "profile").mkdir()
    file = tmp_path / "driver.html"
    file.write_text(driver, encoding="utf-8")
    command = [browser, *FLAGS, "--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*command, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=90, check=False
    )
    assert "[ko|#ko|#ko/data|none|100]" in done.stdout, done.stdout[-500:] + done.stderr[-500:]
