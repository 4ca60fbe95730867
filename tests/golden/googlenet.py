"""GoogLeNet: made by cnnlang from googlenet.cnn."""

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


class Conv2dSame(nn.Conv2d):
    """Convolution with ceil(size / stride) positions on both axes of its output."""

    def forward(self, x):
        x = pad_same(x, self.kernel_size, self.stride, self.dilation, self.padding_mode)
        return self._conv_forward(x, self.weight, self.bias)


class Unit2(nn.Module):
    """Block `Unit` of googlenet.cnn."""

    def __init__(self):
        super().__init__()
        self.conv1 = Conv2dSame(3, 64, 7, stride=2, bias=False)
        self.batchnorm1 = nn.BatchNorm2d(64, eps=0.001)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.batchnorm1(self.conv1(x)), inplace=True)


class Unit(nn.Module):
    """Block `Unit` of googlenet.cnn."""

    def __init__(self, in_channels: int, filters: int, kernel: int):
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, filters, kernel, padding=kernel // 2, bias=False
        )
        self.batchnorm1 = nn.BatchNorm2d(filters, eps=0.001)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.batchnorm1(self.conv1(x)), inplace=True)


class Inception(nn.Module):
    """Block `Inception` of googlenet.cnn."""

    def __init__(
        self,
        in_channels: int,
        one: int,
        three_reduce: int,
        three: int,
        five_reduce: int,
        five: int,
        proj: int,
    ):
        super().__init__()
        self.unit1 = Unit(in_channels, one, 1)
        self.unit2 = Unit(in_channels, three_reduce, 1)
        self.unit3 = Unit(three_reduce, three, 3)
        self.unit4 = Unit(in_channels, five_reduce, 1)
        self.unit5 = Unit(five_reduce, five, 5)
        self.unit6 = Unit(in_channels, proj, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branch1 = self.unit1(x)  # one x H x W
        branch2 = self.unit3(self.unit2(x))  # three x H x W
        branch3 = self.unit5(self.unit4(x))  # five x H x W
        branch4 = self.unit6(F.max_pool2d(x, 3, stride=1, padding=1))  # proj x H x W
        return torch.cat([branch1, branch2, branch3, branch4], dim=1)


class GoogLeNet(nn.Module):
    """Network `GoogLeNet` of googlenet.cnn: 7,005,832 parameters.

    Takes (N, 3, 224, 224); gives (N, 1000).
    """

    def __init__(self):
        super().__init__()
        self.unit1 = Unit2()
        self.unit2 = Unit(64, 64, 1)
        self.unit3 = Unit(64, 192, 3)
        self.inception1 = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception2 = Inception(256, 128, 128, 192, 32, 96, 64)
        self.inception3 = Inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4 = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception5 = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception6 = Inception(512, 112, 144, 288, 32, 64, 64)
        self.inception7 = Inception(528, 256, 160, 320, 32, 128, 128)
        self.inception8 = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception9 = Inception(832, 384, 192, 384, 48, 128, 128)
        self.dropout1 = nn.Dropout(0.2)
        self.dense1 = nn.Linear(1024, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1:] != (3, 224, 224):
            raise ValueError(
                f"GoogLeNet takes x of shape (N, 3, 224, 224), got {tuple(x.shape)}"
            )
        x = self.unit1(x)  # 64 x 112 x 112
        x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)  # 64 x 56 x 56
        x = self.unit3(self.unit2(x))  # 192 x 56 x 56
        x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)  # 192 x 28 x 28
        x = self.inception1(x)  # 256 x 28 x 28
        x = self.inception2(x)  # 480 x 28 x 28
        x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)  # 480 x 14 x 14
        x = self.inception3(x)  # 512 x 14 x 14
        x = self.inception4(x)  # 512 x 14 x 14
        x = self.inception5(x)  # 512 x 14 x 14
        x = self.inception6(x)  # 528 x 14 x 14
        x = self.inception7(x)  # 832 x 14 x 14
        x = F.max_pool2d(x, 2, ceil_mode=True)  # 832 x 7 x 7
        x = self.inception8(x)  # 832 x 7 x 7
        x = self.inception9(x)  # 1024 x 7 x 7
        x = self.dropout1(F.adaptive_avg_pool2d(x, 1).flatten(1))  # 1024
        return self.dense1(x)
