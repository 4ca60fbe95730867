"""The helpers that generated source copies: what they compute, and that they can be traced."""

from __future__ import annotations

import inspect
from math import ceil
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.export import Dim

from cnnlang.backends import prelude

PIECES = {
    name: piece
    for name, piece in vars(prelude).items()
    if getattr(piece, "__module__", "") == prelude.__name__
}
MODULES: list[tuple[nn.Module, int]] = [
    (prelude.Conv1dSame(3, 4, 3, stride=2), 1),
    (prelude.Conv2dSame(3, 4, (2, 3), stride=(2, 3), dilation=2, bias=False), 2),
    (prelude.Conv2dSame(3, 4, 3, stride=2, padding_mode="reflect"), 2),
    (prelude.Conv2dSame(3, 4, 3, stride=2, padding_mode="circular"), 2),
    (prelude.Conv3dSame(3, 6, 2, stride=1, groups=3), 3),
    (prelude.StandardizedConv1d(3, 4, 3), 1),
    (prelude.StandardizedConv2d(3, 4, 3, padding=1, padding_mode="replicate"), 2),
    (prelude.StandardizedConv3d(3, 4, 3), 3),
    (prelude.MaxPool1dSame(3, stride=2), 1),
    (prelude.MaxPool2dSame(2), 2),
    (prelude.MaxPool3dSame(3, stride=1, dilation=2), 3),
    (prelude.AvgPool1dSame(3, stride=2, count_include_pad=False), 1),
    (prelude.AvgPool2dSame((3, 2), stride=2), 2),
    (prelude.AvgPool3dSame(3, stride=2, count_include_pad=False), 3),
    (prelude.BlurPool(3), 2),
    (prelude.BlurPool(3, axes=1, kernel_size=3, stride=3, padding_mode="zeros"), 1),
    (prelude.BlurPool(3, axes=3, kernel_size=5, padding_mode="replicate"), 3),
    (prelude.ChannelLayerNorm(3), 2),
    (prelude.ChannelRMSNorm(3), 3),
    (prelude.WindowResponseNorm(3), 2),
    (prelude.L2Norm(), 2),
    (prelude.StochasticDepth(0.5), 2),
]
named = pytest.mark.parametrize("module, axes", MODULES, ids=lambda each: str(each))


@named
def test_a_module_is_traced_for_every_size(module: nn.Module, axes: int) -> None:
    x, other = torch.rand(2, 3, *(10, 11, 12)[:axes]), torch.rand(3, 3, *(8, 9, 13)[:axes])
    sizes = {0: Dim("batch", min=2)} | {2 + i: Dim(f"size{i}", min=8) for i in range(axes)}
    module.eval()
    traced = [torch.compile(module, fullgraph=True, dynamic=True, backend="eager")]
    if not fixed_in_pytorch(module):
        traced.append(torch.export.export(module, (x,), dynamic_shapes=(sizes,)).module())
    for each in (x, other):
        for copy in traced:
            torch.testing.assert_close(copy(each), module(each))


def fixed_in_pytorch(module: nn.Module) -> bool:
    """True for what torch.export fixes to one size by itself (here in PyTorch 2.13)."""
    circular = getattr(module, "padding_mode", "") == "circular"
    return circular or isinstance(module, nn.MaxPool1d)


