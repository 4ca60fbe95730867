"""Receptive fields against the gradients of the real modules, and against published ones."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from torch import nn

import cnnlang
from cnnlang.analysis.costs import reached
from cnnlang.analysis.fields import Field, receptive, words
from cnnlang.analysis.ordinary import usual_sizes
from cnnlang.api import compile_file
from cnnlang.backends.module import instantiate
from cnnlang.graph import Graph

pytestmark = pytest.mark.usefixtures("one_thread")

EXAMPLES = Path(__file__).parents[1] / "examples"


# --- the measured field --------------------------------------------------------------------------


@contextmanager
def smooth() -> Iterator[None]:
    """Max pooling as a sum: its gradient reaches the whole window, not only the largest."""
    with pytest.MonkeyPatch.context() as patch:
        for axes in (1, 2, 3):
            name = f"max_pool{axes}d"
            patch.setattr(F, name, partial(summed, axes, getattr(F, name)))
        yield


def summed(
    axes: int,
    pool: Callable[..., torch.Tensor],
    x: torch.Tensor,
    kernel: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    **options: Any,
) -> torch.Tensor:
    """The mean of every window, with the options of max pooling and the size that it gives."""
    size = pool(x, kernel, stride, padding, dilation, **options).shape[2:]
    taps = kernel if isinstance(kernel, tuple) else (kernel,) * axes
    weight = torch.ones((x.shape[1], 1, *taps), dtype=x.dtype) / prod(taps)
    convolve = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    wide = F.pad(torch.where(x.isinf(), 0, x), (0, 8) * axes)
    stride = kernel if stride is None else stride
    found = convolve(wide, weight, None, stride, padding, dilation, groups=x.shape[1])
    return found[(..., *(slice(n) for n in size))]


def positive(module: nn.Module) -> nn.Module:
    """The module in evaluation with weights that let nothing cancel or vanish."""
    torch.manual_seed(0)
    module = module.double().eval()
    for weight in module.parameters():
        fan = max(1, weight[0].numel()) if weight.dim() > 1 else 1
        nn.init.uniform_(weight, 0.25 / fan, 0.75 / fan)
    return module


def measured(graph: Graph, node: int, place: tuple[int, ...]) -> Any:
    """The first and the last position with a gradient, for every input and spatial axis."""
    module = positive(instantiate(graph))
    shapes = [graph.nodes[i].output.shape for i in graph.inputs]
    inputs = [torch.rand(1, *shape, dtype=torch.double, requires_grad=True) for shape in shapes]
    with smooth(), caught(module, graph, node) as found:
        result = module(*inputs)
    result = found[0] if node not in graph.outputs else result
    result[(0, slice(None), *place)].sum().backward()
    ends = []
    for each in inputs:
        used = [] if each.grad is None else each.grad[0].nonzero()[:, 1:]
        ends.append([(int(c.min()), int(c.max())) for c in used.T] if len(used) else None)
    return ends


@contextmanager
def caught(module: nn.Module, graph: Graph, node: int) -> Iterator[list[torch.Tensor]]:
    """What a node gives: the output of its module, or what a module that follows it takes in."""
    own, found = dict(module.named_modules()), list[torch.Tensor]()
    mine, user = place_of(graph, node, own)
    if user:
        handle = own[user].register_forward_pre_hook(lambda _, given: found.append(given[0]))
    else:
        handle = own[mine].register_forward_hook(lambda _, given, made: found.append(made))
    yield found
    handle.remove()


def place_of(graph: Graph, node: int, own: Container[str]) -> tuple[str, str]:
    """The module that makes a tensor, and the first that takes it in, empty if there is none."""
    mine = ".".join(graph.nodes[node].path)
    users = (".".join(each.path) for each in graph.nodes if each.inputs[:1] == (node,))
    return mine if mine in own else "", next((each for each in users if each in own), "")


def predicted(fields: Any, graph: Graph, place: tuple[int, ...]) -> Any:
    """The same as the analysis has it."""
    return [
        [ends(each, place) for each in fields[name]] if name in fields else None
        for name in (graph.nodes[i].name for i in graph.inputs)
    ]


def ends(field: Field, place: tuple[int, ...]) -> tuple[int, int]:
    assert field.exact and field.read.axis is not None
    o = place[field.read.axis - 1]
    return field.read.low(o), field.read.high(o)


def middle(graph: Graph, node: int) -> tuple[int, ...]:
    return tuple(size // 2 for size in graph.nodes[node].output.shape[1:])


def fits(graph: Graph, wanted: Any) -> bool:
    """True if the fields lie within the inputs."""
    shapes = [graph.nodes[i].output.shape[1:] for i in graph.inputs]
    return all(
        low >= 0 and high < size
        for shape, axes in zip(shapes, wanted, strict=True)
        for size, (low, high) in zip(shape, axes or (), strict=False)
    )


def agrees(graph: Graph, node: int | None = None, shift: int = 0) -> bool:
    """The field of a position near the middle is what gradients show; false if it is too large."""
    node = graph.outputs[0] if node is None else node
    place = tuple(each + shift for each in middle(graph, node))
    wanted = predicted(receptive(graph, {})[node], graph, place)
    if not fits(graph, wanted):
        return False
    assert measured(graph, node, place) == wanted
    return True


def compiled(text: str, folder: Path, **options: Any) -> Graph:
    file = folder / "n.cnn"
    file.write_text(text)
    return compile_file(file, **options)[0]


# --- drawn networks ------------------------------------------------------------------------------

SIZES = {1: "240", 2: "64x56", 3: "22x20x21"}


def spread(axes: int, before: int, after: int) -> str:
    return "[" + ", ".join([f"[{before}, {after}]"] * axes) + "]"


def layers(axes: int) -> st.SearchStrategy[str]:
    """Layers that shift, thin out or enlarge a map."""
    n, two = st.integers(1, 3), st.integers(1, 2)
    return st.one_of(
        st.builds(
            lambda k, s, d, p: f"conv(2, {k}, stride={s}, dilation={d}, padding={p})",
            n, two, n, st.sampled_from([0, 1, "same"]),
        ),
        st.builds(
            lambda kind, k, s: f"{kind}({k}, stride={s}, ceil=true)",
            st.sampled_from(["maxpool", "avgpool"]), n, two,
        ),
        st.builds(
            lambda k, s, p: f"conv_transpose(2, {k + s - 1}, stride={s}, padding={p})", n, n, two
        ),
        st.builds(
            lambda s, mode: f"upsample({s}, mode={mode})",
            st.integers(2, 3), st.sampled_from(["nearest", "linear", "nearest_exact"]),
        ),
        st.builds(
            lambda kind, a, b: f"{kind}({spread(axes, a, b)})",
            st.sampled_from(["crop", "pad"]), n, n,
        ),
        st.sampled_from(["depthwise(3)", "separable(2, 2x1)", "blurpool"][: 1 if axes != 2 else 3]),
    )  # fmt: skip


def branches(axes: int) -> st.SearchStrategy[str]:
    """Branches of one size, where that is a multiple of four."""
    keeping = st.one_of(
        st.builds(lambda d: f"conv(2, 3, dilation={d}, padding=same)", st.integers(1, 3)),
        st.builds(
            lambda s, up: f"conv(2, {s}, stride={s}) -> {up.format(s=s)}",
            st.sampled_from([2, 4]),
            st.sampled_from(["upsample({s}, mode=linear)", "conv_transpose(2, {s}, stride={s})"]),
        ),
        st.builds(lambda a: f"pad({spread(axes, a, 0)}) -> crop({spread(axes, 0, a)})", st.just(2)),
    )
    return st.builds(
        lambda merge, parts: f"{merge} {{ {' '.join(f'| {part}' for part in parts)} }} conv(2, 1)",
        st.sampled_from(["add", "concat", "average"]),
        st.lists(keeping | st.just("identity -> conv(2, 1)"), min_size=2, max_size=3),
    )


@st.composite
def programs(draw: Any) -> str:
    """A network over 1, 2 or 3 axes."""
    axes = draw(st.integers(1, 3))
    items = st.lists(layers(axes) | branches(axes), min_size=1, max_size=5 - axes // 3)
    body = "\n    ".join(each.replace("} conv", "}\n    conv") for each in draw(items))
    return f"network N {{\n    input 2x{SIZES[axes]}\n    conv(2, 1)\n    {body}\n}}\n"


@settings(
    max_examples=45,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
@given(programs(), st.integers(0, 3))
def test_drawn_networks_read_what_their_gradients_show(
    tmp_path_factory: pytest.TempPathFactory, program: str, shift: int
) -> None:
    try:
        graph = compiled(program, tmp_path_factory.mktemp("drawn"))
    except cnnlang.CompileError:
        reject()
    TRIED.append(agrees(graph, shift=shift))


TRIED: list[bool] = []


def test_most_drawn_networks_were_measured() -> None:
    assert sum(TRIED) > 20


# --- published fields ----------------------------------------------------------------------------


def told(path: str, name: str | None = None) -> str:
    """The field of the last map of a network that does not see the whole image."""
    graph = compile_file(path, name)[0]
    found = [words(each) for each in receptive(graph, usual_sizes(graph))]
    return next(each for each in reversed(found) if each not in ("", "all"))


@pytest.mark.parametrize(
    ("network", "field"),
    [
        ("alexnet", "195x195 /32"),
        ("vgg16", "212x212 /32"),
        ("inception_v3", "1311x1311 /32"),
        ("resnet18", "435x435 /32"),
        ("resnet50", "427x427 /32"),
    ],
)
def test_published_networks(network: str, field: str) -> None:
    """The table of Araujo et al. 2019, but for the ResNets.

    Theirs have the stride in another layer of a block; see the next test. Their AlexNet is the one
    with a single tower, which torchvision's is too.
    """
    assert told(f"zoo:{network}") == field


HEAVY = pytest.mark.zoo


@pytest.mark.parametrize(
    ("path", "name", "strip"),
    [
        ("zoo:alexnet", None, (260, 63)),
        ("zoo:resnet18", None, (500, 32)),
        ("zoo:googlenet", None, (480, 32)),
        ("zoo:mobilenet_v2", None, (560, 32)),
        (EXAMPLES / "unet.cnn", "UNet", (256, 16)),
        pytest.param("zoo:vgg16", None, (272, 32), marks=HEAVY),
        pytest.param("zoo:resnet50", None, (480, 32), marks=HEAVY),
        pytest.param("zoo:inception_v3", None, (1400, 299), marks=HEAVY),
        pytest.param("zoo:densenet121", None, (2140, 32), marks=HEAVY),
        pytest.param("zoo:mnasnet1_0", None, (900, 32), marks=HEAVY),
        pytest.param("zoo:shufflenet_v2_x1_0", None, (1500, 32), marks=HEAVY),
        pytest.param("zoo:squeezenet1_0", None, (300, 32), marks=HEAVY),
        pytest.param("zoo:convnext_tiny", None, (1900, 32), marks=HEAVY),
    ],
)
def test_published_networks_read_what_their_gradients_show(
    path: str, name: str | None, strip: tuple[int, int]
) -> None:
    """Over the height; the width is kept small, and its fields end at the borders."""
    graph = compile_file(path, name, shapes={0: (3, *strip)})[0]
    fields = receptive(graph, {})
    needed = reached(graph, graph.outputs)
    own = {name for name, _ in instantiate(graph, device="meta").named_modules()}
    maps = [i for i in needed if words(fields[i]) not in ("", "all")]
    node = max(i for i in maps if any(place_of(graph, i, own)))
    place = middle(graph, node)
    wanted, _ = predicted(fields[node], graph, place)[0]
    assert wanted[0] >= 0 and wanted[1] < strip[0]
    found, _ = measured(graph, node, place)[0]
    assert found == wanted


# --- what it says --------------------------------------------------------------------------------


def fields_of(text: str, folder: Path) -> list[str]:
    graph = compiled(text, folder)
    return [words(each) for each in receptive(graph, usual_sizes(graph))]


CAFFE = """\
block Bottleneck(width, stride = 1) {
    residual {
        conv(width, 1x1, stride=stride)
        conv(width, 3x3, padding=1)
        conv(4 * width, 1x1)
    } shortcut { conv(4 * width, 1x1, stride=stride) }
}
network ResNet50 {
    input 3xHxW
    conv(8, 7x7, stride=2, padding=3) -> maxpool(3x3, stride=2, padding=1)
    for stride, depth in [(1, 3), (2, 4), (2, 6), (2, 3)] {
        for i in range(depth) { Bottleneck(2, stride if i == 0 else 1) }
    }
}
"""


def test_resnet50_with_the_stride_in_the_first_layer_of_a_block(tmp_path: Path) -> None:
    """The 483 of Araujo et al. 2019; with the stride in the 3x3 layer it is 427."""
    assert fields_of(CAFFE, tmp_path)[-1] == "483x483 /32"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("conv(4, 3x5, stride=[2, 1])", "3x5 /2x1"),
        ("upsample(2)", "1x1 /0.5"),
        ("upsample(3, mode=bicubic)", "4x4 /0.333"),
        ("global_avgpool", "all"),
        ("mean(height, keep=true)", "allx1 /1"),
        ("mean(height) -> conv(4, 3)", "allx3 /1"),
        ("slice(width, 4, 20, 2) -> conv(4, 3)", "3x5 /1x2"),
        ("permute([channels, width, height]) -> conv(4, 3x5)", "5x3 /1"),
        ("pixel_unshuffle(2) -> conv(4, 3x3) -> pixel_shuffle(2)", "6x6 /1"),
        ("instancenorm", "all"),
        ("lrn(3, region=within)", "3x3 /1"),
        ("concat(axis=height) { | conv(3, 3x3, padding=1) | conv(3, 5x5, padding=2) }", "~5x5 /1"),
        ("flatten(height) -> gru(4)", "all"),
        ("permute([channels, width, height]) -> add(x)", "?"),
        ("adaptive_avgpool(6)", "6x6 /5.33"),
        ("adaptive_avgpool(32)", "1x1 /1"),
        ("multiply(broadcast=true) { | identity | global_avgpool }", "all"),
        ("matmul(x)", "all"),
        ("extern", "?"),
        ("conv(3, 3x3, padding=same, stride=2)", "3x3 /2"),
        ("maxpool(2x2) -> maxunpool(2x2, like=x)", "2x2 /1"),
        ("add { | identity | conv(3, 3x3, padding=same) -> adaptive_avgpool(32) }", "3x3 /1"),
        ("add { | identity | maxpool(3x3, stride=3) -> upsample(size=32) }", "~5x5 /1"),
        ("conv_transpose(3, 2x2, stride=2, dilation=3)", "2x2 /0.5"),
    ],
)
def test_fields_in_words(body: str, field: str, tmp_path: Path) -> None:
    head = 'extern Mine(): [C, H, W] -> [C, H, W] from "mine:Mine"\n'
    body = "Mine()" if body == "extern" else body
    assert fields_of(f"{head}network N {{\n input 3x32x32\n {body}\n}}\n", tmp_path)[-1] == field


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("conv(3, 3x3, stride=2) -> conv(3, 3x3, padding=same)", "7x7 /2"),
        ("conv(3, 3x3, stride=2, padding=same)", "~3x3 /2"),
        ("maxpool(2x2, ceil=true) -> upsample(like=x) -> conv(4, 3x3)", "~4x4 /1"),
        ("maxpool(2x2) -> upsample(2)", "2x2 /1"),
        ("conv(3, 3x3) -> pad(like=x)", "3x3 /1"),
        ("crop(1) -> add { | conv(3, 3x3) -> pad(1) | identity }", "3x3 /1"),
        ("crop(size=5)", "~1x1 /1"),
        ("adaptive_avgpool(2)", "all"),
    ],
)
def test_fields_do_not_wait_for_the_size(body: str, field: str, tmp_path: Path) -> None:
    assert fields_of(f"network N {{\n input 3xHxW\n {body}\n}}\n", tmp_path)[-1] == field


@pytest.mark.parametrize(
    "body",
    [
        "upsample(size=2000000011)",
        "upsample(size=2000000011, mode=area)",
        "adaptive_avgpool(1000003)",
        "conv_transpose(2, 3, stride=1000003)",
        "conv_transpose(2, 100003, stride=3, dilation=2)",
        "upsample(size=4095)\n repeat 80 { conv(2, 3x3, padding=1) }",
    ],
)
def test_what_repeats_too_seldom_costs_nothing(body: str, tmp_path: Path) -> None:
    text = f"network N {{\n input 2x4091x4091\n {body}\n}}\n"
    assert fields_of(text, tmp_path)[-1] == "?"


def test_a_field_for_every_input(tmp_path: Path) -> None:
    text = "network N {\n input a: 3x32x32\n input b: 3x30x30\n"
    text += " a -> conv(4, 3x3) -> c: conv(4, 1x1)\n b -> conv(4, 1x1) -> concat(c)\n}\n"
    graph = compiled(text, tmp_path)
    (fields,) = receptive(graph, {})[-1:]
    assert {name: (each[0].size, each[0].start) for name, each in fields.items()} == {
        "a": (3, 0),
        "b": (1, 0),
    }
    assert words(fields) == "3x3 /1, 1x1 /1"
    assert agrees(graph)


def test_numbers_have_no_field(tmp_path: Path) -> None:
    assert fields_of("network N {\n input 8\n dense(4)\n}\n", tmp_path) == ["", ""]
