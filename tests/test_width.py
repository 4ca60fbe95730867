"""Figures of a given width: the page, the proportions, and letters that get too small."""

from __future__ import annotations

import io
import re
import struct
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

import cnnlang
from cnnlang.api import compile_file
from cnnlang.backends.diagram import STYLES
from cnnlang.backends.diagram.drawing import Text
from cnnlang.backends.diagram.look import Look, points
from cnnlang.backends.diagram.page import volumes
from cnnlang.backends.diagram.scaling import extent
from cnnlang.backends.rendering import sized
from cnnlang.cli.group import command

COLUMN = 8.5 / 2.54 * 72
quiet = pytest.mark.filterwarnings("ignore:the smallest letters")


def test_lengths() -> None:
    assert points("8.5cm") == points("85mm") == pytest.approx(COLUMN)
    assert (points("3.3in"), points("240 pt")) == (pytest.approx(237.6), 240)
    for wrong in ("8.5", "cm", "-3cm", "0pt", "8.5em", "1e9cm", "200cm", "8.5cm x"):
        with pytest.raises(ValueError, match="width"):
            points(wrong)


@quiet
@pytest.mark.parametrize("style", STYLES)
def test_a_figure_fits_a_column(style: str) -> None:
    """Proportions stay but where maps are wrapped.

    A PDF has pages of whole points, a PNG 300 dots to the inch.
    """
    draw = lambda **options: cnnlang.draw("zoo:alexnet", style=style, **options)  # type: ignore[arg-type] # noqa: E731
    wide, high = extent(draw().decode())
    svg = draw(width="8.5cm").decode()
    if style == "volumes":
        wide, high = extent(svg)
    assert extent(svg) == (
        pytest.approx(COLUMN, abs=0.01),
        pytest.approx(COLUMN * high / wide, abs=0.1),
    )
    assert "viewBox" in svg
    box = re.search(rb"/MediaBox \[ ?([-0-9. ]+)\]", draw(format="pdf", width="8.5cm"))
    assert box is not None
    x0, y0, x1, y1 = map(float, box[1].split())
    assert x1 - x0 == pytest.approx(COLUMN, abs=1.01)
    assert y1 - y0 == pytest.approx(COLUMN * high / wide, abs=1.5)
    png = draw(format="png", width="8.5cm")
    pixels = struct.unpack(">II", png[16:24])
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        assert image.info["dpi"][0] * 8.5 / 2.54 == pytest.approx(pixels[0], rel=0.001)
    assert pixels[0] == pytest.approx(COLUMN / 72 * 300, abs=3)
    assert pixels[1] / pixels[0] == pytest.approx(high / wide, rel=0.02)


def test_letters_that_are_too_small_are_told() -> None:
    with pytest.warns(UserWarning) as told:
        cnnlang.draw("zoo:resnet50", style="graph", width="8.5cm")
    said = str(told[0].message)
    found = re.fullmatch(
        r"the smallest letters are ([\d.]+) pt high at this width, and 6 pt at ([\d.]+)cm; "
        r"`--style blocks` fits this width",
        said,
    )
    assert found is not None
    assert float(found[1]) < 5
    assert float(found[2]) == pytest.approx(8.5 * 6 / float(found[1]), rel=0.02)


@pytest.mark.parametrize(
    ("style", "name"),
    [
        ("volumes", "googlenet"),
        ("volumes", "resnet50"),
        ("blocks", "googlenet"),
        ("graph", "vgg16"),
    ],
)
def test_figures_are_wrapped_for_a_narrow_column(
    style: str, name: str, recwarn: pytest.WarningsRecorder
) -> None:
    """Letters stay readable, and so no warning comes; the page gets higher instead."""
    high = [
        extent(cnnlang.draw(f"zoo:{name}", style=style, width=width).decode())[1]
        for width in ("8.5cm", "34cm")
    ]
    assert list(recwarn) == []
    assert high[0] > high[1] / 2


def test_the_numbers_of_small_maps_do_not_touch() -> None:
    graph = compile_file("examples/unet.cnn", "UNet")[0]
    drawing = volumes(graph, "light", Look(style="volumes", width=COLUMN))
    boxes = [each.box for each in drawing.flat if isinstance(each, Text) and each.text.isdigit()]
    rows = [(a, b) for a, b in combinations(boxes, 2) if a[1] == b[1]]
    assert rows
    assert all(a[2] <= b[0] or b[2] <= a[0] for a, b in rows)


def test_what_the_note_says_is_true(recwarn: pytest.WarningsRecorder) -> None:
    cnnlang.draw("zoo:resnet50", style="blocks", width="8.5cm")
    cnnlang.draw("zoo:resnet50", style="graph", width="13cm")
    assert list(recwarn) == []
    cnnlang.draw("zoo:alexnet", style="volumes", width="4cm")
    assert "--style" not in str(recwarn[0].message)


def test_a_long_bitmap_stays_within_what_cairo_can_write() -> None:
    assert " dpi=300]" in sized("digraph {}", "png", (3.0, 20.0), 300)
    assert " dpi=150]" in sized("digraph {}", "png", (3.0, 200.0), 300)
    assert "dpi" not in sized("digraph {}", "pdf", (3.0, 20.0), 300)


def test_the_command(tmp_path: Path) -> None:
    output = str(tmp_path / "net.svg")
    run = CliRunner().invoke
    done = run(
        command, ["draw", "zoo:alexnet", "--style", "volumes", "--width", "4cm", "-o", output]
    )
    assert done.exit_code == 0
    assert "note: the smallest letters are" in done.output
    wrong = run(command, ["draw", "zoo:alexnet", "--width", "4", "-o", output])
    assert wrong.exit_code == 2
    assert "'4' is not a width: write 8.5cm, 85mm, 3.3in or 240pt" in wrong.output
    dot = run(command, ["draw", "zoo:alexnet", "--width", "4cm", "-o", str(tmp_path / "net.dot")])
    assert dot.exit_code == 2
    assert "a width is for svg, png, pdf, not for dot" in dot.output