class Fitted(nn.Module):
    """A function of a map and of the size of another."""

    def __init__(self, function: Any, **options: Any) -> None:
        super().__init__()
        self.function, self.options = function, options

    def forward(self, x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        return self.function(x, like.size()[2:], **self.options)


@pytest.mark.parametrize(
    "function, options, small",
    [
        (prelude.center_crop, {}, False),
        (prelude.center_pad, {"value": 2.0}, True),
        (prelude.center_pad, {"mode": "reflect"}, True),
    ],
)
def test_a_map_is_fitted_to_another_of_any_size(function: Any, options: Any, small: bool) -> None:
    module = Fitted(function, **options)
    x, like = torch.rand(2, 3, 12, 15), torch.rand(2, 3, 9, 10)
    x, like = (like, x) if small else (x, like)
    compiled = torch.compile(module, fullgraph=True, dynamic=True, backend="eager")
    assert module(x, like).shape == like.shape
    torch.testing.assert_close(compiled(x, like), module(x, like))


def test_the_odd_position_is_cut_from_the_end_and_padded_at_the_end() -> None:
    x = torch.arange(5.0).view(1, 1, 5)
    assert prelude.center_crop(x, 2).flatten().tolist() == [1, 2]
    assert prelude.crop_from(x, 3, 2).flatten().tolist() == [3, 4]
    assert prelude.center_pad(x, 8).flatten().tolist() == [0, 0, 1, 2, 3, 4, 0, 0]
    assert prelude.pad_same(x, 2, value=9.0).flatten().tolist() == [0, 1, 2, 3, 4, 9]


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("kernel, stride", [(1, 1), (2, 1), (3, 1), (2, 2), (3, 2), (5, 3), (2, 4)])
def test_same_padding_pools_what_is_there(size: int, kernel: int, stride: int) -> None:
    """Compared with windows laid by hand over the positions that exist."""
    x = torch.randn(2, 3, size)
    outputs = ceil(size / stride)
    before = max((outputs - 1) * stride + kernel - size, 0) // 2
    starts = [i * stride - before for i in range(outputs)]
    windows = [x[:, :, max(start, 0) : start + kernel] for start in starts]
    largest = torch.stack([each.amax(2) for each in windows], 2)
    mean = torch.stack([each.mean(2) for each in windows], 2)
    torch.testing.assert_close(prelude.MaxPool1dSame(kernel, stride)(x), largest)
    average = prelude.AvgPool1dSame(kernel, stride, count_include_pad=False)
    torch.testing.assert_close(average(x), mean)


def test_dropped_samples_are_those_of_torchvision() -> None:
    """The draws of torchvision.ops.stochastic_depth, which is written out here."""
    x = torch.rand(16, 3, 4, 4)
    for mode, size in (("row", [16, 1, 1, 1]), ("batch", [1, 1, 1, 1])):
        torch.manual_seed(0)
        noise = torch.empty(size).bernoulli_(0.75).div_(0.75)
        torch.manual_seed(0)
        assert torch.equal(prelude.StochasticDepth(0.25, mode)(x), x * noise)
    assert not prelude.StochasticDepth(1.0)(x).any()
    assert prelude.StochasticDepth(0.25).eval()(x) is x


def test_the_blur_is_binomial() -> None:
    pool = prelude.BlurPool(2)
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    torch.testing.assert_close(pool.filt, (row[:, None] * row).repeat(2, 1, 1, 1))
    x = torch.rand(1, 2, 9, 9)
    expected = F.conv2d(F.pad(x, (1, 2, 1, 2), mode="reflect"), pool.filt, stride=2, groups=2)
    torch.testing.assert_close(pool(x), expected)


def test_standardized_filters_have_mean_0_and_variance_1() -> None:
    weight = prelude.standardize(torch.randn(4, 3, 5, 5) * 2 + 1)
    torch.testing.assert_close(weight.mean((1, 2, 3)), torch.zeros(4))
    torch.testing.assert_close(weight.var((1, 2, 3), correction=0), torch.ones(4))


@pytest.mark.parametrize("name", sorted(PIECES))
def test_a_piece_can_be_copied(name: str) -> None:
    """It is documented and uses nothing of its file but torch, F, nn, math and other pieces."""
    piece = PIECES[name]
    assert piece.__doc__
    functions = [piece, *vars(piece).values()] if inspect.isclass(piece) else [piece]
    for function in filter(inspect.isfunction, functions):
        used = set(inspect.getclosurevars(function).globals)
        assert used <= {"torch", "F", "nn", "math", *PIECES}
