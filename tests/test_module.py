"""`cnnlang.load`: the live module of a file, its source, its modes, and where it lives."""

from __future__ import annotations

import inspect
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest
import torch
from test_module_reference import EXAMPLES, check_against_reference, tupled
from torch import nn
from torch.overrides import TorchFunctionMode

import cnnlang

SMALL = """
block Unit(width, stride = 1) {
    residual {
        conv(width, 3x3, stride=stride, padding=1) -> batchnorm -> relu
        conv(width, 3x3, padding=1) -> batchnorm
    } shortcut {
        if stride != 1 or in.channels != width { conv(width, 1x1, stride=stride) }
    }
    relu
}

network Small(classes = 3) {
    input 3xHxW

    conv(8, 3x3, padding=1)
    body: stack { Unit(8) -> Unit(16, stride=2) -> Unit(16) }
    global_avgpool -> flatten -> dropout(0.5)
    head: dense(classes)
}
"""
"""A residual network of 3 units, of which two are of one kind."""

HEADS = """
network Heads(classes = 3) {
    input 3x8x8

    conv(4, 3x3, padding=1) -> relu
    early: flatten
    early -> aux: dense(classes)
    early -> dense(8) -> relu
    logits: dense(classes)

    output logits
    output training logits, aux
}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The file of a residual network."""
    return write(tmp_path, SMALL)


def write(folder: Path, program: str) -> Path:
    path = folder / "net.cnn"
    path.write_text(program)
    return path


# --- source --------------------------------------------------------------------------------------


def test_the_source_of_the_class_is_what_build_writes(small: Path) -> None:
    assert inspect.getsource(type(cnnlang.load(small))) in cnnlang.build(small)


def test_the_module_of_the_class_has_the_whole_source(small: Path) -> None:
    module = inspect.getmodule(type(cnnlang.load(small)))
    assert module and inspect.getsource(module) == cnnlang.build(small)


def test_the_source_of_forward_and_of_a_block_can_be_read(small: Path) -> None:
    net = cnnlang.load(small)
    unit = net.get_submodule("body.0")
    assert inspect.getsource(net.forward).lstrip().startswith("def forward(self, x:")
    assert inspect.getsource(type(unit)).startswith("class Unit(nn.Module):")


def test_a_traceback_shows_the_line_of_the_source(small: Path) -> None:
    net = cnnlang.load(small)
    net.body = nn.Linear(5, 5)
    with pytest.raises(RuntimeError) as caught:
        net(torch.randn(1, 3, 8, 8))
    shown = "".join(traceback.format_exception(caught.value))
    assert "x = self.body(x)" in shown and "<cnnlang Small" in shown


def test_the_same_file_gives_the_same_class_and_other_parameters_another_one(small: Path) -> None:
    assert type(cnnlang.load(small)) is type(cnnlang.load(small))
    assert type(cnnlang.load(small, classes=4)) is not type(cnnlang.load(small))


def test_threads_that_load_one_file_get_one_class(tmp_path: Path) -> None:
    path = write(tmp_path, SMALL.replace("Small", "Threaded"))
    found: list[type] = []
    load = lambda: found.append(type(cnnlang.load(path)))  # noqa: E731
    threads = [threading.Thread(target=load) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(found)) == 1


def test_the_module_says_what_it_takes(small: Path) -> None:
    assert cnnlang.load(small).cnnlang_inputs == (("x", (3, "H", "W"), "float"),)
    tokens = cnnlang.load(EXAMPLES / "textcnn.cnn", vocabulary=10)
    assert tokens.cnnlang_inputs == (("tokens", ("T",), "int"),)


def test_keyword_arguments_set_parameters_of_the_network(small: Path) -> None:
    assert cnnlang.load(small, classes=7).head.out_features == 7


def test_weights_follow_the_seed(small: Path) -> None:
    torch.manual_seed(3)
    one = cnnlang.load(small).state_dict()
    torch.manual_seed(3)
    two = cnnlang.load(small).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


# --- device, dtype and layout --------------------------------------------------------------------


def test_dtype_is_that_of_every_weight_and_output(small: Path) -> None:
    net = cnnlang.load(small, dtype=torch.float64)
    assert {each.dtype for each in net.parameters()} == {torch.float64}
    assert net(torch.randn(2, 3, 8, 8).double()).dtype == torch.float64


def test_counters_of_batches_stay_integers_in_another_dtype(small: Path) -> None:
    buffers = dict(cnnlang.load(small, dtype=torch.bfloat16).named_buffers())
    counters = [each for name, each in buffers.items() if name.endswith("num_batches_tracked")]
    assert counters and all(each.dtype == torch.int64 for each in counters)


