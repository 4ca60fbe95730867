"""The figure: what stands in it, that no label can break it, and how it becomes a picture."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cnnlang.analysis.validity import valid_sizes
from cnnlang.api import compile_file, draw
from cnnlang.backends import rendering
from cnnlang.backends.diagram import diagram, html, labels
from cnnlang.backends.diagram.child import ABSENT, resolution
from cnnlang.backends.diagram.flow import Flow
from cnnlang.backends.diagram.palette import DARK, LIGHT
from cnnlang.backends.diagram.repeats import fold
from cnnlang.backends.diagram.scopes import Scope, arrange
from cnnlang.backends.diagram.words import Shapes
from cnnlang.backends.rendering import RenderError, render
from cnnlang.graph import Graph

EXAMPLES = Path(__file__).parents[1] / "examples"
ALL = [
    ("lenet5", None),
    ("alexnet", None),
    ("nin", None),
    ("resnet", "ResNet18"),
    ("resnet", "ResNet152"),
    ("googlenet", None),
    ("densenet", "DenseNet121"),
    ("mobilenet_v2", None),
    ("unet", "UNet"),
    ("unet", "UNetNamed"),
    ("siamese", None),
    ("textcnn", None),
    ("lenet5_1998", None),
    ("fcn8s", None),
    ("segnet", None),
    ("deeplabv3", "DeepLabV3_ResNet50"),
    ("yolov3_tiny", None),
    ("autoencoder", None),
    ("dcgan", "Generator"),
    ("esrgan", None),
    ("m5", "M5"),
    ("c3d", None),
]

Write = Callable[[str], Graph]


def graph_of(file: str, network: str | None = None) -> Graph:
    return compile_file(EXAMPLES / f"{file}.cnn", network)[0]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """The graph of a program."""

    def write(text: str) -> Graph:
        path = tmp_path / "net.cnn"
        path.write_text(text, encoding="utf-8")
        return compile_file(path)[0]

    return write


def texts(source: str) -> list[str]:
    """What one reads in a figure."""
    return [each.strip() for each in re.findall(r">([^<>]+)</(?:B|FONT)>", source)]


# --- what is in it -------------------------------------------------------------------------------


def test_lenet_in_words() -> None:
    found = diagram(graph_of("lenet5")).source
    assert texts(found)[:9] == [
        "LeNet5",
        "1×32×32 input  ·  61.7k parameters  ·  417k MACs",
        "Input",
        "Conv 5×5",
        "conv1",
        "1 → 6",
        "156",
        "Tanh",
        "AvgPool 2×2",
    ]
    assert re.findall(r'label=" ([^"]+)"', found) == [
        "1×32×32", "6×28×28", "6×14×14", "16×10×10", "16×5×5", "120×1×1", "120", "84", "10",
    ]  # fmt: skip


def test_the_same_network_gives_the_same_text() -> None:
    assert diagram(graph_of("unet", "UNet")).source == diagram(graph_of("unet", "UNet")).source


def test_norm_activation_and_dropout_are_chips_of_what_they_follow() -> None:
    units = arrange(graph_of("alexnet")).units
    dense = next(unit for unit in units if unit.kind == "dense")
    assert [chip.kind for chip in dense.chips] == ["relu", "dropout"]
    assert dense.parameters == 37_752_832


def test_a_tensor_that_is_used_twice_ends_a_unit(written: Write) -> None:
    graph = written("network N { input 3x8x8\n a: conv(3, 1x1) -> b: relu -> add(a) -> relu }")
    kinds = [(unit.kind, len(unit.chips)) for unit in arrange(graph).units]
    assert kinds == [("input", 0), ("conv", 0), ("relu", 0), ("add", 1), ("output", 0)]


def test_a_module_with_one_unit_in_it_is_drawn_as_that_unit() -> None:
    names = [unit.name for unit in arrange(graph_of("resnet", "ResNet18")).units]
    assert names.count("downsample") == 3


def test_equal_modules_in_a_row_are_drawn_once() -> None:
    found = texts(diagram(graph_of("resnet", "ResNet152")).source)
    assert [text.strip() for text in found if "× " in text and len(text) < 7] == [
        "× 2", "× 7", "× 35", "× 2",
    ]  # fmt: skip
    assert "1 – 35" in found
    assert "39.1M in all" in found


def test_modules_that_grow_by_a_rule_are_drawn_once() -> None:
    found = texts(diagram(graph_of("densenet", "DenseNet121")).source)
    assert "dense_layer7 – 18" in found
    assert "128+32·i → 128" in found
    assert "i = 0 … 11" in found


def test_a_run_is_not_folded_if_something_reaches_into_it(written: Write) -> None:
    block = "block B { conv(3, 1x1) -> relu -> conv(3, 1x1) }\n"
    closed = written(block + "network N { input 3x8x8\n a: B\n b: B\n c: B }")
    assert sum(unit.kind == "conv" for unit in fold(arrange(closed)).units) == 2
    reached = written(block + "network N { input 3x8x8\n a: B\n b: B\n c: B -> add(a) }")
    assert sum(unit.kind == "conv" for unit in fold(arrange(reached)).units) == 4


def test_parameters_of_all_frames_and_units_add_up() -> None:
    for file, network in ALL:
        scene = arrange(graph_of(file, network))
        own = sum(unit.parameters for unit in scene.units)
        top = sum(item.parameters for item in scene.root.items)
        assert own == top


def test_skips_are_the_ways_around() -> None:
    units = arrange(graph_of("unet", "UNetNamed")).units
    flow = Flow(units)
    around = {unit.key: [each.key for each in flow.skips(unit)] for unit in units}
    assert sum(len(each) for each in around.values()) == 4
    assert diagram(graph_of("unet", "UNetNamed")).source.count('#D55E00" penwidth=1.8') == 4


def test_a_projection_is_no_skip() -> None:
    units = arrange(graph_of("resnet", "ResNet18")).units
    merges = [unit for unit in units if unit.kind == "add"]
    assert [len(Flow(units).skips(unit)) for unit in merges] == [1, 1, 0, 1, 0, 1, 0, 1]


def test_free_sizes_are_written_for_the_sizes_that_are_valid() -> None:
    graph = graph_of("unet", "UNetNamed")
    shapes = Shapes(valid_sizes(graph)[0])
    assert shapes.write(graph.nodes[graph.outputs[0]].output.shape) == "2×H×W"
    graph = graph_of("textcnn")
    assert Shapes(valid_sizes(graph)[0]).write(graph.nodes[2].output.shape) == "100×(T - 2)"


def test_outputs_of_training_are_shown_apart(written: Write) -> None:
    graph = written(
        "network N { input 3\n a: dense(2)\n b: dense(2)\n output b\n output training b, a }"
    )
    assert "Training output" in texts(diagram(graph).source)


def test_themes_and_directions() -> None:
    graph = graph_of("lenet5")
    assert LIGHT.background in diagram(graph).source
    assert DARK.background in diagram(graph, theme="dark").source
    assert "rankdir=LR" in diagram(graph, direction="LR").source
    with pytest.raises(ValueError, match="light, dark"):
        diagram(graph, theme="blue")
    with pytest.raises(ValueError, match="TB, LR"):
        diagram(graph, direction="up")


# --- no label can break it -----------------------------------------------------------------------


@pytest.mark.parametrize(("file", "network"), ALL)
def test_every_label_is_well_formed(file: str, network: str | None) -> None:
    scene = fold(arrange(graph_of(file, network)))
    shapes = Shapes({})
    made = []
    for unit, mark, note in product(scene.units, ("", "added"), ("", "1.2M · 3%")):
        unit.mark = mark
        made.append(labels.node(unit, labels.Face(LIGHT, 122, shapes, note))["label"])
    todo = [scene.root]
    while todo:
        inner = [item for item in todo.pop().items if isinstance(item, Scope)]
        made += [labels.header(each, LIGHT)["label"] for each in inner]
        made += [labels.corner(each, LIGHT) for each in inner]
        todo += inner
    for label in made:
        assert label.startswith("<") and label.endswith(">")
        fonts = ElementTree.fromstring(label[1:-1]).iter("FONT")
        assert all("".join(each.itertext()) for each in fonts)


def test_names_from_a_file_are_escaped(written: Write) -> None:
    name = "<b>&amp;\\\\n</b>"
    graph = written(f'network N {{ input 3x8x8\n "{name}": conv(4, 1x1) -> stack {{ relu }} }}')
    path = graph.nodes[1].name
    assert "<b>&amp;" in path
    svg = render(diagram(graph).source, "svg").decode()
    shown = "".join(ElementTree.fromstring(svg).itertext())
    assert path in shown


def test_what_cannot_be_printed_and_what_is_too_long() -> None:
    assert html.escape("a\x00b\x1b\n") == "a?b??"
    assert len(html.escape("x" * 500)) == html.LONGEST
    assert html.font("", 9, "#000000") == ""


# --- pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("file", "network"), [ALL[0], ALL[4], ALL[6], ALL[8]])
def test_pictures_need_no_graphviz_on_the_machine(
    file: str, network: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert render(diagram(graph_of(file, network)).source, "svg").startswith(b"<?xml")


@pytest.mark.parametrize(
    ("format", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]
)
def test_formats(format: str, start: bytes) -> None:
    assert render("digraph { a -> b }", format).startswith(start)


def test_letters_come_with_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The font lies in the PDF, whatever fonts the machine has; nothing else is left behind."""
    source = diagram(graph_of("lenet5")).source
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("FONTCONFIG_FILE", raising=False)
    pdf = render(source, "pdf")
    embedded = set(re.findall(rb"/FontName /[A-Z]+\+([\w-]+)", pdf))
    assert embedded == {b"Arimo", b"Arimo-Bold"}
    assert list(tmp_path.iterdir()) == []
    assert {p.suffix for p in rendering.FONTS.iterdir()} == {".ttf", ".md", ".txt"}


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="svg, png, pdf or dot"):
        render("digraph {}", "bmp")


