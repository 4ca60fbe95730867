"""LeNet5_1998: made by cnnlang from lenet5_1998.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class Squash(nn.Module):
    """Block `Squash` of lenet5_1998.cnn."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x * 0.6666666666666666) * 1.7159


class Subsampling(nn.Module):
    """Block `Subsampling` of lenet5_1998.cnn."""

    def __init__(self, in_channels: int):
        super().__init__()
        self.scale1 = nn.Parameter(torch.full((in_channels, 1, 1), 0.25))
        self.bias1 = nn.Parameter(torch.full((in_channels, 1, 1), 0.0))
        self.squash1 = Squash()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.avg_pool2d(x, 2, divisor_override=1) * self.scale1 + self.bias1
        return self.squash1(x)


class Places(nn.Module):
    """Block `Places` of lenet5_1998.cnn."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(18, 6, 5, groups=6)
        nn.init.uniform_(self.conv1.weight, a=-0.032, b=0.032)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.cat([x[:, :6], x[:, 1:7], x[:, 2:8]], dim=1)  # 18 x 14 x 14
        x = F.channel_shuffle(x, 3)  # 18 x 14 x 14
        return self.conv1(x)


class Places2(nn.Module):
    """Block `Places` of lenet5_1998.cnn."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(24, 6, 5, groups=6)
        nn.init.uniform_(self.conv1.weight, a=-0.024, b=0.024)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.cat([x[:, :6], x[:, 1:7], x[:, 2:8], x[:, 3:9]], dim=1)
        x = F.channel_shuffle(x, 4)  # 24 x 14 x 14
        return self.conv1(x)


class Places3(nn.Module):
    """Block `Places` of lenet5_1998.cnn."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(12, 3, 5, groups=3)
        nn.init.uniform_(self.conv1.weight, a=-0.024, b=0.024)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.cat([x[:, :3], x[:, 1:4], x[:, 3:6], x[:, 4:7]], dim=1)
        x = F.channel_shuffle(x, 4)  # 12 x 14 x 14
        return self.conv1(x)


class TableI(nn.Module):
    """Block `TableI` of lenet5_1998.cnn."""

    def __init__(self):
        super().__init__()
        self.places1 = Places()
        self.places2 = Places2()
        self.places3 = Places3()
        self.conv1 = nn.Conv2d(6, 1, 5)
        nn.init.uniform_(self.conv1.weight, a=-0.016, b=0.016)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.cat([x, x], dim=1)  # 12 x 14 x 14
        branch1 = self.places1(x)  # 6 x 10 x 10
        branch2 = self.places2(x)  # 6 x 10 x 10
        branch3 = self.places3(x)  # 3 x 10 x 10
        branch4 = self.conv1(x[:, :6])  # 1 x 10 x 10
        return torch.cat([branch1, branch2, branch3, branch4], dim=1)


class LeNet5_1998(nn.Module):
    """Network `LeNet5_1998` of lenet5_1998.cnn: 60,840 parameters.

    Takes (N, 1, 32, 32); gives (N, 10).
    """

    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.squash1 = Squash()
        self.s2 = Subsampling(6)
        self.c3 = TableI()
        self.squash2 = Squash()
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.squash3 = Squash()
        self.f6 = nn.Linear(120, 84)
        self.squash4 = Squash()
        self.codes = nn.Parameter(torch.full((10, 84), 0.0))
        nn.init.uniform_(self.c1.weight, a=-0.096, b=0.096)
        nn.init.uniform_(self.c5.weight, a=-0.006, b=0.006)
        nn.init.uniform_(self.f6.weight, a=-0.02, b=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1:] != (1, 32, 32):
            raise ValueError(
                f"LeNet5_1998 takes x of shape (N, 1, 32, 32), got {tuple(x.shape)}"
            )
        x = self.squash1(self.c1(x))  # 6 x 28 x 28
        x = self.s2(x)  # 6 x 14 x 14
        x = self.squash2(self.c3(x))  # 16 x 10 x 10
        x = self.s4(x)  # 16 x 5 x 5
        x = self.squash3(self.c5(x)).flatten(1)  # 120
        x = self.squash4(self.f6(x))  # 84
        x = torch.cat([x, x, x, x, x, x, x, x, x, x], dim=1)  # 840
        x = x.unflatten(1, (10, 84))  # 10 x 84
        return torch.square(torch.neg(x) + self.codes).sum(dim=2)
