"""ResNet50: made by cnnlang from resnet.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class Bottleneck(nn.Module):
    """Block `Bottleneck` of resnet.cnn."""

    def __init__(self, in_channels: int, width: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * 4)
        self.downsample = None
        if stride != 1 or in_channels != width * 4:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, width * 4, 1, stride=stride, bias=False),
                nn.BatchNorm2d(width * 4),
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)  # width x H x W
        out = F.relu(self.bn2(self.conv2(out)), inplace=True)
        out = self.bn3(self.conv3(out))
        if self.downsample is not None:
            x = self.downsample(x)
        return F.relu(out + x, inplace=True)


class ResNet50(nn.Module):
    """Network `ResNet50` of resnet.cnn: 25,557,032 parameters.

    Takes (N, 3, H, W); gives (N, 1000).
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(
            Bottleneck(64, 64), Bottleneck(256, 64), Bottleneck(256, 64)
        )
        self.layer2 = nn.Sequential(
            Bottleneck(256, 128, stride=2), *[Bottleneck(512, 128) for _ in range(3)]
        )
        self.layer3 = nn.Sequential(
            Bottleneck(512, 256, stride=2), *[Bottleneck(1024, 256) for _ in range(5)]
        )
        self.layer4 = nn.Sequential(
            Bottleneck(1024, 512, stride=2),
            Bottleneck(2048, 512),
            Bottleneck(2048, 512),
        )
        self.fc = nn.Linear(2048, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() != 4 or x.shape[1] != 3:
            raise ValueError(
                f"ResNet50 takes x of shape (N, 3, H, W), got {tuple(x.shape)}"
            )
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)  # 64 x ceil(H/2) x ceil(W/2)
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # 64 x ceil(H/4) x ceil(W/4)
        x = self.layer1(x)  # 256 x ceil(H/4) x ceil(W/4)
        x = self.layer2(x)  # 512 x ceil(H/8) x ceil(W/8)
        x = self.layer3(x)  # 1024 x ceil(H/16) x ceil(W/16)
        x = self.layer4(x)  # 2048 x ceil(H/32) x ceil(W/32)
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)  # 2048
        return self.fc(x)
