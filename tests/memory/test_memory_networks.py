"""The memory of whole networks: predicted beside measured, and what follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from cnnlang.analysis.memory import Setting, Unpredictable, memory, setting
from cnnlang.api import compile_file
from cnnlang.graph import Graph
from tests.memory.comparison import both, compiled
from tests.memory.live import Live

EXAMPLES = Path(__file__).parents[2] / "examples"
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("one_thread")]


def example(file: str, network: str | None = None, *shape: int) -> Graph:
    return compile_file(EXAMPLES / f"{file}.cnn", network, shapes={0: shape} if shape else None)[0]


SETTINGS = [
    Setting(device="cpu"),
    Setting(optimizer="momentum", device="cpu"),
    Setting(optimizer="adam", device="cpu"),
    Setting(optimizer="adamw", device="cpu"),
    Setting("float64", "float64", device="cpu"),
    Setting("bf16", "bf16", device="cpu"),
    Setting("bf16", "float32", device="cpu"),
]


@pytest.mark.parametrize("asked", SETTINGS, ids=str)
def test_a_small_network_in_every_setting(asked: Setting) -> None:
    predicted, measured = both(example("lenet5"), asked)
    assert predicted == measured


def test_a_gpu_takes_the_roots_of_all_parameters_at_once() -> None:
    """As PyTorch does with `foreach`; Adam has its counts of steps in the memory of the CPU."""
    graph = example("lenet5")
    predicted, measured = both(graph, Setting(optimizer="adamw"))
    assert predicted.training == measured.training - 4 * PARAMETERS
    assert predicted.saved == measured.saved


PARAMETERS = 10
"""Weights and biases of LeNet-5."""
NETWORKS = [
    ("zoo:resnet18", (3, 64, 64)),
    ("zoo:mobilenet_v3_small", (3, 64, 64)),
    ("zoo:shufflenet_v2_x0_5", (3, 64, 64)),
    ("zoo:squeezenet1_1", (3, 64, 64)),
    ("zoo:mnasnet0_5", (3, 64, 64)),
]


@pytest.mark.parametrize(("name", "shape"), NETWORKS)
def test_torchvision_networks_in_float32(name: str, shape: tuple[int, ...]) -> None:
    graph, _ = compile_file(name, shapes={0: shape})
    predicted, measured = both(graph, Setting(device="cpu"))
    assert predicted.saved == measured.saved
    assert predicted.training == pytest.approx(measured.training, rel=0.001)
    assert predicted.inference == pytest.approx(measured.inference, rel=0.01)


@pytest.mark.parametrize(("name", "shape"), NETWORKS[1:3])
def test_torchvision_networks_under_autocast(name: str, shape: tuple[int, ...]) -> None:
    graph, _ = compile_file(name, shapes={0: shape})
    predicted, measured = both(graph, Setting("bf16", device="cpu"))
    assert predicted.saved == measured.saved
    assert predicted.training == pytest.approx(measured.training, rel=0.03)
    assert predicted.inference == pytest.approx(measured.inference, rel=0.03)


# --- random networks -----------------------------------------------------------------------------

CHAINS = (
    "conv(6, 3x3, padding=1) -> batchnorm -> relu",
    "conv(6, 1x1, bias=false) -> silu",
    "depthwise(3x3, padding=same) -> groupnorm(2)",
    "maxpool(3x3, stride=1, padding=1)",
    "dropout(0.2)",
    "layernorm(axis=channels) -> dense(6, axis=channels) -> gelu",
    "lrn(3) -> hardswish",
    "scale(0.5) -> sigmoid",
)


@st.composite
def chains(draw: st.DrawFn) -> list[str]:
    return draw(st.lists(st.sampled_from(CHAINS), min_size=1, max_size=3))


@st.composite
def networks(draw: st.DrawFn) -> str:
    """Chains, residuals and concatenations over a map of six channels, then a classifier."""
    lines = ["input 6x8x8", "conv(6, 3x3, padding=1)"]
    for _ in range(draw(st.integers(1, 3))):
        body = draw(chains())
        match draw(st.sampled_from(["chain", "residual", "concat", "gate"])):
            case "chain":
                lines += body
            case "residual":
                lines += ["residual {", *body, "}", "relu"]
            case "concat":
                branches = [f"| {' -> '.join(draw(chains()))}" for _ in range(2)]
                lines += ["concat {", *branches, "}", "conv(6, 1x1)"]
            case _:
                gate = "global_avgpool -> conv(6, 1x1) -> sigmoid"
                lines += ["multiply(broadcast=true) {", "| identity", f"| {gate}", "}"]
    lines += ["global_avgpool -> flatten -> dense(4)"]
    return "\n".join(["network N {", *(f"    {line}" for line in lines), "}"])


@settings(max_examples=15, deadline=None, derandomize=True)
@given(networks())
def test_random_networks(text: str) -> None:
    graph = compiled(text)
    assert graph is not None, text
    predicted, measured = both(graph, Setting(device="cpu"))
    assert predicted.saved == measured.saved
    copied = "layernorm" in text  # a gradient whose axes are in another order may be copied
    assert predicted.training == pytest.approx(measured.training, rel=0.15 if copied else 0.001)


# --- laws ----------------------------------------------------------------------------------------


@given(st.integers(10**5, 10**9), st.booleans())
def test_the_largest_batch_fits_and_the_next_does_not(limit: int, training: bool) -> None:
    found = memory(LENET, Setting())
    largest = found.largest(limit, training)
    assert largest == 0 or found.peak(largest, training) <= limit
    assert found.peak(largest + 1, training) > limit


LENET = example("lenet5")


@given(st.integers(1, 1000))
def test_peaks_grow_with_the_batch(batch: int) -> None:
    found = memory(LENET, Setting())
    assert found.peak(batch) < found.peak(batch + 1)
    assert found.peak(batch, training=False) < found.peak(batch)


def test_shared_weights_count_once_and_their_gradients_meet() -> None:
    predicted, measured = both(example("siamese"), Setting(device="cpu"), batch=1)
    assert predicted.saved == measured.saved
    assert predicted.training == pytest.approx(measured.training, rel=0.001)


def test_training_outputs_have_losses_of_their_own() -> None:
    text = """network N {
        input 3x8x8
        conv(4, 3x3)
        relu -> mid: conv(4, 3x3)
        global_avgpool -> flatten -> logits: dense(3)
        mid -> global_avgpool -> flatten -> aux: dense(3)
        output logits
        output training logits, aux
    }"""
    graph = compiled(text)
    assert graph is not None
    predicted, measured = both(graph, Setting(device="cpu"))
    assert (predicted.saved, predicted.training) == (measured.saved, measured.training)


def test_what_leads_to_no_output_is_not_kept() -> None:
    text = """network N {
        input x: 3x16x16
        x -> conv(4, 5x5) -> relu
        x -> conv(4, 4x4, padding=same, dilation=2)
        x -> separable(8, 3x3, padding=[[1, 0], [0, 1]])
    }"""
    graph = compiled(text)
    assert graph is not None
    predicted, measured = both(graph, Setting(device="cpu"))
    assert predicted == measured


def test_a_network_of_views_needs_its_input() -> None:
    graph = compiled("network N {\n    input 3x8x8\n    flatten\n}")
    assert graph is not None
    assert memory(graph, Setting()).peak(2, training=False) == 2 * 4 * 3 * 64


def test_a_network_without_parameters_saves_nothing() -> None:
    graph = compiled("network N {\n    input 3x8x8\n    relu -> maxpool(2x2) -> dropout\n}")
    assert graph is not None
    found = memory(graph, Setting(device="cpu"))
    assert found.saved.at(8) == found.gradients == found.state == 0


def test_what_a_network_needs_is_not_known_for_free_sizes_and_externs(tmp_path: Path) -> None:
    with pytest.raises(Unpredictable, match="free dimensions H, W"):
        memory(example("resnet", "ResNet18"), Setting())
    graph = compiled(
        'extern Blur(n): [C] -> [C] from "a:B"\nnetwork N {\n    input 3\n    Blur(n=1)\n}'
    )
    assert graph is not None
    with pytest.raises(Unpredictable, match="`Blur` is extern") as caught:
        memory(graph, Setting())
    assert caught.value.span is not None and caught.value.span.text.startswith("Blur")


def test_settings_that_do_not_go_together() -> None:
    assert setting("bf16") == Setting("bf16", "float32")
    assert setting("float64").weights == "float64"
    with pytest.raises(ValueError, match="bf16 goes with weights of bf16, not float64"):
        setting("bf16", "float64")


def test_a_gpu_keeps_small_masks_and_takes_all_roots_at_once() -> None:
    graph = compiled("network N {\n    input 4\n    dense(8) -> dropout -> dense(2)\n}")
    assert graph is not None
    cpu, cuda = (memory(graph, Setting(optimizer="adam", device=d)) for d in ("cpu", "cuda"))
    assert cpu.saved.each - cuda.saved.each == 8 * (4 - 1)
    assert cpu.state - cuda.state == 4 * 4


# --- the instrument ------------------------------------------------------------------------------


class Residual(nn.Module):
    """Gradients meet at the input of both convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = F.relu(self.second(x) + x)
        return torch.cat([self.second(x), x.tanh(), x], 1).mean((2, 3))


def test_the_instrument_adds_up_gradients_where_the_engine_does() -> None:
    """Without the instrument, the profiler sees as many sums that take new memory."""
    module, x = Residual(), torch.rand(2, 3, 8, 8)
    total = module(x).sum()
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        total.backward()
    names = [each.name for each in seen.events()]
    module.zero_grad()
    counted: list[str] = []
    total = module(x).sum()
    with Counting(counted):
        total.backward()
    for name in ("aten::add", "aten::add_"):
        assert counted.count(name) == names.count(name) > 0


class Counting(Live):
    """Lists the operators that run."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names

    def ran(self, func: object) -> None:
        self.names.append(str(func).replace("aten.", "aten::").split(".")[0])
