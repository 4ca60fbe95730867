"""C3D: made by cnnlang from c3d.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class C3D(nn.Module):
    """Network `C3D` of c3d.cnn: 79,991,015 parameters.

    Takes (N, 3, 16, 112, 112); gives (N, 487).
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv3d(3, 64, 3, padding=1)
        self.conv2 = nn.Conv3d(64, 128, 3, padding=1)
        self.conv3 = nn.Conv3d(128, 256, 3, padding=1)
        self.conv4 = nn.Conv3d(256, 256, 3, padding=1)
        self.conv5 = nn.Conv3d(256, 512, 3, padding=1)
        self.conv6 = nn.Conv3d(512, 512, 3, padding=1)
        self.conv7 = nn.Conv3d(512, 512, 3, padding=1)
        self.conv8 = nn.Conv3d(512, 512, 3, padding=1)
        self.dense1 = nn.Linear(8192, 4096)
        self.dropout1 = nn.Dropout(0.5)
        self.dense2 = nn.Linear(4096, 4096)
        self.dropout2 = nn.Dropout(0.5)
        self.dense3 = nn.Linear(4096, 487)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1:] != (3, 16, 112, 112):
            raise ValueError(
                f"C3D takes x of shape (N, 3, 16, 112, 112), got {tuple(x.shape)}"
            )
        x = F.relu(self.conv1(x), inplace=True)  # 64 x 16 x 112 x 112
        x = F.max_pool3d(x, (1, 2, 2), ceil_mode=True)  # 64 x 16 x 56 x 56
        x = F.relu(self.conv2(x), inplace=True)  # 128 x 16 x 56 x 56
        x = F.max_pool3d(x, 2, ceil_mode=True)  # 128 x 8 x 28 x 28
        x = F.relu(self.conv3(x), inplace=True)  # 256 x 8 x 28 x 28
        x = F.relu(self.conv4(x), inplace=True)  # 256 x 8 x 28 x 28
        x = F.max_pool3d(x, 2, ceil_mode=True)  # 256 x 4 x 14 x 14
        x = F.relu(self.conv5(x), inplace=True)  # 512 x 4 x 14 x 14
        x = F.relu(self.conv6(x), inplace=True)  # 512 x 4 x 14 x 14
        x = F.max_pool3d(x, 2, ceil_mode=True)  # 512 x 2 x 7 x 7
        x = F.relu(self.conv7(x), inplace=True)  # 512 x 2 x 7 x 7
        x = F.relu(self.conv8(x), inplace=True)  # 512 x 2 x 7 x 7
        x = F.max_pool3d(x, 2, ceil_mode=True)  # 512 x 1 x 4 x 4
        x = x.flatten(1)  # 8192
        x = self.dropout1(F.relu(self.dense1(x), inplace=True))  # 4096
        x = self.dropout2(F.relu(self.dense2(x), inplace=True))  # 4096
        return self.dense3(x)