def test_a_malformed_label_is_an_error_and_no_wrong_picture() -> None:
    with pytest.raises(RenderError, match="Graphviz failed"):
        render('digraph { a [label=<<FONT COLOR="red"></FONT><B>>] }', "svg")


def test_text_that_is_no_graph_is_an_error() -> None:
    with pytest.raises(RenderError, match="Graphviz failed"):
        render("no graph", "svg")


def test_spines_are_straight() -> None:
    svg = render(diagram(graph_of("unet", "UNet")).source, "svg").decode()
    edges = re.findall(r'stroke="#6e7781"[^>]* d="([^"]+)"', svg)
    assert len(edges) > 20
    for path in edges:
        columns = {
            round(float(each.split(",")[0])) for each in re.findall(r"[-\d.]+,[-\d.]+", path)
        }
        assert len(columns) == 1


def test_bitmaps_stay_within_what_cairo_can_write() -> None:
    assert resolution("0,0,500,800") == 144
    assert resolution("0,0,500,50000") * 50_000 / 72 < 32_000


def test_a_slow_layout_is_tried_once_more_in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def launch(
        command: list[str], data: bytes, patience: float
    ) -> subprocess.CompletedProcess[bytes]:
        calls.append(command)
        if "fast" not in command:
            raise subprocess.TimeoutExpired(command, patience)
        return subprocess.CompletedProcess(command, 0, b"<svg/>", b"")

    monkeypatch.setattr(rendering, "launch", launch)
    assert render("digraph {}", "svg") == b"<svg/>"
    assert len(calls) == 2


