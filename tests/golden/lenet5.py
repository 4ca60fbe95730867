"""LeNet5: made by cnnlang from lenet5.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class LeNet5(nn.Module):
    """Network `LeNet5` of lenet5.cnn: 61,706 parameters.

    Takes (N, 1, 32, 32); gives (N, 10).
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.conv3 = nn.Conv2d(16, 120, 5)
        self.dense1 = nn.Linear(120, 84)
        self.dense2 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1:] != (1, 32, 32):
            raise ValueError(
                f"LeNet5 takes x of shape (N, 1, 32, 32), got {tuple(x.shape)}"
            )
        x = torch.tanh(self.conv1(x))  # 6 x 28 x 28
        x = F.avg_pool2d(x, 2)  # 6 x 14 x 14
        x = torch.tanh(self.conv2(x))  # 16 x 10 x 10
        x = F.avg_pool2d(x, 2)  # 16 x 5 x 5
        x = torch.tanh(self.conv3(x))  # 120 x 1 x 1
        x = x.flatten(1)  # 120
        x = torch.tanh(self.dense1(x))  # 84
        return self.dense2(x)
