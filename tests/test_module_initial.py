"""`init=` of every kind reaches the weights it is written on, and no others."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from test_module import write

import cnnlang

BIG = "conv(64, 3x3, padding=1, init={})"
"""A convolution of 64 channels on 64: 36,864 weights, 576 into each output."""
FAN = 64 * 9


def weights(folder: Path, init: str) -> torch.Tensor:
    """The weights of a convolution with this initialisation."""
    torch.manual_seed(0)
    path = write(folder, f"network N {{ input 64x4x4\n c: {BIG.format(init)} }}")
    found: torch.Tensor = cnnlang.load(path).c.weight.detach()
    return found


def loaded(folder: Path, program: str, **given: Any) -> Any:
    torch.manual_seed(0)
    return cnnlang.load(write(folder, program), **given)


@pytest.mark.parametrize(
    ("init", "number"), [("zeros", 0.0), ("ones", 1.0), ("constant(0.25)", 0.25)]
)
def test_constants_are_exact(init: str, number: float, tmp_path: Path) -> None:
    assert (weights(tmp_path, init) == number).all()


@pytest.mark.parametrize(
    ("init", "std"),
    [
        ("kaiming", math.sqrt(2 / FAN)),
        ("kaiming_normal(mode=fan_out, nonlinearity=relu)", math.sqrt(2 / FAN)),
        ("kaiming_normal(nonlinearity=linear)", math.sqrt(1 / FAN)),
        ("kaiming_uniform(nonlinearity=tanh)", 5 / 3 / math.sqrt(FAN)),
        ("xavier", math.sqrt(1 / FAN)),
        ("xavier_normal(gain=2.0)", 2 / math.sqrt(FAN)),
        ("glorot", math.sqrt(1 / FAN)),
        ("he", math.sqrt(2 / FAN)),
        ("normal(std=0.02)", 0.02),
        ("normal", 1.0),
        ("uniform(-0.3, 0.3)", 0.6 / math.sqrt(12)),
        ("truncated_normal(std=0.02)", 0.02),
    ],
)
def test_random_weights_have_the_spread_asked_for(init: str, std: float, tmp_path: Path) -> None:
    found = weights(tmp_path, init)
    assert found.std().item() == pytest.approx(std, rel=0.03)
    assert abs(found.mean().item()) < std / 20


def test_uniform_weights_keep_their_bounds(tmp_path: Path) -> None:
    found = weights(tmp_path, "uniform(0.5, 2.0)")
    assert 0.5 <= found.min() < 0.51 and 1.99 < found.max() <= 2.0


def test_truncated_weights_keep_their_bounds(tmp_path: Path) -> None:
    found = weights(tmp_path, "truncated_normal(std=0.5, a=-0.5, b=1.0)")
    assert -0.5 <= found.min() < -0.49 and 0.99 < found.max() <= 1.0


def test_orthogonal_weights_are_orthogonal(tmp_path: Path) -> None:
    rows = weights(tmp_path, "orthogonal").flatten(1)
    torch.testing.assert_close(rows @ rows.T, torch.eye(64), rtol=0, atol=1e-5)


def test_dirac_weights_pass_a_map_on(tmp_path: Path) -> None:
    net = loaded(
        tmp_path,
        "network N { input 4x8x8\n conv(4, 3x3, padding=1, bias=false, init=dirac) }",
    )
    x = torch.randn(2, 4, 8, 8)
    torch.testing.assert_close(net(x), x)


def test_other_layers_keep_the_weights_that_pytorch_gives(tmp_path: Path) -> None:
    net = loaded(
        tmp_path, "network N { input 4x8x8\n a: conv(8, 1x1, init=zeros)\n b: conv(8, 1x1) }"
    )
    assert not net.a.weight.any() and net.a.bias.all()
    assert net.b.weight.abs().max() <= math.sqrt(1 / 8)
    assert net.b.weight.std() > 0.1


def test_weights_and_bias_are_initialised_apart(tmp_path: Path) -> None:
    net = loaded(
        tmp_path,
        "network N { input 4\n a: dense(8, init=ones, bias_init=zeros)\n"
        " b: dense(8, bias_init=constant(2.0)) }",
    )
    assert (net.a.weight == 1).all() and not net.a.bias.any()
    assert (net.b.bias == 2).all() and net.b.weight.std() > 0.1


def test_a_default_initialises_every_layer_of_its_kind(tmp_path: Path) -> None:
    program = """
    default conv(init=constant(0.5), bias_init=zeros)
    block B { conv(4, 1x1) -> conv(4, 1x1, init=ones) }
    network N {
        input 4x8x8
        conv(4, 1x1)
        B
        s: stack { conv(4, 1x1) -> relu }
        d: depthwise(1x1)
    }
    """
    net = loaded(tmp_path, program)
    for each in (net.conv1, net.b1.conv1, net.s[0]):
        assert (each.weight == 0.5).all() and not each.bias.any()
    assert (net.b1.conv2.weight == 1).all() and not net.b1.conv2.bias.any()
    assert net.d.weight.std() > 0


def test_stacks_initialise_their_children_by_number_and_by_label(tmp_path: Path) -> None:
    program = """
    network N {
        input 4x8x8
        plain: stack { conv(4, 1x1, init=zeros) -> relu -> conv(4, 1x1, init=ones) }
        mixed: stack {
            "a-b": conv(4, 1x1, init=ones) -> relu
            stack { conv(4, 1x1, init=zeros) }
        }
        merged: stack { residual { conv(4, 1x1, init=ones) } }
        "0": conv(4, 1x1, init=zeros)
    }
    """
    net = loaded(tmp_path, program)
    assert not net.plain[0].weight.any() and (net.plain[2].weight == 1).all()
    assert (net.get_submodule("mixed.a-b").weight == 1).all()
    assert not net.get_submodule("mixed.1.0").weight.any()
    assert (net.get_submodule("merged.0").weight == 1).all()
    assert not net.get_submodule("0").weight.any()


def test_layers_on_the_sides_of_an_if_are_initialised_where_they_are(tmp_path: Path) -> None:
    program = """
    block B(wide) {
        if wide {
            tail: conv(8, 1x1, init=zeros)
        } else {
            conv(4, 1x1, init=ones) -> other: conv(8, 1x1, init=constant(0.5))
        }
        relu -> conv(4, 1x1, init=kaiming)
    }
    network N { input 4x8x8
        B(true) -> B(false) -> B(true) }
    """
    net = loaded(tmp_path, program)
    assert not net.b1.tail.weight.any() and not net.b3.tail.weight.any()
    assert (net.b2.other.weight == 0.5).all()
    assert (net.b2.get_submodule("conv1").weight == 1).all()


def test_the_initialisation_may_differ_between_the_uses_of_a_block(tmp_path: Path) -> None:
    program = """
    block B(last) {
        conv(4, 1x1) -> relu
        if last { conv(4, 1x1, init=zeros) } else { conv(4, 1x1, init=ones) }
    }
    network N { input 4x8x8
        B(false) -> B(true) -> B(false) }
    """
    net = loaded(tmp_path, program)
    assert (net.b1.conv2.weight == 1).all() and (net.b3.conv2.weight == 1).all()
    assert not net.b2.conv2.weight.any()


def test_recurrent_and_learned_layers_start_as_written(tmp_path: Path) -> None:
    net = loaded(tmp_path, "network N { input 4x8x8\n g: scale(0.125)\n h: bias(3.0) }")
    assert (net.g == 0.125).all() and (net.h == 3).all()


def test_batchnorm_can_begin_at_zero(tmp_path: Path) -> None:
    net = loaded(tmp_path, "network N { input 4x8x8\n bn: batchnorm(init=zeros) }")
    assert not net.bn.weight.any()
