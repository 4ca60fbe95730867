"""The check at the entry of a network: a wrong input is told with the shape that was declared."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import torch
from test_module import write
from test_module_reference import EXAMPLES
from torch import Tensor

import cnnlang

FIXED = "input 3x8x8\n conv(4, 3x3)"
FREE = "input 3xHxW\n conv(4, 3x3, padding=1)"
HALVED = "input 3xHxW\n concat { | identity | maxpool(2x2) -> conv_transpose(4, 2x2, stride=2) }"


def raised(folder: Path, body: str, *inputs: Tensor) -> str:
    """The message of the ValueError for some inputs."""
    net = cnnlang.load(write(folder, f"network Net {{ {body} }}"))
    with pytest.raises(ValueError) as caught:
        net(*inputs)
    return str(caught.value)


@pytest.mark.parametrize(
    "shape", [(2, 4, 8, 8), (2, 3, 8, 9), (2, 3, 9, 8), (3, 8, 8), (2, 3, 64), (2, 3, 8, 8, 1), ()]
)
def test_fixed_sizes_must_be_met(shape: tuple[int, ...], tmp_path: Path) -> None:
    wanted = f"Net takes x of shape (N, 3, 8, 8), got {shape}"
    assert raised(tmp_path, FIXED, torch.zeros(shape)) == wanted


@pytest.mark.parametrize("shape", [(2, 4, 8, 8), (3, 8, 8), (2, 3, 8), (2, 3, 8, 8, 8)])
def test_channels_and_rank_must_be_met_where_sizes_are_free(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    wanted = f"Net takes x of shape (N, 3, H, W), got {shape}"
    assert raised(tmp_path, FREE, torch.zeros(shape)) == wanted


@pytest.mark.parametrize("shape", [(2, 3, 7, 8), (2, 3, 8, 7)])
def test_a_free_size_must_be_a_multiple_of_what_the_network_asks(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    message = raised(tmp_path, HALVED, torch.zeros(shape))
    assert "(N, 3, H, W), H a multiple of 2, W a multiple of 2, got" in message


def test_every_multiple_is_taken_by_a_unet() -> None:
    net = cnnlang.load(EXAMPLES / "unet.cnn", "UNet", width=2).eval()
    assert net(torch.zeros(1, 3, 16, 48)).shape == (1, 2, 16, 48)
    for height, width in [(24, 16), (16, 24), (17, 16)]:
        with pytest.raises(ValueError, match="a multiple of 16"):
            net(torch.zeros(1, 3, height, width))


def test_the_message_names_the_input_that_is_wrong(tmp_path: Path) -> None:
    body = "input left: 1x4x4\n input right: 1x4x4\n left -> subtract(right)"
    good, bad = torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 5, 4)
    assert "takes right of shape (N, 1, 4, 4), got (2, 1, 5, 4)" in raised(
        tmp_path, body, good, bad
    )
    assert "takes left of shape" in raised(tmp_path, body, bad, good)


def test_tokens_must_have_one_axis_beside_the_batch() -> None:
    net = cnnlang.load(EXAMPLES / "textcnn.cnn", vocabulary=5)
    with pytest.raises(ValueError, match=r"tokens of shape \(N, T\), got \(7,\)"):
        net(torch.zeros(7, dtype=torch.long))


def test_any_batch_is_taken(tmp_path: Path) -> None:
    net = cnnlang.load(write(tmp_path, f"network Net {{ {FIXED} }}"))
    assert [net(torch.zeros(n, 3, 8, 8)).shape[0] for n in (0, 1, 5)] == [0, 1, 5]


def test_blocks_check_nothing_again(tmp_path: Path) -> None:
    program = "block B { conv(4, 1x1) -> relu }\n network Net { input 3x8x8\n B -> B }"
    net = cnnlang.load(write(tmp_path, program))
    assert "raise" not in inspect.getsource(type(net.b1))
    assert inspect.getsource(type(net)).count("raise ValueError") == 1
