"""MobileNetV2: made by cnnlang from mobilenet_v2.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class Body2(nn.Module):
    """Block `Body` of mobilenet_v2.cnn."""

    def __init__(self):
        super().__init__()
        self.depthwise1 = nn.Conv2d(32, 32, 3, padding=1, groups=32, bias=False)
        self.batchnorm1 = nn.BatchNorm2d(32)
        self.conv1 = nn.Conv2d(32, 16, 1, bias=False)
        self.batchnorm2 = nn.BatchNorm2d(16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu6(self.batchnorm1(self.depthwise1(x)), inplace=True)  # 32 x 112 x 112
        return self.batchnorm2(self.conv1(x))


class Body(nn.Module):
    """Block `Body` of mobilenet_v2.cnn."""

    def __init__(self, in_channels: int, hidden: int, out: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, hidden, 1, bias=False)
        self.batchnorm1 = nn.BatchNorm2d(hidden)
        self.depthwise1 = nn.Conv2d(
            hidden, hidden, 3, stride=stride, padding=1, groups=hidden, bias=False
        )
        self.batchnorm2 = nn.BatchNorm2d(hidden)
        self.conv2 = nn.Conv2d(hidden, out, 1, bias=False)
        self.batchnorm3 = nn.BatchNorm2d(out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu6(self.batchnorm1(self.conv1(x)), inplace=True)  # hidden x H x W
        x = F.relu6(self.batchnorm2(self.depthwise1(x)), inplace=True)
        return self.batchnorm3(self.conv2(x))


class Inverted2(nn.Module):
    """Block `Inverted` of mobilenet_v2.cnn."""

    def __init__(self):
        super().__init__()
        self.body1 = Body2()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body1(x)


class Inverted(nn.Module):
    """Block `Inverted` of mobilenet_v2.cnn."""

    def __init__(self, in_channels: int, out: int, stride: int, expand: int):
        super().__init__()
        self.body1 = Body(in_channels, in_channels * expand, out, stride)
        self.keeps_shape = stride == 1 and in_channels == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.keeps_shape:
            return self.body1(x) + x
        return self.body1(x)


class MobileNetV2(nn.Module):
    """Network `MobileNetV2` of mobilenet_v2.cnn: 3,504,872 parameters.

    Takes (N, 3, 224, 224); gives (N, 1000).
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False)
        self.batchnorm1 = nn.BatchNorm2d(32)
        self.inverted1 = Inverted2()
        self.inverted2 = Inverted(16, 24, 2, 6)
        self.inverted3 = Inverted(24, 24, 1, 6)
        self.inverted4 = Inverted(24, 32, 2, 6)
        self.inverted5 = Inverted(32, 32, 1, 6)
        self.inverted6 = Inverted(32, 32, 1, 6)
        self.inverted7 = Inverted(32, 64, 2, 6)
        self.inverted8 = Inverted(64, 64, 1, 6)
        self.inverted9 = Inverted(64, 64, 1, 6)
        self.inverted10 = Inverted(64, 64, 1, 6)
        self.inverted11 = Inverted(64, 96, 1, 6)
        self.inverted12 = Inverted(96, 96, 1, 6)
        self.inverted13 = Inverted(96, 96, 1, 6)
        self.inverted14 = Inverted(96, 160, 2, 6)
        self.inverted15 = Inverted(160, 160, 1, 6)
        self.inverted16 = Inverted(160, 160, 1, 6)
        self.inverted17 = Inverted(160, 320, 1, 6)
        self.conv2 = nn.Conv2d(320, 1280, 1, bias=False)
        self.batchnorm2 = nn.BatchNorm2d(1280)
        self.dropout1 = nn.Dropout(0.2)
        self.dense1 = nn.Linear(1280, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1:] != (3, 224, 224):
            raise ValueError(
                f"MobileNetV2 takes x of shape (N, 3, 224, 224), got {tuple(x.shape)}"
            )
        x = F.relu6(self.batchnorm1(self.conv1(x)), inplace=True)  # 32 x 112 x 112
        x = self.inverted1(x)  # 16 x 112 x 112
        x = self.inverted2(x)  # 24 x 56 x 56
        x = self.inverted3(x)  # 24 x 56 x 56
        x = self.inverted4(x)  # 32 x 28 x 28
        x = self.inverted5(x)  # 32 x 28 x 28
        x = self.inverted6(x)  # 32 x 28 x 28
        x = self.inverted7(x)  # 64 x 14 x 14
        x = self.inverted8(x)  # 64 x 14 x 14
        x = self.inverted9(x)  # 64 x 14 x 14
        x = self.inverted10(x)  # 64 x 14 x 14
        x = self.inverted11(x)  # 96 x 14 x 14
        x = self.inverted12(x)  # 96 x 14 x 14
        x = self.inverted13(x)  # 96 x 14 x 14
        x = self.inverted14(x)  # 160 x 7 x 7
        x = self.inverted15(x)  # 160 x 7 x 7
        x = self.inverted16(x)  # 160 x 7 x 7
        x = self.inverted17(x)  # 320 x 7 x 7
        x = F.relu6(self.batchnorm2(self.conv2(x)), inplace=True)  # 1280 x 7 x 7
        x = self.dropout1(F.adaptive_avg_pool2d(x, 1).flatten(1))  # 1280
        return self.dense1(x)
