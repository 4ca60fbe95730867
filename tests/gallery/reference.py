"""The intricate networks of the gallery in plain PyTorch, from their papers and not from our files.

Each is a function of the weights (by the names of the `state_dict`) and of a batch of inputs, in
evaluation mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

Weights = Mapping[str, Tensor]


def conv(w: Weights, name: str, x: Tensor, **options: Any) -> Tensor:
    function = {3: F.conv1d, 4: F.conv2d}[x.dim()]
    return function(x, w[f"{name}.weight"], w.get(f"{name}.bias"), **options)


def norm(w: Weights, name: str, x: Tensor) -> Tensor:
    numbers = (w[f"{name}.{each}"] for each in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, *numbers)


def scopes(w: Weights) -> Iterator[str]:
    """The scopes that hold one convolution each, in order."""
    return (name.removesuffix(".conv1.weight") for name in w if name.endswith(".conv1.weight"))


# --- LeNet-5 of 1998 -----------------------------------------------------------------------------

TABLE_I = [
    *[(0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (4, 5, 0), (5, 0, 1)],
    *[(0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (3, 4, 5, 0), (4, 5, 0, 1), (5, 0, 1, 2)],
    *[(0, 1, 3, 4), (1, 2, 4, 5), (2, 3, 5, 0), (0, 1, 2, 3, 4, 5)],
]
"""The maps of S2 that each map of C3 sees."""


def squash(x: Tensor) -> Tensor:
    return 1.7159 * torch.tanh(2 * x / 3)


def subsampling(w: Weights, name: str, x: Tensor) -> Tensor:
    total = x[..., ::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, ::2] + x[..., 1::2, 1::2]
    return squash(total * w[f"{name}.scale1"] + w[f"{name}.bias1"])


def partial(w: Weights, x: Tensor) -> Tensor:
    """C3: every map is a convolution of its own over the maps that it sees."""
    pieces = ("c3.places1.conv1", "c3.places2.conv1", "c3.places3.conv1", "c3.conv1")
    kernels = [kernel for name in pieces for kernel in w[f"{name}.weight"]]
    biases = [bias for name in pieces for bias in w[f"{name}.bias"]]
    maps = [
        F.conv2d(x[:, list(seen)], kernel[None], bias[None])
        for seen, kernel, bias in zip(TABLE_I, kernels, biases, strict=True)
    ]
    return torch.cat(maps, dim=1)


def lenet5_1998(w: Weights, x: Tensor) -> Tensor:
    """LeCun et al. 1998, section II.B: the distances to the codes of the ten digits."""
    x = subsampling(w, "s2", squash(conv(w, "c1", x)))
    x = subsampling(w, "s4", squash(partial(w, x)))
    x = squash(conv(w, "c5", x)).flatten(1)
    x = squash(F.linear(x, w["f6.weight"], w["f6.bias"]))
    return ((x[:, None] - w["codes"]) ** 2).sum(dim=2)


# --- segmentation --------------------------------------------------------------------------------


def segnet(w: Weights, x: Tensor) -> Tensor:
    """Badrinarayanan et al. 2015: the indices of the pooling are kept for the unpooling."""
    units, pooled = scopes(w), []

    def stage(x: Tensor, n: int) -> Tensor:
        for _ in range(n):
            name = next(units)
            x = F.relu(norm(w, f"{name}.batchnorm1", conv(w, f"{name}.conv1", x, padding=1)))
        return x

    for n in (2, 2, 3, 3, 3):
        x = stage(x, n)
        size = x.shape[2:]
        x, places = F.max_pool2d(x, 2, return_indices=True)
        pooled.append((places, size))
    for n in (3, 3, 3, 2, 1):
        places, size = pooled.pop()
        x = stage(F.max_unpool2d(x, places, 2, output_size=size), n)
    return conv(w, "conv1", x, padding=1)


def fcn8s(w: Weights, x: Tensor) -> Tensor:
    """Long et al. 2015 and voc-fcn8s/net.py of the authors: padding 100, crops from 5, 9 and 31."""
    height, width = x.shape[2:]
    pools = []
    for i, n in enumerate((2, 2, 3, 3, 3), start=1):
        for j in range(1, n + 1):
            x = F.relu(conv(w, f"conv{i}_{j}", x, padding=100 if (i, j) == (1, 1) else 1))
        x = F.max_pool2d(x, 2, ceil_mode=True)
        pools.append(x)
    x = F.relu(conv(w, "fc7", F.relu(conv(w, "fc6", x))))
    x = F.conv_transpose2d(conv(w, "score_fr", x), w["upscore2.weight"], stride=2)
    four = conv(w, "score_pool4", pools[3])
    x = x + four[:, :, 5 : 5 + x.shape[2], 5 : 5 + x.shape[3]]
    x = F.conv_transpose2d(x, w["upscore_pool4.weight"], stride=2)
    three = conv(w, "score_pool3", pools[2])
    x = x + three[:, :, 9 : 9 + x.shape[2], 9 : 9 + x.shape[3]]
    x = F.conv_transpose2d(x, w["upscore8.weight"], stride=8)
    return x[:, :, 31 : 31 + height, 31 : 31 + width]


# --- detection -----------------------------------------------------------------------------------


def yolov3_tiny(w: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    """darknet's yolov3-tiny.cfg, its layers by their numbers there, before the `yolo` layers."""
    units = scopes(w)

    def unit(x: Tensor) -> Tensor:
        name = next(units)
        padding = w[f"{name}.conv1.weight"].shape[-1] // 2
        x = norm(w, f"{name}.batchnorm1", conv(w, f"{name}.conv1", x, padding=padding))
        return torch.where(x > 0, x, 0.1 * x)

    for _ in range(4):  # 0 to 7
        x = F.max_pool2d(unit(x), 2)
    eighth = unit(x)
    x = unit(F.max_pool2d(eighth, 2))  # 9 and 10
    x = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), 2, stride=1)  # 11
    thirteenth = unit(unit(x))
    large = conv(w, "large", unit(thirteenth))  # 14 and 15
    x = unit(thirteenth).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)  # 18 and 19
    return large, conv(w, "small", unit(torch.cat([x, eighth], dim=1)))  # 20 to 22


