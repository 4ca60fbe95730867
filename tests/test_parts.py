"""Partial figures: one part alone, modules closed and opened, in every style."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner

import cnnlang
from cnnlang.analysis import costs
from cnnlang.analysis.ordinary import usual_sizes
from cnnlang.api import compile_file
from cnnlang.backends.diagram import Look, usual
from cnnlang.backends.diagram.drawing import Drawing, Text
from cnnlang.backends.diagram.excerpt import PartError, excerpt
from cnnlang.backends.diagram.page import cards, volumes
from cnnlang.backends.diagram.parts import scene
from cnnlang.backends.diagram.scopes import Scene, Scope, Unit
from cnnlang.backends.diagram.volumes.reading import collect
from cnnlang.backends.summary import Row, summary
from cnnlang.cli.group import command
from cnnlang.graph import Graph
from tests.test_volumes import DRAWN, apart

NETWORKS = [
    ("zoo:resnet50", None),
    ("zoo:googlenet", None),
    ("zoo:mobilenet_v2", None),
    ("zoo:densenet121", None),
    ("examples/unet.cnn", "UNetNamed"),
    ("examples/siamese.cnn", None),
    ("examples/textcnn.cnn", None),
    ("examples/m5.cnn", "M5"),
    ("examples/deeplabv3.cnn", "DeepLabV3_ResNet50"),
]
networks = pytest.mark.parametrize(("file", "network"), NETWORKS, ids=str)


def graph_of(file: str, network: str | None = None) -> Graph:
    return compile_file(file, network)[0]


def resnet(**options: object) -> Scene:
    return scene(graph_of("zoo:resnet50"), Look(**options))  # type: ignore[arg-type]


def first(graph: Graph) -> dict[str, Row]:
    """The rows of a summary by name, where modules are first applied."""
    return {row.name: row for row in reversed(summary(graph).rows)}


def inside(found: Scene, name: str) -> list[str]:
    """The names of what is in a module at the top."""
    (scope,) = [each for each in found.root.items if each.name == name]
    assert isinstance(scope, Scope)
    return [each.name for each in scope.items]


def texts(drawing: Drawing) -> list[str]:
    return [mark.text for mark in drawing.flat if isinstance(mark, Text)]


# --- one part alone ------------------------------------------------------------------------------


def test_a_part_has_what_flows_in_as_its_inputs() -> None:
    found = excerpt(graph_of("zoo:resnet50"), "layer2")
    (entry,) = [found.nodes[i] for i in found.inputs]
    assert (entry.name, str(entry.output)) == ("layer1", "256 x ceil(H/4) x ceil(W/4)")
    assert found.name == "ResNet50.layer2"
    assert costs.total_parameters(found) == 1_219_584


@networks
def test_every_module_can_be_drawn_alone(file: str, network: str | None) -> None:
    """Its parameters are those that `summary` tells, and it runs in the order of its nodes."""
    graph = graph_of(file, network)
    told = first(graph)
    for row in summary(graph).rows:
        found = excerpt(graph, row.name)
        assert costs.total_parameters(found) == told[row.name].parameters
        assert [node.index for node in found.nodes] == list(range(len(found.nodes)))
        assert all(i < node.index for node in found.nodes for i in node.inputs)
        assert found.outputs
        assert len(scene(found, Look(depth=1)).units) >= 2


def test_a_decoder_has_all_that_it_takes_as_inputs() -> None:
    graph = graph_of("examples/siamese.cnn")
    found = excerpt(graph, "subtract1")
    assert len(found.inputs) == 2
    assert [node.kind for node in found.nodes] == ["input", "input", "subtract"]


@pytest.mark.parametrize("style", ["graph", "blocks", "volumes"])
def test_every_style_draws_a_part(style: str) -> None:
    text = cnnlang.draw("zoo:resnet50", style=style, only="layer2").decode()
    assert "ResNet50.layer2" in text
    assert "layer3" not in text


def test_sizes_are_those_of_the_whole_network() -> None:
    """The last layers of a network for long inputs are drawn for a long one, too."""
    graph = graph_of("examples/m5.cnn", "M5")
    assert usual_sizes(excerpt(graph, "unit4")) == usual_sizes(graph)
    assert "unit4" in cnnlang.draw("examples/m5.cnn", "M5", style="volumes", only="unit4").decode()


def test_one_layer_alone() -> None:
    text = cnnlang.draw("zoo:vgg16", only="features.28").decode()
    assert "features.27" in text
    assert "512 → 512" in text


def test_names_that_are_none() -> None:
    graph = graph_of("zoo:resnet50")
    with pytest.raises(PartError, match=r"no part `layr2`: did you mean `layer2`\?"):
        excerpt(graph, "layr2")
    with pytest.raises(PartError, match="it has conv1, bn1"):
        excerpt(graph, "encoder")
    with pytest.raises(PartError, match="`layer9`: did you mean `layer"):
        scene(graph, Look(collapse=("layer9",)))
    with pytest.raises(PartError, match="`conv1` is one layer"):
        scene(graph, Look(expand=("conv1",)))


# --- closed and open -----------------------------------------------------------------------------


def test_a_depth_counts_as_in_the_summary() -> None:
    assert [unit.name for unit in resnet(depth=1).units] == [
        *("x", "conv1", "maxpool1", "layer1", "layer2", "layer3", "layer4"),
        *("global_avgpool1", "flatten1", "fc", "Output"),
    ]
    assert inside(resnet(depth=2), "layer1") == ["0", "1"]
    assert all(isinstance(each, Unit) for each in resnet(depth=1).root.items)


@networks
@pytest.mark.parametrize("depth", [1, 2])
def test_closed_modules_cost_what_is_in_them(file: str, network: str | None, depth: int) -> None:
    graph = graph_of(file, network)
    closed, whole = (scene(graph, Look(depth=d)) for d in (depth, None))
    for measure in ("parameters", "macs"):
        totals = [
            sum(getattr(each, measure) or 0 for unit in found.units for each in unit.whole)
            for found in (closed, whole)
        ]
        assert totals[0] == totals[1]
    assert len(closed.units) <= len(whole.units)
    order = {unit: i for i, unit in enumerate(closed.units)}
    assert all(order[each] < order[unit] for unit in closed.units for each in unit.inputs)


@networks
def test_a_closed_module_has_the_costs_of_its_row(file: str, network: str | None) -> None:
    graph = graph_of(file, network)
    rows = first(graph)
    for unit in scene(graph, Look(depth=1)).units:
        if unit.closed and not (unit.closed.repeat or unit.closed.again):
            row = rows[unit.closed.names[-1]]
            assert (unit.parameters, unit.macs) == (row.parameters, row.macs)
            assert unit.output == row.output


def test_modules_by_name() -> None:
    found = resnet(collapse=("layer3",))
    assert [u.name for u in found.units if u.closed] == ["layer3"]
    every = resnet(collapse=("Bottleneck",))
    assert {u.closed.title for u in every.units if u.closed} == {"Bottleneck"}
    assert sum(1 for u in every.units if u.closed) == 8
    one = resnet(collapse=("layer3.3",))
    assert inside(one, "layer3") == ["0", "1", "3", "4"]


def test_open_modules() -> None:
    assert inside(resnet(depth=1, expand=("layer3",)), "layer3") == list("012345")
    assert inside(resnet(expand=("layer3",)), "layer3") == list("012345")
    one = resnet(depth=1, expand=("layer3.2",))
    assert inside(one, "layer3") == ["0", "1", "2", "3"]
    assert [u.name for u in one.units if u.closed][:5] == ["layer1", "layer2", "0", "1", "3"]


def test_overviews_obey() -> None:
    """What is open there by itself can be closed, and the other way round."""
    graph = graph_of("zoo:resnet50")
    maps = {
        key: collect(scene(graph, look), usual_sizes(graph))
        for key, look in (
            ("usual", Look()),
            ("open", Look(expand=("layer3",))),
            ("block", Look(expand=("layer3.2",))),
        )
    }
    assert len(maps["open"]) == len(maps["usual"]) + 5
    assert [v.times for v in maps["block"] if v.kind == "Bottleneck"] == [3, 4, 2, 3, 3]
    unet = graph_of("examples/unet.cnn", "UNetNamed")
    for look, number in ((Look(), 2), (Look(expand=("enc1",)), 1)):
        assert texts(cards(unet, "light", look)).count("2 × 3×3, 64") == number


def test_a_small_view_of_a_large_network_shows_its_operations() -> None:
    graph = graph_of("zoo:googlenet")
    assert usual(graph) == "blocks"
    assert usual(graph, Look(depth=1)) == "graph"


@pytest.mark.parametrize(("file", "network"), DRAWN[::3], ids=str)
@pytest.mark.parametrize("make", [cards, volumes])
def test_nothing_overlaps(make: object, file: str, network: str | None) -> None:
    graph = graph_of(file, network)
    marks = make(graph, "light", Look(depth=1)).flat  # type: ignore[operator]
    found = [mark for mark in marks if isinstance(mark, Text)]
    assert [(a.text, b.text) for a, b in combinations(found, 2) if not apart(a.box, b.box)] == []


def test_a_closed_module_says_what_it_is() -> None:
    text = cnnlang.draw("zoo:resnet50", depth=1, style="graph", format="dot").decode()
    for said in ("layer3", "Bottleneck × 6", "7.10M params", "→ 1024×14×14"):
        assert said in text
    fixed = cnnlang.draw(
        "zoo:resnet50", depth=1, style="graph", format="dot", shapes={0: (3, 224, 224)}
    ).decode()
    assert "7.10M params · 1.46G MACs" in fixed
    assert re.search(r"receptive field 267x267", fixed)


# --- the command ---------------------------------------------------------------------------------


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    done = run(command, ["draw", "zoo:resnet18", "--only", "layer1", "--depth", "1"])
    assert done.exit_code == 0
    assert Path("ResNet18.layer1.svg").exists()
    wrong = run(command, ["draw", "zoo:resnet18", "--only", "layr1", "-o", "a.svg"])
    assert (wrong.exit_code, Path("a.svg").exists()) == (1, False)
    assert wrong.output == "error: ResNet18 has no part `layr1`: did you mean `layer1`?\n"
    both = ["--collapse", "layer1", "--expand", "layer1"]
    clash = run(command, ["draw", "zoo:resnet18", *both])
    assert clash.exit_code == 2
    assert "`layer1` cannot be both collapsed and expanded" in clash.output


def test_options_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="`depth` is a whole number from 1 on, not 0"):
        cnnlang.draw("examples/lenet5.cnn", depth=0)
