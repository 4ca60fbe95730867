"""YOLOv3Tiny: made by cnnlang from yolov3_tiny.cnn."""

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


class Unit(nn.Module):
    """Block `Unit` of yolov3_tiny.cnn."""

    def __init__(self, in_channels: int, filters: int, kernel: int):
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, filters, kernel, padding=kernel // 2, bias=False
        )
        self.batchnorm1 = nn.BatchNorm2d(filters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(self.batchnorm1(self.conv1(x)), negative_slope=0.1)


class YOLOv3Tiny(nn.Module):
    """Network `YOLOv3Tiny` of yolov3_tiny.cnn: 8,852,366 parameters.

    Takes (N, 3, H, W); gives (N, 255, H//32, W//32), (N, 255, H//16, W//16).
    """

    def __init__(self):
        super().__init__()
        self.unit1 = Unit(3, 16, 3)
        self.unit2 = Unit(16, 32, 3)
        self.unit3 = Unit(32, 64, 3)
        self.unit4 = Unit(64, 128, 3)
        self.early = Unit(128, 256, 3)
        self.unit6 = Unit(256, 512, 3)
        self.unit7 = Unit(512, 1024, 3)
        self.late = Unit(1024, 256, 1)
        self.unit9 = Unit(256, 512, 3)
        self.large = nn.Conv2d(512, 255, 1)
        self.unit10 = Unit(256, 128, 1)
        self.unit11 = Unit(384, 256, 3)
        self.small = nn.Conv2d(256, 255, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if x.dim() != 4 or x.shape[1] != 3:
            raise ValueError(
                f"YOLOv3Tiny takes x of shape (N, 3, H, W), got {tuple(x.shape)}"
            )
        x = F.max_pool2d(self.unit1(x), 2)  # 16 x H//2 x W//2
        x = F.max_pool2d(self.unit2(x), 2)  # 32 x H//4 x W//4
        x = F.max_pool2d(self.unit3(x), 2)  # 64 x H//8 x W//8
        x = F.max_pool2d(self.unit4(x), 2)  # 128 x H//16 x W//16
        early = self.early(x)  # 256 x H//16 x W//16
        x = self.unit6(F.max_pool2d(early, 2))  # 512 x H//32 x W//32
        x = F.max_pool2d(pad_same(x, 2, value=float("-inf")), 2, stride=1)
        x = self.unit7(x)  # 1024 x H//32 x W//32
        late = self.late(x)  # 256 x H//32 x W//32
        large = self.large(self.unit9(late))  # 255 x H//32 x W//32
        x = F.interpolate(self.unit10(late), size=early.size()[2:])
        x = torch.cat([x, early], dim=1)  # 384 x H//16 x W//16
        small = self.small(self.unit11(x))  # 255 x H//16 x W//16
        return large, small
