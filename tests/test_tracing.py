"""The SVG of Graphviz as a drawing, from which bitmaps and PDF files are made."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image

import cnnlang
from cnnlang.backends.diagram.drawing import Line, Polygon, Text, dashes
from cnnlang.backends.diagram.tracing import traced

PICTURE = """<svg xmlns="http://www.w3.org/2000/svg"><g transform="scale(1 1) translate(10 20.5)">
<polygon fill="#ffffff" stroke="none" points="-10,0 -10,-20.5 30,-20.5 30,0 -10,0"/>
<g transform="translate(5 0)">
<text text-anchor="middle" x="1" y="-2" font-size="9" font-weight="bold" fill="#1b1f24">add</text>
</g>
<ellipse fill="black" stroke="black" cx="0" cy="0" rx="1.8" ry="1.8"/>
<path fill="none" stroke="#6e7781" stroke-width="1.2" d="M0,0C0,-1 0,-2 0,-3"/>
<path fill="#e8e9e9" stroke="#1b1f24" stroke-dasharray="5,2" d="M0,0C1,0 2,0 3,0 3,1 3,2 3,3"/>
</g></svg>"""


def test_every_mark_is_in_its_place() -> None:
    drawing = traced(PICTURE)
    assert drawing.sheet == (0, 0, 40, 20.5)
    text, circle, line, face = drawing.marks
    assert text == Text((16, 18.5), "add", 9, "#1b1f24", bold=True)
    assert isinstance(circle, Polygon)
    assert max(x for x, _ in circle.points) == pytest.approx(11.8)
    assert line == Line(
        ((10, 20.5), (10, 19.5), (10, 18.5), (10, 17.5)), "#6e7781", 1.2, curved=True
    )
    assert isinstance(face, Polygon)
    assert (face.points[0], face.points[8], face.points[16]) == ((10, 20.5), (13, 20.5), (13, 23.5))
    assert face.dashed


def test_dashes_go_on_around_a_corner() -> None:
    assert list(dashes(((0, 0), (4, 0), (4, 9)))) == [
        ((0, 0), (4, 0)),
        ((4, 0), (4, 1)),
        ((4, 4), (4, 9)),
    ]


@pytest.mark.parametrize("style", ["graph", "blocks"])
def test_a_bitmap_has_144_dots_per_inch(style: str) -> None:
    svg = cnnlang.draw("examples/lenet5.cnn", style=style).decode()
    wide, high = (float(each) for each in re.findall(r'(?:width|height)="([\d.]+)pt"', svg)[:2])
    with Image.open(
        io.BytesIO(cnnlang.draw("examples/lenet5.cnn", style=style, format="png"))
    ) as image:
        assert image.size == (pytest.approx(2 * wide, abs=2), pytest.approx(2 * high, abs=2))


def test_letters_of_a_bitmap_stand_where_those_of_the_svg_do(tmp_path: Path) -> None:
    """Ink begins and ends where the widths of the letters say."""
    (tmp_path / "net.cnn").write_text("network inception_illi { input 3\n dense(2) }")
    with Image.open(
        io.BytesIO(cnnlang.draw(tmp_path / "net.cnn", style="blocks", format="png"))
    ) as image:
        pixels = image.convert("L").crop((0, 0, image.width, 62))
    left, _, right, _ = pixels.point([255] * 160 + [0] * 96).getbbox() or (0, 0, 0, 0)
    title = Text((16, 0), "inception_illi", 17, "", bold=True, anchor="start").box
    assert right - left == pytest.approx(2 * (title[2] - title[0]), abs=6)
