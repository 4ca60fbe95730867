"""The figure of a paper: which maps it shows, how large they are, and that nothing overlaps."""

from __future__ import annotations

import re
from itertools import combinations
from math import dist
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

import cnnlang
from cnnlang.analysis.validity import valid_sizes
from cnnlang.api import compile_file
from cnnlang.backends.diagram.drawing import Box, Drawing, Line, Polygon, Text
from cnnlang.backends.diagram.letters import width
from cnnlang.backends.diagram.page import volumes
from cnnlang.backends.diagram.palette import LIGHT
from cnnlang.backends.diagram.pinned import pinned
from cnnlang.backends.diagram.repeats import fold
from cnnlang.backends.diagram.scopes import arrange
from cnnlang.backends.diagram.vector import svg
from cnnlang.backends.diagram.volumes.captions import words
from cnnlang.backends.diagram.volumes.model import Volume
from cnnlang.backends.diagram.volumes.reading import collect
from cnnlang.backends.diagram.volumes.rows import Rows, lanes
from cnnlang.backends.diagram.volumes.solid import Scale, mix, solid
from cnnlang.backends.diagram.volumes.stairs import descends, skips
from cnnlang.cli.group import command
from tests.zoo.comparison import reference

DRAWN = [
    ("zoo:alexnet", None),
    ("zoo:vgg19", None),
    ("zoo:resnet152", None),
    ("zoo:densenet201", None),
    ("zoo:googlenet", None),
    ("zoo:inception_v3", None),
    ("zoo:mobilenet_v2", None),
    ("zoo:efficientnet_v2_l", None),
    ("zoo:convnext_tiny", None),
    ("zoo:regnet_y_128gf", None),
    ("zoo:shufflenet_v2_x0_5", None),
    ("zoo:squeezenet1_0", None),
    ("examples/lenet5.cnn", None),
    ("examples/unet.cnn", "UNet"),
    ("examples/unet.cnn", "UNetNamed"),
    ("examples/siamese.cnn", None),
    ("examples/textcnn.cnn", None),
    ("examples/nin.cnn", None),
    ("examples/fcn8s.cnn", None),
    ("examples/segnet.cnn", None),
    ("examples/deeplabv3.cnn", "DeepLabV3_ResNet101"),
    ("examples/yolov3_tiny.cnn", None),
    ("examples/esrgan.cnn", None),
    ("examples/m5.cnn", "M18"),
    ("examples/c3d.cnn", None),
    ("examples/lenet5_1998.cnn", None),
    ("examples/autoencoder.cnn", None),
    ("examples/dcgan.cnn", "Generator"),
]
drawn = pytest.mark.parametrize(("file", "network"), DRAWN, ids=lambda each: str(each))


def maps(file: str, network: str | None = None) -> list[Volume]:
    graph = compile_file(file, network)[0]
    sets = valid_sizes(graph)[0]
    return collect(fold(arrange(graph)), {s: sets[s].ordinary for s in graph.free})


def written(tmp_path: Path, body: str) -> str:
    path = tmp_path / "net.cnn"
    path.write_text(f"network Net {{\n{body}\n}}\n")
    return str(path)


def told(found: list[Volume]) -> list[str]:
    """Each map in a line: what it is, and its shape."""
    return [
        " ".join([*filter(None, words(v)), "x".join(map(str, (v.channels, *v.spatial)))])
        for v in found
    ]


# --- which maps ----------------------------------------------------------------------------------


def test_a_plain_network_has_a_map_for_every_layer() -> None:
    assert told(maps("examples/lenet5.cnn")) == [
        "input 1x32x32",
        "Conv 5×5 6x28x28",
        "AvgPool 2×2 6x14x14",
        "Conv 5×5 16x10x10",
        "AvgPool 2×2 16x5x5",
        "Conv 5×5 120x1x1",
        "Dense 84",
        "Dense 10",
    ]


