"""What tests of networks for inference share: a program, drawn weights, distances of results."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Make = Callable[[str], nn.Module]
RESIDUAL = """
network Residual {
    input 3xHxW
    conv(8, 3x3, padding=1, bias=false) -> batchnorm -> relu
    residual {
        conv(8, 3x3, padding=1, bias=false) -> batchnorm -> relu
        conv(8, 3x3, padding=1, bias=false) -> batchnorm
    } -> relu
    dropout(0.5) -> global_avgpool -> flatten -> dense(5) -> batchnorm
}
"""


def drawn(model: nn.Module) -> nn.Module:
    """All one-dimensional weights and the statistics are drawn anew; to evaluation."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point() and (tensor.dim() < 2 or "scale" in name):
                tensor.uniform_(0.5, 1.5)
    return model.eval()


def distance(model: nn.Module, fast: nn.Module, *inputs: Tensor) -> float:
    """The largest relative difference of the results; inputs stay as they are."""
    with torch.no_grad():
        wanted = model(*(each.clone() for each in inputs))
    before = [each.clone() for each in inputs]
    found = [fast(*inputs), fast(*inputs)][1]
    assert all(map(torch.equal, inputs, before))
    pairs = zip(tupled(wanted), tupled(found), strict=True)
    return max(difference(a, b) for a, b in pairs)


def tupled(value: Any) -> tuple[Tensor, ...]:
    return value if isinstance(value, tuple) else (value,)


def difference(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape
    return float((a - b.to(a.dtype)).abs().max() / a.abs().max().clamp(min=1e-3))


def source_of(module: nn.Module) -> str:
    """The source that a network for inference runs."""
    return "".join(linecache.getlines(type(module).forward.__wrapped__.__code__.co_filename))  # type: ignore[attr-defined]
