"""UNet: made by cnnlang from unet.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class Double(nn.Module):
    """Block `Double` of unet.cnn."""

    def __init__(self, in_channels: int, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.batchnorm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.batchnorm2 = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.batchnorm1(self.conv1(x)), inplace=True)  # width x H x W
        return F.relu(self.batchnorm2(self.conv2(x)), inplace=True)


class Level(nn.Module):
    """Block `Level` of unet.cnn."""

    def __init__(self, in_channels: int, width: int, depth: int):
        super().__init__()
        self.double1 = Double(in_channels, width)
        self.level1 = None
        if depth > 0:
            self.level1 = Level(width, width * 2, depth - 1)
            self.conv_transpose1 = nn.ConvTranspose2d(width * 2, width, 2, stride=2)
            self.double2 = Double(width * 2, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.double1(x)  # width x H x W
        if self.level1 is not None:
            out = self.conv_transpose1(self.level1(F.max_pool2d(x, 2)))
            x = torch.cat([x, out], dim=1)  # width * 2 x H x W
            return self.double2(x)
        return x


class UNet(nn.Module):
    """Network `UNet` of unet.cnn: 31,037,698 parameters.

    Takes (N, 3, H, W); gives (N, 2, H, W).
    """

    def __init__(self):
        super().__init__()
        self.level1 = Level(3, 64, 4)
        self.conv1 = nn.Conv2d(64, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if (
            x.dim() != 4
            or x.shape[1] != 3
            or x.shape[2] % 16 != 0
            or x.shape[3] % 16 != 0
        ):
            raise ValueError(
                f"UNet takes x of shape (N, 3, H, W), H a multiple of 16, W a multiple of 16, got {tuple(x.shape)}"
            )
        x = self.level1(x)  # 64 x H x W
        return self.conv1(x)