def test_blocks_of_one_kind_in_a_row_are_one_map() -> None:
    """What is left is the table of the paper, line by line."""
    assert told(maps("zoo:mobilenet_v2"))[1:10] == [
        "Conv 3×3 32x112x112",
        "Inverted 16x112x112",
        "Inverted ×2 24x56x56",
        "Inverted ×3 32x28x28",
        "Inverted ×4 64x14x14",
        "Inverted ×3 96x14x14",
        "Inverted ×3 160x7x7",
        "Inverted 320x7x7",
        "Conv 1×1 1280x7x7",
    ]
    stages = [each for each in maps("zoo:resnet152") if each.residual]
    assert [(each.name, each.kind, each.times) for each in stages] == [
        ("layer1", "Bottleneck", 3),
        ("layer2", "Bottleneck", 8),
        ("layer3", "Bottleneck", 36),
        ("layer4", "Bottleneck", 3),
    ]


def test_blocks_that_grow_have_the_channels_of_the_last() -> None:
    found = [each for each in maps("zoo:densenet121") if each.kind == "DenseLayer"]
    assert [(each.times, each.channels) for each in found] == [
        (6, 256),
        (12, 512),
        (24, 1024),
        (16, 1024),
    ]


@drawn
def test_the_maps_together_cost_what_the_network_costs(file: str, network: str | None) -> None:
    found = maps(file, network)
    total = cnnlang.summarise(file, network)
    assert total.macs in (None, sum(each.macs for each in found))
    if not file.startswith(("zoo:googlenet", "zoo:inception")):
        assert total.parameters == sum(each.parameters for each in found)


def test_branches_are_shares_of_a_map() -> None:
    (found,) = [each for each in maps("zoo:googlenet") if each.name == "inception3a"]
    assert [(part.channels, part.category) for part in found.parts] == [
        (64, "conv"),
        (128, "conv"),
        (32, "conv"),
        (32, "conv"),
    ]


def test_heads_for_training_are_left_out() -> None:
    assert not any("aux" in each.name for each in maps("zoo:googlenet"))
    texts = [
        m.text
        for m in volumes(compile_file("zoo:googlenet")[0], "light").flat
        if isinstance(m, Text)
    ]
    assert any("heads for training alone are left out" in text for text in texts)


def test_an_encoder_decoder_goes_down_and_up() -> None:
    found = maps("examples/unet.cnn", "UNetNamed")
    assert descends(found)
    assert [(a.spatial, b.spatial) for a, b in skips(found)] == [
        ((size, size), (size, size)) for size in (28, 56, 112, 224)
    ]
    assert [part.skip for part in found[-4].parts] == [False, True]
    assert found[-4].parts[0].category == "transposed"
    assert not descends(maps("zoo:resnet18"))


def test_unpooling_takes_places_across() -> None:
    found = maps("examples/segnet.cnn")
    assert descends(found)
    drawing = volumes(compile_file("examples/segnet.cnn")[0], "light")
    texts = [mark.text for mark in drawing.flat if isinstance(mark, Text)]
    assert "places of the largest · 64 ch" in texts


def test_a_detector_with_two_heads_has_two_paths() -> None:
    found = maps("examples/yolov3_tiny.cnn")
    assert not descends(found)
    assert len(lanes(found)) == 2
    assert [each.name for each in found if each.outputs] == ["large", "small"]


def test_a_tensor_that_gives_only_its_size_is_no_skip() -> None:
    """Both use `upsample(like=...)` or `crop(like=...)`, whose tensor is not computed with."""
    for file, network in (("deeplabv3", "DeepLabV3_ResNet50"), ("fcn8s", None)):
        found = maps(f"examples/{file}.cnn", network)
        assert not any(found[0] in each.inputs for each in found[2:])


def test_every_path_has_a_lane() -> None:
    found = lanes(maps("examples/siamese.cnn"))
    assert [len(lane) for lane in found] == [11, 9]
    assert words(found[0][-2]) == ("subtract", "")
    assert [len(lane) for lane in lanes(maps("examples/textcnn.cnn"))] == [6, 2, 2]


def test_a_named_skip_goes_over_the_maps_between(tmp_path: Path) -> None:
    body = """input 3x16x16
        start: conv(8, 3x3, padding=1)
        conv(8, 3x3, padding=1) -> relu -> conv(8, 3x3, padding=1) -> add(start)"""
    found = maps(written(tmp_path, body))
    assert found[-1].joins == [found[1]]
    drawing = volumes(compile_file(written(tmp_path, body))[0], "light")
    assert any(isinstance(each, Line) and each.curved for each in drawing.flat)


