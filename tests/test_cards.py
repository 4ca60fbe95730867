"""The overview: what stands on the cards, what lies on the edges, and where everything is."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

import cnnlang
from cnnlang.analysis.costs import total_parameters
from cnnlang.api import compile_file
from cnnlang.backends.diagram import usual
from cnnlang.backends.diagram.cards.face import fitted, percent, rounded
from cnnlang.backends.diagram.cards.model import Card, cards
from cnnlang.backends.diagram.cards.page import Overview, split
from cnnlang.backends.diagram.drawing import Drawing, Text
from cnnlang.backends.diagram.letters import width
from cnnlang.backends.diagram.page import cards as overview
from cnnlang.backends.diagram.palette import LIGHT
from cnnlang.backends.diagram.vector import svg
from tests.test_volumes import DRAWN, apart, maps
from tests.zoo.comparison import reference

drawn = pytest.mark.parametrize(("file", "network"), DRAWN, ids=lambda each: str(each))


def deal(file: str, network: str | None = None) -> list[Card]:
    return cards(maps(file, network))


def texts(drawing: Drawing) -> list[str]:
    return [mark.text for mark in drawing.flat if isinstance(mark, Text)]


# --- what stands on them -------------------------------------------------------------------------


def test_a_residual_network_is_the_table_of_its_paper() -> None:
    found = {card.name: card for card in deal("zoo:resnet152")}
    stage = found["layer3"]
    assert (stage.kind, stage.times, stage.shape) == ("Bottleneck", 36, (1024, 14, 14))
    assert stage.template == "1×1, 256 › 3×3, 256 › 1×1, 1024"
    assert found["conv1"].template == "3 → 64 · stride 2 · pad 3 · BN · ReLU"
    assert found["layer1"].edges[0].words == ("MaxPool 3×3",)
    assert found["layer1"].edges[0].shape == (64, 56, 56)


def test_a_gate_is_not_on_the_way_through_a_block() -> None:
    (found,) = [card for card in deal("zoo:efficientnet_b0") if card.shape == (40, 28, 28)]
    assert found.template == "1×1, 240 › DW 5×5, 240 › 1×1, 40"


def test_convolutions_of_one_module_share_a_card() -> None:
    found = deal("examples/unet.cnn", "UNetNamed")
    assert [(card.name, card.template) for card in found[1:3]] == [
        ("enc1", "2 × 3×3, 64"),
        ("enc2", "2 × 3×3, 128"),
    ]
    assert found[6].edges[0].words == ("ConvT 2×2",)
    assert [card.name for card in deal("zoo:vgg16")][1:3] == ["Conv 3×3"] * 2


def test_branches_are_named() -> None:
    drawing = overview(compile_file("zoo:googlenet")[0], "light")
    assert "1×1 64 · 3×3 128 · 3×3 32 · 1×1 32" in texts(drawing)


def test_shared_weights_are_said_to_be_shared() -> None:
    assert "shared weights" in texts(overview(compile_file("examples/siamese.cnn")[0], "light"))


@drawn
def test_the_cards_together_cost_what_the_network_costs(file: str, network: str | None) -> None:
    found, total = deal(file, network), maps(file, network)
    assert sum(card.parameters for card in found) == sum(each.parameters for each in total)
    assert sum(card.macs for card in found) == sum(each.macs for each in total)


@drawn
def test_every_output_has_a_card(file: str, network: str | None) -> None:
    graph = compile_file(file, network)[0]
    found = [card for card in deal(file, network) if card.name.startswith("Output")]
    channels = [graph.nodes[i].output.channels for i in graph.outputs]
    assert sorted(card.shape[0] for card in found) == sorted(channels)


def test_several_outputs(tmp_path: Path) -> None:
    path = tmp_path / "net.cnn"
    path.write_text(
        "network Two {\ninput 3x8x8\ntrunk: conv(4, 3x3)\na: conv(2, 1x1)\n"
        "trunk -> b: conv(5, 1x1)\noutput a, b, trunk\n}\n"
    )
    found = deal(str(path))
    assert [(card.name, card.shape) for card in found[-3:]] == [
        ("Output trunk", (4, 6, 6)),
        ("Output a", (2, 6, 6)),
        ("Output b", (5, 6, 6)),
    ]


# --- where they are ------------------------------------------------------------------------------


@drawn
def test_nothing_lies_on_anything_else(file: str, network: str | None) -> None:
    drawing = Drawing("", "#FFFFFF")
    page = Overview(deal(file, network), LIGHT, drawing)
    page.draw()
    boxes = [(f.left, f.top, f.right, f.bottom) for f in page.places.values()]
    assert all(apart(a, b) for a, b in combinations(boxes, 2))
    marks = [mark for mark in drawing.flat if isinstance(mark, Text)]
    clashes = [(a.text, b.text) for a, b in combinations(marks, 2) if not apart(a.box, b.box)]
    assert clashes == []


@pytest.mark.zoo
@pytest.mark.parametrize("name", sorted(reference()))
def test_nothing_lies_on_anything_else_in_the_library(name: str) -> None:
    test_nothing_lies_on_anything_else(f"zoo:{name}", None)


def test_an_encoder_decoder_is_a_u() -> None:
    found = deal("examples/unet.cnn", "UNetNamed")
    page = Overview(found, LIGHT, Drawing("", "#FFFFFF"))
    page.draw()
    by_size = {}
    for card in found[1:-2]:
        by_size.setdefault(card.size, []).append(page.places[card])
    assert all(len({face.top for face in level}) == 1 for level in by_size.values())
    assert [len(level) for level in by_size.values()] == [2, 2, 2, 2, 1]
    assert "skip · 64 ch" in texts(page.drawing)


def test_a_long_chain_is_wrapped() -> None:
    assert len(split(deal("zoo:resnet18"))) == 1
    columns = split(deal("zoo:inception_v3"))
    assert len(columns) == 2
    assert abs(len(columns[0]) - len(columns[1])) <= 3


def test_a_named_skip_bows_out(tmp_path: Path) -> None:
    path = tmp_path / "net.cnn"
    path.write_text(
        "network Net {\ninput 3x8x8\na: conv(4, 3x3, padding=1)\nconv(4, 3x3, padding=1)\n"
        "conv(4, 3x3, padding=1) -> add(a)\nconv(2, 1x1)\n}\n"
    )
    drawing = overview(compile_file(str(path))[0], "light")
    assert f'stroke="{LIGHT.skip}"' in svg(drawing)


# --- details -------------------------------------------------------------------------------------


def test_texts_are_cut_to_their_room() -> None:
    assert fitted("Bottleneck", 1000, 10) == "Bottleneck"
    cut = fitted("a long name of a block", 60, 10)
    assert cut.endswith("…")
    assert width(cut, 10) <= 60


def test_percentages() -> None:
    assert [percent(x) for x in (0, 0.0004, 0.004, 0.5, 1)] == [
        "0%",
        "<0.1%",
        "0.4%",
        "50%",
        "100%",
    ]


def test_corners_are_round() -> None:
    points = rounded((0, 0, 10, 20), 3)
    assert len(points) == 28
    assert min(x for x, _ in points) == pytest.approx(0)
    assert max(y for _, y in points) == pytest.approx(20)


def test_large_networks_are_drawn_as_blocks() -> None:
    assert usual(compile_file("zoo:resnet18")[0]) == "graph"
    assert usual(compile_file("zoo:inception_v3")[0]) == "blocks"
    assert cnnlang.draw("zoo:inception_v3", format="dot").count(b"layout=nop2") == 1


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_formats(format: str) -> None:
    data = cnnlang.draw("examples/unet.cnn", "UNetNamed", style="blocks", format=format)
    assert data.startswith({"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[format])


def test_the_dark_theme() -> None:
    tree = ElementTree.fromstring(cnnlang.draw("examples/lenet5.cnn", style="blocks", theme="dark"))
    assert tree[1].attrib["fill"] == "#0D1117"


def test_paths_meet_in_a_mark_of_their_own() -> None:
    """It has the name of what combines them and no costs: those go to the next card."""
    graph = compile_file("examples/siamese.cnn")[0]
    found = cards(maps("examples/siamese.cnn"))
    mark = next(card for card in found if card.name == "subtract")
    assert mark.small
    assert [edge.source.kind or edge.source.name for edge in mark.edges] == ["Dense", "Dense"]
    assert (mark.parameters, mark.macs, mark.template) == (0, 0, "")
    assert sum(card.parameters for card in found) == total_parameters(graph)