def test_the_default_device_and_dtype_of_torch_are_followed(small: Path) -> None:
    with torch.device("meta"):
        assert cnnlang.load(small).head.weight.is_meta
    torch.set_default_dtype(torch.float64)
    try:
        assert cnnlang.load(small).head.weight.dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_module_on_meta_takes_no_memory_and_can_be_filled(small: Path) -> None:
    real, net = cnnlang.load(small).eval(), cnnlang.load(small, device="meta").eval()
    assert all(each.is_meta for each in (*net.parameters(), *net.buffers()))
    assert net(torch.empty(2, 3, 8, 8, device="meta")).shape == (2, 3)
    net.load_state_dict(real.state_dict(), assign=True)
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(net(x), real(x))


class Seen(TorchFunctionMode):
    """Takes down the names of the functions of PyTorch that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.names.add(func.__name__)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("device", "filled"), [("cpu", True), ("meta", False)])
def test_on_the_meta_device_nothing_is_initialised(device: str, filled: bool, small: Path) -> None:
    with Seen() as seen:
        cnnlang.load(small, device=device)
    assert bool(seen.names & {"kaiming_uniform_", "uniform_", "normal_"}) is filled


@pytest.mark.parametrize(
    "layer", ["conv(4, 3x3, init=orthogonal)", "scale(0.1)", "lstm(4)", "prelu", "droppath(0.1)"]
)
def test_every_kind_of_weight_can_live_on_meta(layer: str, tmp_path: Path) -> None:
    shape = "3x8" if "lstm" in layer else "3x8x8"
    net = cnnlang.load(write(tmp_path, f"network N {{ input {shape}\n {layer} }}"), device="meta")
    assert all(each.is_meta for each in net.parameters())


def test_channels_last_weights_keep_the_layout_and_the_outputs(small: Path) -> None:
    torch.manual_seed(0)
    plain = cnnlang.load(small).eval()
    net = cnnlang.load(small, memory_format=torch.channels_last).eval()
    net.load_state_dict(plain.state_dict())
    x = torch.randn(2, 3, 8, 8)
    y = net.body(net.conv1(x.to(memory_format=torch.channels_last)))
    assert net.conv1.weight.is_contiguous(memory_format=torch.channels_last)
    assert y.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(net(x.to(memory_format=torch.channels_last)), plain(x))


def test_half_precision_of_autocast_reaches_the_layers(small: Path) -> None:
    net, x = cnnlang.load(small).eval(), torch.randn(2, 3, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        found = net(x)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), net(x), rtol=0.05, atol=0.05)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_module_made_on_the_gpu_computes_there(small: Path) -> None:
    net = cnnlang.load(small, device="cuda").eval()
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(net(x.cuda()).cpu(), net.cpu()(x), rtol=1e-3, atol=1e-3)


# --- modes and outputs ---------------------------------------------------------------------------


def test_training_outputs_are_returned_in_training_mode_alone(tmp_path: Path) -> None:
    net, x = cnnlang.load(write(tmp_path, HEADS)), torch.randn(2, 3, 8, 8)
    logits, aux = net(x)
    assert logits.shape == aux.shape == (2, 3)
    torch.testing.assert_close(net.eval()(x), logits)
    assert isinstance(net.train()(x), tuple)


def test_what_only_training_needs_is_not_run_in_evaluation(tmp_path: Path) -> None:
    net = cnnlang.load(write(tmp_path, HEADS)).eval()
    net.aux.register_forward_hook(lambda *_: pytest.fail("the auxiliary head was run"))
    net(torch.randn(2, 3, 8, 8))


def test_auxiliary_heads_get_gradients(tmp_path: Path) -> None:
    net = cnnlang.load(write(tmp_path, HEADS))
    sum(each.sum() for each in net(torch.randn(2, 3, 8, 8))).backward()
    assert all(each.grad is not None for each in net.parameters())


def test_several_outputs_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    program = "network N { input 3x8x8\n a: conv(4, 1x1)\n b: conv(5, 1x1)\n output b, a, b }"
    found = cnnlang.load(write(tmp_path, program))(torch.randn(2, 3, 8, 8))
    assert [each.shape[1] for each in found] == [5, 4, 5]


def test_dropout_follows_the_mode(small: Path) -> None:
    net, x = cnnlang.load(small), torch.randn(4, 3, 8, 8)
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))


def test_statistics_of_batches_are_learned_in_training_alone(small: Path) -> None:
    net = cnnlang.load(small)
    mean = net.get_buffer("body.0.batchnorm1.running_mean")
    net.eval()(torch.randn(4, 3, 8, 8))
    assert not mean.any()
    net.train()(torch.randn(4, 3, 8, 8))
    assert mean.any()


def test_every_weight_gets_a_gradient(small: Path) -> None:
    net = cnnlang.load(small)
    net(torch.randn(4, 3, 8, 8)).sum().backward()
    assert all(each.grad is not None for each in net.parameters())


# --- inputs of many kinds ------------------------------------------------------------------------


def test_several_inputs_are_arguments_by_name(tmp_path: Path) -> None:
    program = "network N { input left: 1x6x6\n input right: 1x6x6\n left -> subtract(right) }"
    net = cnnlang.load(write(tmp_path, program))
    a, b = torch.randn(2, 1, 6, 6), torch.randn(2, 1, 6, 6)
    assert torch.equal(net(right=b, left=a), a - b)


def test_a_shared_piece_has_one_set_of_weights(tmp_path: Path) -> None:
    program = """
    network Twins {
        input left: 1x6x6
        input right: 1x6x6
        shared embed { conv(2, 3x3) -> relu -> flatten -> dense(4) }
        right -> other: embed
        left -> embed -> subtract(other)
    }
    """
    net, x = cnnlang.load(write(tmp_path, program)), torch.randn(2, 1, 6, 6)
    assert not net(x, x).any()
    assert sorted({name.split(".")[0] for name in net.state_dict()}) == ["embed"]


def test_tokens_are_integers_of_any_number() -> None:
    net = cnnlang.load(EXAMPLES / "textcnn.cnn", vocabulary=10, classes=3)
    assert [net(torch.randint(0, 10, (2, n))).shape for n in (5, 9)] == [(2, 3), (2, 3)]


@pytest.mark.parametrize(
    ("program", "sizes"),
    [
        ("input 2xL\n conv(4, 3, padding=same, stride=2) -> batchnorm -> relu", {"L": 9}),
        ("input 2xL\n residual { conv(2, 3, padding=1) } \n maxpool(2)", {"L": 9}),
        ("input 1xDxHxW\n conv(4, 3x3x3, padding=1) -> batchnorm", {"D": 4, "H": 5, "W": 6}),
        ("input 1x4x5x6\n conv(4, 3) -> concat { | conv(2, 1) | identity }", {}),
        ("input 7\n dense(5) -> relu -> residual { dense(5) -> tanh } -> dense(2)", {}),
        ("input [4, 6]\n lstm(5) -> flatten -> dense(2)", {}),
    ],
)
def test_vectors_sequences_and_volumes_are_networks_too(
    program: str, sizes: dict[str, int], tmp_path: Path
) -> None:
    check_against_reference(write(tmp_path, f"network N {{ {program} }}"), None, sizes)


@pytest.mark.parametrize("name", ["class", "block1-0", "with space", "0", 'quo"te', "back\\slash"])
def test_labels_need_not_be_names_in_python(name: str, tmp_path: Path) -> None:
    label = name.replace("\\", "\\\\").replace('"', '\\"')
    body = f'"{label}": conv(4, 1x1, init=zeros)\n s: stack {{ "{label}": conv(4, 1x1) }}'
    path = write(tmp_path, f"network N {{ input 3x8x8\n {body} }}")
    assert f"{name}.weight" in cnnlang.load(path).state_dict()
    check_against_reference(path)


@pytest.mark.parametrize("name", ["torch", "F", "nn", "self_", "tuple", "super", "math"])
def test_labels_and_inputs_may_be_named_like_what_the_source_uses(
    name: str, tmp_path: Path
) -> None:
    body = f"input {name}: 3x8x8\n a: conv(4, 1x1)\n {name} -> conv(4, 1x1) -> add(a)"
    check_against_reference(write(tmp_path, f"network N {{ {body} }}"))
    body = f"input 3x8x8\n {name}: conv(4, 1x1)\n relu -> add({name})"
    net = cnnlang.load(write(tmp_path, f"network N {{ {body} }}"))
    with pytest.raises(ValueError, match="3, 8, 8"):
        net(torch.randn(2, 3, 8, 9))


def test_a_network_without_weights_is_a_module(tmp_path: Path) -> None:
    net = cnnlang.load(write(tmp_path, "network N { input a: 3x8x8\n output a }"))
    x = torch.randn(2, 3, 8, 8)
    assert tupled(net(x))[0] is x and not net.state_dict()


def test_what_no_output_needs_may_take_from_a_head_for_training(tmp_path: Path) -> None:
    text = """
    network N {
        input 3x8x8
        stem: conv(4, 3x3)
        side: conv(5, 1x1)
        relu
        stem -> logits: conv(7, 1x1)
        output training logits, side
    }
    """
    net = cnnlang.load(write(tmp_path, text))
    x = torch.randn(2, 3, 8, 8)
    assert net.eval()(x).shape == (2, 7, 6, 6)
    assert [tuple(y.shape) for y in net.train()(x)] == [(2, 7, 6, 6), (2, 5, 6, 6)]