def test_one_and_three_axes(tmp_path: Path) -> None:
    """A line is a sheet, and a cube has its last two axes to scale."""
    line = maps(written(tmp_path, "input 4x64\nconv(8, 3) -> dense(2, axis=channels)"))
    assert [each.spatial for each in line] == [(64,), (62,), (62,)]
    cube = maps(written(tmp_path, "input 3x8x16x16\nconv(8, 3, padding=1) -> maxpool(2)"))
    assert [each.spatial for each in cube] == [(8, 16, 16), (8, 16, 16), (4, 8, 8)]
    assert "8×16×16" in svg(volumes(compile_file(str(tmp_path / "net.cnn"))[0], "light"))


# --- how large -----------------------------------------------------------------------------------


def test_boxes_are_to_scale() -> None:
    scale = Scale(224)
    large, small = (Volume([], 64, (n, n), "conv", "", "Conv") for n in (224, 56))
    wide = Volume([], 256, (56, 56), "conv", "", "Conv")
    assert scale.extent(large)[1] / scale.extent(small)[1] == pytest.approx(4**0.55)
    assert scale.extent(wide)[0] / scale.extent(small)[0] == pytest.approx(2)
    box = solid(large, scale, 10.0, 100.0)
    assert (box.top + box.bottom) / 2 == pytest.approx(box.middle) == 100.0


def test_letters_are_as_wide_as_in_helvetica() -> None:
    assert width("Conv 3×3", 1000) == 722 + 556 + 556 + 500 + 278 + 556 + 584 + 556
    assert width("il", 10, bold=True) == pytest.approx(5.56)
    assert width("字", 1000) == 667


def test_colours_are_mixed() -> None:
    assert mix("#FFFFFF", "#000000", 0.5) == "#808080"
    assert mix("#0072B2", "#FFFFFF", 0) == "#0072B2"


# --- the drawing ---------------------------------------------------------------------------------


def apart(a: Box, b: Box) -> bool:
    slack = 0.5
    return a[0] > b[2] - slack or b[0] > a[2] - slack or a[1] > b[3] - slack or b[1] > a[3] - slack


@drawn
def test_no_text_lies_on_another(file: str, network: str | None) -> None:
    drawing = volumes(compile_file(file, network)[0], "light")
    texts = [mark for mark in drawing.flat if isinstance(mark, Text)]
    clashes = [(a.text, b.text) for a, b in combinations(texts, 2) if not apart(a.box, b.box)]
    assert clashes == []


@pytest.mark.zoo
@pytest.mark.parametrize("name", sorted(reference()))
def test_no_text_lies_on_another_in_the_library(name: str) -> None:
    test_no_text_lies_on_another(f"zoo:{name}", None)


@drawn
def test_a_figure_is_a_page_wide_at_most(file: str, network: str | None) -> None:
    left, top, right, bottom = volumes(compile_file(file, network)[0], "light").box
    assert right - left < 1300
    assert bottom - top < 900


def test_numbers_are_those_of_the_network() -> None:
    texts = [
        m.text
        for m in volumes(compile_file("zoo:resnet18")[0], "light").flat
        if isinstance(m, Text)
    ]
    assert texts[:3] == ["3", "64", "112"] or "64" in texts
    assert "3×224×224 input  ·  11.7M parameters  ·  1.81G MACs" in texts
    assert any(text.startswith("drawn for H = 224, W = 224.") for text in texts)
    assert "adds its input" in texts


# --- files ---------------------------------------------------------------------------------------


def test_the_vector_picture_is_well_formed_and_tells_more(tmp_path: Path) -> None:
    body = 'input 3x16x16\n"a<b&c": conv(8, 3x3) -> relu'
    drawing = volumes(compile_file(written(tmp_path, body))[0], "light")
    tree = ElementTree.fromstring(svg(drawing).encode())
    space = "{http://www.w3.org/2000/svg}"
    titles = [each.text or "" for each in tree.iter(f"{space}title")]
    assert titles[0] == "Net: 3×16×16 input  ·  224 parameters  ·  42.3k MACs"
    assert "a<b&c  Conv 3×3\n8×14×14\nreceptive field 3x3 /1\n224 parameters, 42,336 MACs" in titles
    assert "a<b&c" in [each.text for each in tree.iter(f"{space}text")]


