"""M5: made by cnnlang from m5.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


def pad_same(x, kernel, stride=1, dilation=1, mode="zeros", value=0.0):
    """Pad a map so that a window has ceil(size / stride) positions on every axis."""
    sizes, options, pads = x.shape[2:], (kernel, stride, dilation), []
    options = [n if isinstance(n, tuple) else (n,) * len(sizes) for n in options]
    for size, k, s, d in zip(sizes, *options, strict=True):
        reach, rest = d * (k - 1), (size - 1) % s
        total = reach - rest if reach >= s - 1 else max(reach - rest, 0)
        pads = [total // 2, total - total // 2, *pads]
    return F.pad(x, pads, "constant" if mode == "zeros" else mode, value)


class Conv1dSame(nn.Conv1d):
    """Convolution with ceil(length / stride) positions in its output."""

    def forward(self, x):
        x = pad_same(x, self.kernel_size, self.stride, self.dilation, self.padding_mode)
        return self._conv_forward(x, self.weight, self.bias)


class Unit2(nn.Module):
    """Block `Unit` of m5.cnn."""

    def __init__(self):
        super().__init__()
        self.conv1 = Conv1dSame(1, 128, 80, stride=4)
        self.batchnorm1 = nn.BatchNorm1d(128)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.batchnorm1(self.conv1(x)), inplace=True)


class Unit(nn.Module):
    """Block `Unit` of m5.cnn."""

    def __init__(self, in_channels: int, width: int):
        super().__init__()
        self.conv1 = nn.Conv1d(in_channels, width, 3, padding=1)
        self.batchnorm1 = nn.BatchNorm1d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.batchnorm1(self.conv1(x)), inplace=True)


class M5(nn.Module):
    """Network `M5` of m5.cnn: 559,114 parameters.

    Takes (N, 1, T); gives (N, 10).
    """

    def __init__(self):
        super().__init__()
        self.unit1 = Unit2()
        self.unit2 = Unit(128, 128)
        self.unit3 = Unit(128, 256)
        self.unit4 = Unit(256, 512)
        self.dense1 = nn.Linear(512, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() != 3 or x.shape[1] != 1:
            raise ValueError(f"M5 takes x of shape (N, 1, T), got {tuple(x.shape)}")
        x = F.max_pool1d(self.unit1(x), 4)  # 128 x (T + 3)//16
        x = self.unit2(x)  # 128 x (T + 3)//16
        x = F.max_pool1d(x, 4)  # 128 x (T + 3)//64
        x = self.unit3(x)  # 256 x (T + 3)//64
        x = F.max_pool1d(x, 4)  # 256 x (T + 3)//256
        x = self.unit4(x)  # 512 x (T + 3)//256
        x = F.max_pool1d(x, 4)  # 512 x (T + 3)//1024
        x = F.adaptive_avg_pool1d(x, 1).flatten(1)  # 512
        return self.dense1(x)
