"""NiN: made by cnnlang from nin.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class MlpConv(nn.Module):
    """Block `MlpConv` of nin.cnn."""

    def __init__(self, in_channels: int, second: int, third: int, kernel: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 192, kernel, padding=kernel // 2)
        self.conv2 = nn.Conv2d(192, second, 1)
        self.conv3 = nn.Conv2d(second, third, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.conv1(x), inplace=True)  # 192 x H x W
        x = F.relu(self.conv2(x), inplace=True)  # second x H x W
        return F.relu(self.conv3(x), inplace=True)


class NiN(nn.Module):
    """Network `NiN` of nin.cnn: 966,986 parameters.

    Takes (N, 3, 32, 32); gives (N, 10).
    """

    def __init__(self):
        super().__init__()
        self.mlp_conv1 = MlpConv(3, 160, 96, 5)
        self.dropout1 = nn.Dropout(0.5)
        self.mlp_conv2 = MlpConv(96, 192, 192, 5)
        self.dropout2 = nn.Dropout(0.5)
        self.mlp_conv3 = MlpConv(192, 192, 10, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1:] != (3, 32, 32):
            raise ValueError(
                f"NiN takes x of shape (N, 3, 32, 32), got {tuple(x.shape)}"
            )
        x = F.max_pool2d(self.mlp_conv1(x), 3, stride=2, ceil_mode=True)  # 96 x 16 x 16
        x = self.dropout1(x)  # 96 x 16 x 16
        x = F.avg_pool2d(self.mlp_conv2(x), 3, stride=2, ceil_mode=True)  # 192 x 8 x 8
        x = self.dropout2(x)  # 192 x 8 x 8
        return F.adaptive_avg_pool2d(self.mlp_conv3(x), 1).flatten(1)
