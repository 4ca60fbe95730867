"""SegNet: made by cnnlang from segnet.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class Unit(nn.Module):
    """Block `Unit` of segnet.cnn."""

    def __init__(self, in_channels: int, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1)
        self.batchnorm1 = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.batchnorm1(self.conv1(x)), inplace=True)


class Stage2(nn.Module):
    """Block `Stage` of segnet.cnn."""

    def __init__(self, in_channels: int, width: int, last: int):
        super().__init__()
        self.unit1 = Unit(in_channels, width)
        self.unit2 = Unit(width, last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.unit1(x)  # width x H x W
        return self.unit2(x)


class Stage(nn.Module):
    """Block `Stage` of segnet.cnn."""

    def __init__(self, in_channels: int, width: int, last: int):
        super().__init__()
        self.unit1 = Unit(in_channels, width)
        self.unit2 = Unit(width, width)
        self.unit3 = Unit(width, last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.unit1(x)  # width x H x W
        x = self.unit2(x)  # width x H x W
        return self.unit3(x)


class SegNet(nn.Module):
    """Network `SegNet` of segnet.cnn: 29,449,932 parameters.

    Takes (N, 3, H, W); gives (N, 12, H, W).
    """

    def __init__(self):
        super().__init__()
        self.enc1 = Stage2(3, 64, 64)
        self.enc2 = Stage2(64, 128, 128)
        self.enc3 = Stage(128, 256, 256)
        self.enc4 = Stage(256, 512, 512)
        self.enc5 = Stage(512, 512, 512)
        self.stage6 = Stage(512, 512, 512)
        self.stage7 = Stage(512, 512, 256)
        self.stage8 = Stage(256, 256, 128)
        self.stage9 = Stage2(128, 128, 64)
        self.unit1 = Unit(64, 64)
        self.conv1 = nn.Conv2d(64, 12, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() != 4 or x.shape[1] != 3:
            raise ValueError(
                f"SegNet takes x of shape (N, 3, H, W), got {tuple(x.shape)}"
            )
        enc1 = self.enc1(x)  # 64 x H x W
        enc2 = self.enc2(F.max_pool2d(enc1, 2))  # 128 x H//2 x W//2
        enc3 = self.enc3(F.max_pool2d(enc2, 2))  # 256 x H//4 x W//4
        enc4 = self.enc4(F.max_pool2d(enc3, 2))  # 512 x H//8 x W//8
        enc5 = self.enc5(F.max_pool2d(enc4, 2))  # 512 x H//16 x W//16
        x = F.max_pool2d(enc5, 2)  # 512 x H//32 x W//32
        x = F.max_unpool2d(
            x,
            F.max_pool2d(enc5, 2, return_indices=True)[1],
            2,
            output_size=enc5.size()[2:],
        )
        x = self.stage6(x)  # 512 x H//16 x W//16
        x = F.max_unpool2d(
            x,
            F.max_pool2d(enc4, 2, return_indices=True)[1],
            2,
            output_size=enc4.size()[2:],
        )
        x = self.stage7(x)  # 256 x H//8 x W//8
        x = F.max_unpool2d(
            x,
            F.max_pool2d(enc3, 2, return_indices=True)[1],
            2,
            output_size=enc3.size()[2:],
        )
        x = self.stage8(x)  # 128 x H//4 x W//4
        x = F.max_unpool2d(
            x,
            F.max_pool2d(enc2, 2, return_indices=True)[1],
            2,
            output_size=enc2.size()[2:],
        )
        x = self.stage9(x)  # 64 x H//2 x W//2
        x = F.max_unpool2d(
            x,
            F.max_pool2d(enc1, 2, return_indices=True)[1],
            2,
            output_size=enc1.size()[2:],
        )
        x = self.unit1(x)  # 64 x H x W
        return self.conv1(x)