# --- pictures ------------------------------------------------------------------------------------


def esrgan(w: Weights, x: Tensor) -> Tensor:
    """Wang et al. 2018 and BasicSR's RRDBNet, whose names these are."""

    def layer(name: str, x: Tensor, active: bool = True) -> Tensor:
        x = conv(w, name, x, padding=1)
        return F.leaky_relu(x, 0.2) if active else x

    def dense(name: str, x: Tensor) -> Tensor:
        seen = [x]
        for i in range(1, 5):
            seen.append(layer(f"{name}.conv{i}", torch.cat(seen, dim=1)))
        return x + 0.2 * layer(f"{name}.conv5", torch.cat(seen, dim=1), active=False)

    x = first = layer("conv_first", x, active=False)
    for i in range(len({name.split(".")[1] for name in w if name.startswith("body.")})):
        block = x
        for j in (1, 2, 3):
            block = dense(f"body.{i}.rdb{j}", block)
        x = x + 0.2 * block
    x = first + layer("conv_body", x, active=False)
    for name in ("conv_up1", "conv_up2"):
        x = layer(name, x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))
    return layer("conv_last", layer("conv_hr", x), active=False)


def autoencoder(w: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    """Guo et al. 2017, as its authors' Keras code says it: `same` puts the odd position last."""
    for name in ("conv1", "conv2"):
        x = F.relu(conv(w, name, F.pad(x, (1, 2, 1, 2)), stride=2))
    x = F.relu(conv(w, "conv3", x, stride=2)).flatten(1)
    code = F.linear(x, w["code.weight"], w["code.bias"])
    x = F.relu(F.linear(code, w["dense2.weight"], w["dense2.bias"])).view(-1, 128, 3, 3)

    def up(name: str, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride=2)

    x = F.relu(up("conv_transpose1", x))
    x = F.relu(up("conv_transpose2", x)[:, :, 1:-2, 1:-2])
    return up("picture", x)[:, :, 1:-2, 1:-2], code


# --- sound ---------------------------------------------------------------------------------------


def m5(w: Weights, x: Tensor) -> Tensor:
    """Dai et al. 2016, table 1, for a length that 1024 divides."""
    for i, name in enumerate(scopes(w)):
        x = conv(w, f"{name}.conv1", x, stride=4 if i == 0 else 1, padding=38 if i == 0 else 1)
        x = F.max_pool1d(F.relu(norm(w, f"{name}.batchnorm1", x)), 4)
    return F.linear(x.mean(dim=2), w["dense1.weight"], w["dense1.bias"])
