"""Misclassified rows shown: PNG files without a library, cards with images and texts, the drawing of a graph."""

import base64
import io
import re
import zlib

import numpy as np
import pytest

from jindan.report import build_report
from jindan.report.png import png
from report.records import classification

IMAGE = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)


def encoded(image):
    return base64.b64encode(png(image)).decode()


@pytest.mark.parametrize("image", [IMAGE, IMAGE[..., :1], IMAGE[:1, :1], IMAGE[:1, :1, :1]])
def test_a_png_gives_the_pixels_back(image):
    data = png(image)
    width, height = (int.from_bytes(data[i : i + 4], "big") for i in (16, 20))
    assert (height, width) == image.shape[:2]
    start = data.index(b"IDAT") + 4
    lines = np.frombuffer(zlib.decompress(data[start:]), np.uint8).reshape(height, -1)
    assert not lines[:, 0].any()
    np.testing.assert_array_equal(lines[:, 1:].reshape(image.shape), image)


def test_pillow_reads_the_same():
    pillow = pytest.importorskip("PIL.Image")
    np.testing.assert_array_equal(np.asarray(pillow.open(io.BytesIO(png(IMAGE)))), IMAGE)


@pytest.mark.parametrize("bad", [IMAGE.astype(float), IMAGE[..., 0], IMAGE[..., :2], IMAGE[:0]])
def test_what_is_no_image_is_refused(bad):
    with pytest.raises(ValueError, match="no image"):
        png(bad)


def page(*examples, **more):
    return build_report(classification() | {"examples": list(examples)} | more)


def test_images_and_texts_are_shown_with_truth_prediction_and_confidence():
    text = "</blockquote><script>alert(1)</script> 정말 좋은 영화"
    first = {"row": 7, "true": "good", "predicted": "bad<", "p": 0.987, "texts": {"review": text}}
    second = {
        "row": 9,
        "true": "bad",
        "predicted": "good",
        "p": 0.7,
        "images": {"photo": encoded(IMAGE)},
        "file": "a/b.png",
    }
    html = page(first, second)
    cards = re.findall(r'<div class="card">.*?</div>', html)
    assert len(cards) == 2
    assert "정말 좋은 영화" in cards[0]
    assert "&lt;/blockquote&gt;&lt;script&gt;" in cards[0]
    assert "alert(1)</script>" not in html
    assert "good, taken for bad&lt;" in cards[0]
    assert "99" in cards[0]
    assert f"data:image/png;base64,{encoded(IMAGE)}" in cards[1]
    assert "a/b.png" in cards[1]
    assert "http" not in "".join(cards)


@pytest.mark.parametrize(
    "data", ['"><script>alert(1)</script>', "AAAA\nAAAA", "javascript:alert(1)", 5, None, "", ["AAAA"], "A" * 400_001]
)
def test_what_is_no_picture_is_not_drawn(data):
    html = page({"row": 1, "true": "a", "predicted": "b", "p": 0.5, "images": {"x": data}})
    assert "data:image/png" not in html
    assert "alert(1)" not in html


@pytest.mark.parametrize(
    "broken",
    [{"texts": 3}, {"texts": {"t": None}}, {"images": {"x": encoded(IMAGE)}, "p": "x"}, {"texts": {"t": "x" * 9999}}],
)
def test_half_known_rows_do_not_break_the_page(broken):
    html = page({"row": None, "true": None, **broken}, {"row": 2, "texts": {"t": "y"}})
    assert html.endswith("</html>\n")
    assert "x" * 401 not in html


def test_the_graph_is_a_picture_in_which_nothing_runs():
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    html = page(drawing=svg)
    assert base64.b64encode(svg.encode()).decode() in html
    assert "alert(1)" not in html
    for other in ("<script>alert(1)</script>", 5, None):
        assert "svg+xml;base64" not in page(drawing=other)
