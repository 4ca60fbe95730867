"""Colours by cost: what share has which colour, and that one can read it on every ground."""

from __future__ import annotations

import re
from itertools import combinations, pairwise

import pytest
from click.testing import CliRunner

import cnnlang
from cnnlang.analysis.memory import memory, setting
from cnnlang.api import compile_file
from cnnlang.backends.diagram import MEASURES, STYLES, Look
from cnnlang.backends.diagram.automatic import colours
from cnnlang.backends.diagram.drawing import Text
from cnnlang.backends.diagram.page import cards, volumes
from cnnlang.backends.diagram.palette import DARK, LIGHT, Theme
from cnnlang.backends.diagram.parts import scene
from cnnlang.backends.diagram.tones import BOUNDS, TURN, heat, heated, scale, step
from cnnlang.backends.summary import summary
from cnnlang.cli.group import command
from tests.test_volumes import DRAWN, apart

themes = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])


def luminance(colour: str) -> float:
    """The relative luminance, by WCAG 2.2: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(k * p for k, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


# --- the scale -----------------------------------------------------------------------------------


@themes
def test_lightness_alone_tells_how_much(theme: Theme) -> None:
    """In print without colours, and to every eye: each step is darker, or lighter on dark."""
    steps = [luminance(each) for each in theme.heat]
    assert steps == sorted(steps, reverse=theme is LIGHT)
    assert all(contrast(a, b) >= 1.1 for a, b in pairwise(theme.heat))
    assert contrast(theme.heat[0], theme.background) < contrast(theme.heat[-1], theme.background)


@themes
def test_letters_can_be_read_on_every_colour(theme: Theme) -> None:
    assert all(contrast(fill, ink) >= 4.5 for fill, _, ink in scale(theme))
    for share in (0.0, 0.003, 0.03, 0.15, 0.9):
        look = heated(theme, share)
        assert contrast(look.tint["conv"], look.secondary) >= 4.5


def test_the_steps_begin_at_their_bounds() -> None:
    assert [step(share) for share in (0.0, 0.004, *BOUNDS, 1.0)] == [0, 0, 1, 2, 3, 4, 5, 6, 6]
    assert len(LIGHT.heat) == len(DARK.heat) == len(BOUNDS) + 1 > TURN
    assert [text for _, text, _ in scale(LIGHT)] == [
        *("<0.5%", "0.5–1%", "1–2%", "2–5%", "5–10%", "10–20%", "≥20%")
    ]


# --- the shares ----------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [None, 1])
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("name", ["resnet50", "densenet121", "mobilenet_v2"])
def test_what_is_shown_adds_up_to_the_whole(name: str, measure: str, depth: int | None) -> None:
    """Blocks that are drawn once count as often as they come."""
    graph = compile_file(f"zoo:{name}", None, None, {0: (3, 224, 224)})[0]
    units = scene(graph, Look(depth=depth)).units
    found, told = heat(graph, measure, units), summary(graph)
    loss = 4 * 1000  # bytes that the loss keeps of 1000 classes, which are no layer's
    saved = memory(graph, setting()).saved.each - loss
    totals = {"params": told.parameters, "macs": told.macs, "memory": saved}
    assert found.total == totals[measure]
    assert sum(found.share(found.value(unit)) for unit in units) == pytest.approx(1)


def test_a_cost_is_told_in_words() -> None:
    graph = compile_file("examples/lenet5.cnn")[0]
    units = scene(graph, Look()).units
    found = heat(graph, "params", units)
    assert [found.told(unit) for unit in units if unit.parameters] == [
        *("156 · 0.3%", "2.42k · 4%", "48.1k · 78%", "10.2k · 16%", "850 · 1%")
    ]
    assert heated(LIGHT, found.share(48_120)).tint["conv"] == LIGHT.heat[-1]
    assert found.told(units[0]) == ""


# --- the figures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_every_style_has_colours_numbers_and_a_legend(style: str) -> None:
    text = cnnlang.draw("examples/unet.cnn", "UNetNamed", style=style, highlight="macs").decode()
    assert "Share of MACs" in text
    assert "for H = 224, W = 224" in text
    assert {"graph": "1.85G · 5%", "blocks": "1.94G MACs · 5%", "volumes": ">5%<"}[style] in text
    fills = {each.upper() for each in re.findall(r'fill="(#[0-9A-Fa-f]{6})"', text)}
    assert set(LIGHT.heat) <= fills
    assert LIGHT.tint["conv"] not in fills


@pytest.mark.parametrize("style", STYLES)
def test_one_picture_for_light_and_dark(style: str) -> None:
    text = cnnlang.draw(
        "examples/unet.cnn", "UNetNamed", style=style, theme="auto", highlight="params"
    ).decode()
    sheet, rest = text[text.index("<style>") :].split("</style>")
    used = {each.lower() for each in re.findall(r'(?:fill|stroke)="(#[0-9A-Fa-f]{6})"', rest)}
    rules = dict(re.findall(r'fill="(#[0-9A-Fa-f]{6})" i\]\{fill:(#[0-9A-Fa-f]{6})', sheet))
    assert used <= {each.lower() for each in rules}
    assert [rules[each] for each in LIGHT.heat if each in rules] == [
        dark for light, dark in zip(LIGHT.heat, DARK.heat, strict=True) if light in rules
    ]


@pytest.mark.parametrize("make", [cards, volumes])
@pytest.mark.parametrize(("file", "network"), DRAWN[::3], ids=str)
def test_drawings(make: object, file: str, network: str | None) -> None:
    """A light colour has one dark one, and no text lies on another."""
    graph = compile_file(file, network)[0]
    pair = [make(graph, theme, Look(highlight="macs")) for theme in ("light", "dark")]  # type: ignore[operator]
    found: dict[str, set[str]] = {}
    for a, b in zip(*map(colours, pair), strict=True):
        found.setdefault(a, set()).add(b)
    assert [each for each in found.values() if len(each) > 1] == []
    marks = [mark for mark in pair[0].flat if isinstance(mark, Text)]
    clashes = [(a.text, b.text) for a, b in combinations(marks, 2) if not apart(a.box, b.box)]
    assert clashes == []


def test_an_unknown_cost_is_refused() -> None:
    with pytest.raises(ValueError, match="a highlight is one of params, macs, memory, not 'time'"):
        cnnlang.draw("examples/lenet5.cnn", highlight="time")


@pytest.mark.parametrize("style", STYLES)
def test_memory(style: str) -> None:
    """What autograd saves: on the cards it stands in place of the MACs."""
    look = {"style": style, "highlight": "memory"}
    text = cnnlang.draw("examples/lenet5.cnn", **look).decode()  # type: ignore[arg-type]
    assert "Share of memory saved for training" in text
    assert {"graph": "KiB · ", "blocks": "KiB · ", "volumes": "%<"}[style] in text


def test_memory_needs_sizes() -> None:
    wrong = CliRunner().invoke(command, ["draw", "zoo:resnet18", "--highlight", "memory"])
    assert wrong.exit_code == 1
    said = "the memory of ResNet18 depends on H, W: give --input 3x224x224"
    assert wrong.output == f"error: {said}\n"
