"""ESRGAN: made by cnnlang from esrgan.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class ResidualDenseBlock(nn.Module):
    """Block `ResidualDenseBlock` of esrgan.cnn."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(64, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(96, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(128, 32, 3, padding=1)
        self.conv4 = nn.Conv2d(160, 32, 3, padding=1)
        self.conv5 = nn.Conv2d(192, 64, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.cat([x, F.leaky_relu(self.conv1(x), negative_slope=0.2)], dim=1)
        y = F.leaky_relu(self.conv2(out), negative_slope=0.2)  # 32 x H x W
        out = torch.cat([out, y], dim=1)  # 128 x H x W
        y = F.leaky_relu(self.conv3(out), negative_slope=0.2)  # 32 x H x W
        out = torch.cat([out, y], dim=1)  # 160 x H x W
        y = F.leaky_relu(self.conv4(out), negative_slope=0.2)  # 32 x H x W
        out = torch.cat([out, y], dim=1)  # 192 x H x W
        return self.conv5(out) * 0.2 + x


class RRDB(nn.Module):
    """Block `RRDB` of esrgan.cnn."""

    def __init__(self):
        super().__init__()
        self.rdb1 = ResidualDenseBlock()
        self.rdb2 = ResidualDenseBlock()
        self.rdb3 = ResidualDenseBlock()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.rdb1(x)  # 64 x H x W
        out = self.rdb2(out)  # 64 x H x W
        out = self.rdb3(out)  # 64 x H x W
        return out * 0.2 + x


class ESRGAN(nn.Module):
    """Network `ESRGAN` of esrgan.cnn: 16,697,987 parameters.

    Takes (N, 3, H, W); gives (N, 3, 4*H, 4*W).
    """

    def __init__(self):
        super().__init__()
        self.conv_first = nn.Conv2d(3, 64, 3, padding=1)
        self.body = nn.Sequential(*[RRDB() for _ in range(23)])
        self.conv_body = nn.Conv2d(64, 64, 3, padding=1)
        self.conv_up1 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv_up2 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv_hr = nn.Conv2d(64, 64, 3, padding=1)
        self.conv_last = nn.Conv2d(64, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() != 4 or x.shape[1] != 3:
            raise ValueError(
                f"ESRGAN takes x of shape (N, 3, H, W), got {tuple(x.shape)}"
            )
        conv_first = self.conv_first(x)  # 64 x H x W
        x = self.body(conv_first)  # 64 x H x W
        x = F.interpolate(self.conv_body(x) + conv_first, scale_factor=2)
        x = F.leaky_relu(self.conv_up1(x), negative_slope=0.2)  # 64 x 2*H x 2*W
        x = self.conv_up2(F.interpolate(x, scale_factor=2))  # 64 x 4*H x 4*W
        x = F.leaky_relu(x, negative_slope=0.2)  # 64 x 4*H x 4*W
        x = F.leaky_relu(self.conv_hr(x), negative_slope=0.2)  # 64 x 4*H x 4*W
        return self.conv_last(x)
