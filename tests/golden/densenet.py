"""DenseNet121: made by cnnlang from densenet.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class DenseLayer(nn.Module):
    """Block `DenseLayer` of densenet.cnn."""

    def __init__(self, in_channels: int):
        super().__init__()
        self.batchnorm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, 128, 1, bias=False)
        self.batchnorm2 = nn.BatchNorm2d(128)
        self.conv2 = nn.Conv2d(128, 32, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.batchnorm2(self.conv1(F.relu(self.batchnorm1(x), inplace=True)))
        out = F.relu(out, inplace=True)  # 128 x H x W
        return torch.cat([x, self.conv2(out)], dim=1)


class DenseNet121(nn.Module):
    """Network `DenseNet121` of densenet.cnn: 7,978,856 parameters.

    Takes (N, 3, 224, 224); gives (N, 1000).
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.batchnorm1 = nn.BatchNorm2d(64)
        for i in range(6):
            self.add_module(f"dense_layer{i + 1}", DenseLayer(64 + 32 * i))
        self.batchnorm2 = nn.BatchNorm2d(256)
        self.conv2 = nn.Conv2d(256, 128, 1, bias=False)
        for i in range(12):
            self.add_module(f"dense_layer{i + 7}", DenseLayer(128 + 32 * i))
        self.batchnorm3 = nn.BatchNorm2d(512)
        self.conv3 = nn.Conv2d(512, 256, 1, bias=False)
        for i in range(24):
            self.add_module(f"dense_layer{i + 19}", DenseLayer(256 + 32 * i))
        self.batchnorm4 = nn.BatchNorm2d(1024)
        self.conv4 = nn.Conv2d(1024, 512, 1, bias=False)
        for i in range(16):
            self.add_module(f"dense_layer{i + 43}", DenseLayer(512 + 32 * i))
        self.batchnorm5 = nn.BatchNorm2d(1024)
        self.dense1 = nn.Linear(1024, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1:] != (3, 224, 224):
            raise ValueError(
                f"DenseNet121 takes x of shape (N, 3, 224, 224), got {tuple(x.shape)}"
            )
        x = F.relu(self.batchnorm1(self.conv1(x)), inplace=True)  # 64 x 112 x 112
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # 64 x 56 x 56
        for i in range(6):
            x = getattr(self, f"dense_layer{i + 1}")(x)  # 256 x 56 x 56
        x = F.avg_pool2d(self.conv2(F.relu(self.batchnorm2(x), inplace=True)), 2)
        for i in range(12):
            x = getattr(self, f"dense_layer{i + 7}")(x)  # 512 x 28 x 28
        x = F.avg_pool2d(self.conv3(F.relu(self.batchnorm3(x), inplace=True)), 2)
        for i in range(24):
            x = getattr(self, f"dense_layer{i + 19}")(x)  # 1024 x 14 x 14
        x = F.avg_pool2d(self.conv4(F.relu(self.batchnorm4(x), inplace=True)), 2)
        for i in range(16):
            x = getattr(self, f"dense_layer{i + 43}")(x)  # 1024 x 7 x 7
        x = F.adaptive_avg_pool2d(F.relu(self.batchnorm5(x), inplace=True), 1)
        x = x.flatten(1)  # 1024
        return self.dense1(x)