def test_a_layout_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def launch(
        command: list[str], data: bytes, patience: float
    ) -> subprocess.CompletedProcess[bytes]:
        raise subprocess.TimeoutExpired(command, patience)

    monkeypatch.setattr(rendering, "launch", launch)
    with pytest.raises(RenderError, match=r"more than 60 seconds.*\.dot"):
        render("digraph {}", "svg")


def test_without_pygraphviz_the_dot_of_the_system_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def launch(
        command: list[str], data: bytes, patience: float
    ) -> subprocess.CompletedProcess[bytes]:
        own = command[0] == "/bin/dot"
        return subprocess.CompletedProcess(command, 0 if own else ABSENT, b"<svg/>", b"")

    monkeypatch.setattr(rendering, "launch", launch)
    monkeypatch.setattr("shutil.which", lambda name: "/bin/dot")
    assert render("digraph {}", "svg") == b"<svg/>"
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(RenderError, match=r"pip install pygraphviz.*\.dot"):
        render("digraph {}", "svg")


def test_hundreds_of_layers_are_laid_out_in_seconds(written: Write) -> None:
    body = "residual { conv(8, 3x3, padding=1) -> batchnorm }\n" * 150
    start = time.perf_counter()
    render(diagram(written(f"network N {{ input 8x16x16\n{body} }}")).source, "svg")
    assert time.perf_counter() - start < 20


# --- `draw` --------------------------------------------------------------------------------------


def test_draw_gives_bytes_and_writes_a_file(tmp_path: Path) -> None:
    target = tmp_path / "alexnet.svg"
    data = draw(EXAMPLES / "alexnet.cnn", output=target, classes=7)
    assert target.read_bytes() == data
    assert "4096 → 7" in data.decode()
    assert draw(EXAMPLES / "lenet5.cnn", format="dot").startswith(b"digraph")


def test_one_number_for_all_axes_is_written_out(written: Write) -> None:
    flat = written("network N { input 3x8x8\n conv(4, 3) -> maxpool(2) }")
    assert {"Conv 3×3", "MaxPool 2×2"} <= set(texts(diagram(flat).source))
    line = written("network N { input 3x8\n conv(4, 3) }")
    assert "Conv 3" in texts(diagram(line).source)
