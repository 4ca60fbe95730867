"""Siamese: made by cnnlang from siamese.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class Embed(nn.Module):
    """Shared piece `embed` of siamese.cnn."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 10)
        self.conv2 = nn.Conv2d(64, 128, 7)
        self.conv3 = nn.Conv2d(128, 128, 4)
        self.conv4 = nn.Conv2d(128, 256, 4)
        self.dense1 = nn.Linear(9216, 4096)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x), inplace=True), 2)  # 64 x 48 x 48
        x = F.max_pool2d(F.relu(self.conv2(x), inplace=True), 2)  # 128 x 21 x 21
        x = F.max_pool2d(F.relu(self.conv3(x), inplace=True), 2)  # 128 x 9 x 9
        x = F.relu(self.conv4(x), inplace=True)  # 256 x 6 x 6
        x = x.flatten(1)  # 9216
        return torch.sigmoid(self.dense1(x))


class Siamese(nn.Module):
    """Network `Siamese` of siamese.cnn: 38,951,745 parameters.

    Takes (N, 1, 105, 105), (N, 1, 105, 105); gives (N, 1).
    """

    def __init__(self):
        super().__init__()
        self.embed = Embed()
        self.score = nn.Linear(4096, 1)

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        if left.shape[1:] != (1, 105, 105):
            raise ValueError(
                f"Siamese takes left of shape (N, 1, 105, 105), got {tuple(left.shape)}"
            )
        if right.shape[1:] != (1, 105, 105):
            raise ValueError(
                f"Siamese takes right of shape (N, 1, 105, 105), got {tuple(right.shape)}"
            )
        right = self.embed(right)  # 4096
        left = self.embed(left)  # 4096
        left = torch.abs(left - right)  # 4096
        return torch.sigmoid(self.score(left))
