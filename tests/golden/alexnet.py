"""AlexNet: made by cnnlang from alexnet.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class AlexNet(nn.Module):
    """Network `AlexNet` of alexnet.cnn: 61,100,840 parameters.

    Takes (N, 3, 224, 224); gives (N, 1000).
    """

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.5),
            nn.Linear(9216, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, 1000),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1:] != (3, 224, 224):
            raise ValueError(
                f"AlexNet takes x of shape (N, 3, 224, 224), got {tuple(x.shape)}"
            )
        x = self.features(x)  # 256 x 6 x 6
        x = F.adaptive_avg_pool2d(x, 6)  # 256 x 6 x 6
        x = x.flatten(1)  # 9216
        return self.classifier(x)