def test_graphviz_text_is_pinned() -> None:
    drawing = Drawing("t", "#FFFFFF")
    drawing.add(
        Polygon(((0, 0), (10, 0), (10, 10)), "#FF0000", "#000000"),
        Line(((0, 0), (5, 5), (6, 6), (10, 10)), "#00FF00", dashed=True, curved=True),
        Text((5, 5), "middle", 10, "#000000"),
    )
    source = pinned(drawing)
    assert "layout=nop2" in source
    left, _, _, bottom = drawing.box
    x, y = 16 - left, bottom + 16
    assert f"P 3 {x:.2f} {y:.2f} {x + 10:.2f} {y:.2f} {x + 10:.2f} {y - 10:.2f}" in source
    dashes = re.findall(r"L 2 ([-\d.]+) ([-\d.]+) ([-\d.]+) ([-\d.]+)", source)
    lengths = [dist((float(a), float(b)), (float(c), float(d))) for a, b, c, d in dashes]
    assert max(lengths) <= 5.01
    assert sum(lengths) == pytest.approx(10, abs=0.1)
    assert f'pos="{x + 5:.2f},{y - 2:.2f}!"' in source


@pytest.mark.parametrize(
    ("format", "start"),
    [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph")],
)
def test_formats(tmp_path: Path, format: str, start: bytes) -> None:
    output = tmp_path / f"net.{format}"
    data = cnnlang.draw("examples/lenet5.cnn", style="volumes", output=output)
    assert data == output.read_bytes()
    assert data.startswith(start)


def test_a_figure_of_many_marks_is_read_by_graphviz() -> None:
    """Graphviz reads strings of 16,384 letters at the most."""
    text = pinned(volumes(compile_file("zoo:densenet201")[0], "light"))
    assert max(map(len, re.findall(r'"[^"]*"', text))) < 16_384 < len(text)
    assert cnnlang.draw("zoo:densenet201", style="volumes", format="pdf").startswith(b"%PDF")


def test_the_page_of_a_pdf_ends_where_the_figure_ends() -> None:
    left, top, right, bottom = volumes(compile_file("examples/lenet5.cnn")[0], "light").box
    pdf = cnnlang.draw("examples/lenet5.cnn", style="volumes", format="pdf")
    found = re.search(rb"/MediaBox \[ ?([-0-9. ]+)\]", pdf)
    assert found is not None
    x0, y0, x1, y1 = map(float, found[1].split())
    assert x1 - x0 == pytest.approx(right - left + 32, abs=12)
    assert y1 - y0 == pytest.approx(bottom - top + 32, abs=12)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lenet = str(Path("examples/lenet5.cnn").resolve())
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    assert run(command, ["draw", lenet, "--style", "volumes", "--theme", "dark"]).exit_code == 0
    assert LIGHT.background not in Path("LeNet5.svg").read_text().split("/>")[0]
    wrong = run(command, ["draw", lenet, "--style", "volumes", "--direction", "LR"])
    assert wrong.exit_code == 2
    assert "the style volumes has none" in wrong.output


def test_options_that_do_not_exist() -> None:
    for options in ({"style": "cubes"}, {"theme": "blue"}, {"format": "gif"}):
        with pytest.raises(ValueError, match="is one of"):
            cnnlang.draw("examples/lenet5.cnn", **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="has no direction"):
        cnnlang.draw("examples/lenet5.cnn", style="volumes", direction="LR")


def test_paths_part_at_the_edge_of_the_map_that_they_share(tmp_path: Path) -> None:
    """The first of several branches does not hide the map from which all of them start."""
    body = """input 3x16x16
        stem: conv(8, 3x3, padding=1)
        concat { | conv(8, 1x1) | conv(8, 3x3, padding=1) }"""
    found = maps(written(tmp_path, body))
    rows = Rows(found, Scale(16), LIGHT, Drawing("", "#FFFFFF"))
    rows.draw()
    _, stem, first, *_ = (rows.boxes[each] for each in found)
    assert first.left - stem.right >= 30
