"""What all styles of figures share: themes that follow their surroundings, and notebooks."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

import cnnlang
from cnnlang.api import compile_file
from cnnlang.backends.diagram import STYLES
from cnnlang.backends.diagram.automatic import colours, palette
from cnnlang.backends.diagram.page import cards, volumes
from cnnlang.backends.diagram.palette import DARK, LIGHT
from cnnlang.cli.group import command
from tests.test_volumes import DRAWN

styles = pytest.mark.parametrize("style", STYLES)


@styles
def test_one_picture_for_light_and_dark(style: str) -> None:
    """Every colour of the light picture has a rule for dark surroundings."""
    text = cnnlang.draw("examples/unet.cnn", "UNetNamed", style=style, theme="auto").decode()
    ElementTree.fromstring(text)
    sheet = text[text.index("<style>") : text.index("</style>")]
    rest = text[text.index("</style>") :]
    used = {each.lower() for each in re.findall(r'(?:fill|stroke)="(#[0-9A-Fa-f]{6})"', rest)}
    ruled = {each.lower() for each in re.findall(r'="(#[0-9A-Fa-f]{6})" i', sheet)}
    assert used <= ruled
    assert f"fill:{DARK.background}" in sheet


@pytest.mark.parametrize("make", [cards, volumes])
@pytest.mark.parametrize(("file", "network"), DRAWN, ids=str)
def test_a_light_colour_has_one_dark_one(make: object, file: str, network: str | None) -> None:
    graph = compile_file(file, network)[0]
    light, dark = (list(colours(make(graph, theme))) for theme in ("light", "dark"))  # type: ignore[operator]
    found: dict[str, set[str]] = {}
    for a, b in zip(light, dark, strict=True):
        found.setdefault(a.lower(), set()).add(b.lower())
    assert {a: b for a, b in found.items() if len(b) > 1} == {}


def test_the_palettes_go_together() -> None:
    assert palette()[LIGHT.ink] == DARK.ink
    assert palette()[LIGHT.line["conv"]] == DARK.line["conv"]


@styles
def test_the_automatic_theme_is_for_svg(style: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the theme auto is for svg and html, not for png"):
        cnnlang.draw("examples/lenet5.cnn", style=style, theme="auto", format="png")
    output = str(tmp_path / "net.pdf")
    options = ["--style", style, "--theme", "auto", "-o", output]
    wrong = CliRunner().invoke(command, ["draw", "examples/lenet5.cnn", *options])
    assert (wrong.exit_code, Path(output).exists()) == (2, False)
    assert "auto is for .svg and .html" in wrong.output


def test_a_figure_shows_itself_in_a_notebook() -> None:
    figure = cnnlang.draw("examples/lenet5.cnn", style="volumes")
    assert figure._repr_svg_() == figure.decode()
    assert figure._repr_png_() is None
    picture = cnnlang.draw("examples/lenet5.cnn", style="volumes", format="png")
    assert picture._repr_svg_() is None
    assert picture._repr_png_() == bytes(picture)
    for again in (copy.copy(figure), pickle.loads(pickle.dumps(figure))):
        assert (again, again.format) == (figure, "svg")
