"""Two networks side by side: what is marked, how, and where everything is."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner

from cnnlang.analysis.comparison import compare, statuses
from cnnlang.analysis.ordinary import usual_sizes
from cnnlang.api import compile_file
from cnnlang.backends.diagram import Look, sides
from cnnlang.backends.diagram.automatic import colours
from cnnlang.backends.diagram.cards.model import cards
from cnnlang.backends.diagram.drawing import Polygon, Text
from cnnlang.backends.diagram.palette import LIGHT
from cnnlang.backends.diagram.parts import scene
from cnnlang.backends.diagram.sides import draw, more, overviews
from cnnlang.backends.diagram.volumes.reading import collect
from cnnlang.cli.group import command
from cnnlang.graph import Graph
from tests.test_volumes import apart

BEFORE = """network Net {
    input 3x32x32
    conv1: conv(32, 3x3, padding=1) -> batchnorm -> relu
    conv2: conv(64, 3x3, padding=1) -> relu
    maxpool(2x2)
    flatten -> head: dense(32) -> tanh -> fc: dense(10)
}"""
AFTER = """network Net {
    input 3x32x32
    conv1: conv(32, 5x5, padding=2) -> batchnorm -> relu
    conv2: conv(64, 3x3, padding=1) -> relu
    extra: conv(64, 3x3, padding=1)
    maxpool(2x2)
    flatten -> fc: dense(10)
}"""
Pair = tuple[Graph, Graph]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    found = []
    for name, text in (("a.cnn", BEFORE), ("b.cnn", AFTER)):
        (tmp_path / name).write_text(text)
        found.append(compile_file(tmp_path / name)[0])
    return found[0], found[1]


def zoo(*names: str) -> Pair:
    a, b = (compile_file(f"zoo:{name}")[0] for name in names)
    return a, b


def marks(pair: Pair, side: int, **look: object) -> dict[str, str]:
    """What becomes of the units of one side."""
    found = scene(pair[side], Look(**look), statuses(*pair)[side])  # type: ignore[arg-type]
    return {unit.name: unit.mark for unit in found.units}


# --- what is marked ------------------------------------------------------------------------------


def test_units_are_marked(pair: Pair) -> None:
    assert marks(pair, 0) == {
        "x": "same",
        "conv1": "changed",
        "conv2": "same",
        "maxpool1": "same",
        "flatten1": "same",
        "head": "removed",
        "fc": "changed",
        "Output": "same",
    }
    assert marks(pair, 1)["extra"] == "added"
    assert "head" not in marks(pair, 1)


@pytest.mark.parametrize(
    "names", [("resnet18", "resnet34"), ("resnet34", "resnet18"), ("vgg11", "vgg13_bn")]
)
def test_marks_are_the_changes(names: tuple[str, str]) -> None:
    pair = zoo(*names)
    found = compare(*pair)
    told = Counter(change.status for change in found.changes)
    before, after = (Counter(side.values()) for side in statuses(*pair))
    assert (before["removed"], after["added"]) == (told["removed"], told["added"])
    assert before["changed"] == after["changed"] == told["changed"]


def test_networks_that_are_the_same_have_no_marks() -> None:
    pair = zoo("resnet18", "resnet18")
    assert set(marks(pair, 1).values()) == {"same"}
    assert [side.told for side in sides.sides(*pair)] == ["all kept as they are", "the same layers"]


def test_a_run_is_folded_where_its_blocks_are_marked_alike() -> None:
    pair = zoo("resnet18", "resnet34")
    found = scene(pair[1], Look(), statuses(*pair)[1])
    times = [scope.repeat.times for scope in scopes(found.root) if scope.repeat]
    assert times == [2, 2, 4]


def scopes(root: object) -> list:  # type: ignore[type-arg]
    inside = [item for item in root.items if hasattr(item, "items")]  # type: ignore[attr-defined]
    return [each for item in inside for each in (item, *scopes(item))]


def test_closed_modules_are_marked_as_what_is_in_them() -> None:
    pair = zoo("resnet18", "resnet34")
    found = marks(pair, 1, depth=1)
    assert [found[f"layer{i}"] for i in (1, 2, 3, 4)] == ["changed"] * 4
    assert found["conv1"] == "same"


def test_cards_are_marked(pair: Pair) -> None:
    for side, name, mark in ((0, "head", "removed"), (1, "extra", "added"), (1, "conv2", "same")):
        found = scene(pair[side], Look(), statuses(*pair)[side])
        dealt = {each.name: each.mark for each in cards(collect(found, usual_sizes(pair[side])))}
        assert dealt[name] == mark
        assert dealt["Output"] == "same"


# --- how it is drawn -----------------------------------------------------------------------------


def test_numbers() -> None:
    assert more(100, 150, "MACs") == "+50 (+50%) MACs"
    assert more(1_000_000, 984_000, "MACs") == "−16.0k (−1.6%) MACs"
    assert more(7, 7, "MACs") == "as many MACs"
    assert more(0, 7, "MACs") == "+7 MACs"
    told = "+10.1M (+86%) parameters · +1.85G (+102%) MACs for H = 224, W = 224"
    assert sides.sides(*zoo("resnet18", "resnet34"))[1].told == told


@pytest.mark.parametrize(
    "names",
    [
        ("resnet18", "resnet34"),
        ("googlenet", "inception_v3"),
        ("mobilenet_v2", "mobilenet_v3_small"),
    ],
)
def test_nothing_overlaps(names: tuple[str, str]) -> None:
    pair = zoo(*names)
    found = [overviews(pair, sides.sides(*pair), theme, Look()) for theme in ("light", "dark")]
    words = [mark for mark in found[0].flat if isinstance(mark, Text)]
    assert [(a.text, b.text) for a, b in combinations(words, 2) if not apart(a.box, b.box)] == []
    turned: dict[str, set[str]] = {}
    for a, b in zip(*map(colours, found), strict=True):
        turned.setdefault(a, set()).add(b)
    assert [each for each in turned.values() if len(each) > 1] == []


def test_a_mark_has_two_cues(pair: Pair) -> None:
    """A badge beside the colour, and a dashed outline for what is removed."""
    drawing = overviews(pair, sides.sides(*pair), "light", Look())
    words = [mark.text for mark in drawing.flat if isinstance(mark, Text)]
    assert (words.count("+"), words.count("−"), words.count("~")) == (2, 2, 5)
    dashed = [m for m in drawing.flat if isinstance(m, Polygon) and m.dashed]
    assert [m.line for m in dashed] == [LIGHT.line["merge"]] * 2


@pytest.mark.parametrize("format", ["svg", "pdf", "png", "dot"])
@pytest.mark.parametrize("style", ["graph", "blocks"])
def test_formats(pair: Pair, style: str, format: str) -> None:
    start = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG", "dot": b"digraph"}[format]
    assert (
        draw(*pair, format, Look(style=style, width=300 if format == "pdf" else None)).data[
            : len(start)
        ]
        == start
    )


def test_the_first_network_stands_at_the_left() -> None:
    """Whichever of the two is the larger one."""
    for names in (("resnet18", "resnet34"), ("resnet34", "resnet18")):
        svg = draw(*zoo(*names), "svg", Look(style="graph", depth=1)).data.decode()
        places = [
            re.search(rf'x="([-\d.]+)"[^>]*>{title}<', svg) for title in ("ResNet18", "ResNet34")
        ]
        left, right = (float(place[1]) for place in places if place)
        assert (left < right) == (names[0] == "resnet18")


def test_an_automatic_theme_has_a_rule_for_every_colour(pair: Pair) -> None:
    for style in ("graph", "blocks"):
        text = draw(*pair, "svg", Look(style=style, theme="auto")).data.decode()
        sheet, rest = text[text.index("<style>") :].split("</style>")
        used = {c.lower() for c in re.findall(r'(?:fill|stroke)="(#[0-9A-Fa-f]{6})"', rest)}
        assert used <= {c.lower() for c in re.findall(r'="(#[0-9A-Fa-f]{6})" i', sheet)}


def test_small_networks_are_drawn_as_operations(pair: Pair) -> None:
    assert "digraph" in draw(*pair, "dot", Look()).data.decode()
    assert "maxpool1" in draw(*pair, "svg", Look()).data.decode()
    assert "maxpool1" not in draw(*zoo("resnet18", "resnet34"), "svg", Look()).data.decode()


def test_what_cannot_be_drawn_is_refused(pair: Pair) -> None:
    for format, look in (("mermaid", Look()), ("svg", Look(style="volumes"))):
        with pytest.raises(ValueError, match="two networks are drawn as graph or blocks"):
            draw(*pair, format, look)


# --- the command ---------------------------------------------------------------------------------


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pair: Pair) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    done = run(command, ["diff", "a.cnn", "b.cnn", "--draw", "-o", "diff.svg"])
    assert (done.exit_code, done.output) == (0, "wrote diff.svg\n")
    assert "Net, before" in Path("diff.svg").read_text("utf-8")
    assert run(command, ["diff", "a.cnn", "b.cnn", "--draw", "--exit-code"]).exit_code == 1
    assert Path("Net-Net.svg").exists()
    for wrong in (["-o", "x.svg"], ["--draw", "-o", "x.gif"], ["--draw", "-o", "x.mmd"]):
        assert run(command, ["diff", "a.cnn", "b.cnn", *wrong]).exit_code == 2
    assert not Path("x.svg").exists()
    before = Path("a.cnn").read_text()
    Path("a.svg").write_text(before)
    same = run(command, ["diff", "a.svg", "b.cnn", "--draw", "-o", "a.svg"])
    assert same.exit_code == 1
    assert Path("a.svg").read_text() == before
