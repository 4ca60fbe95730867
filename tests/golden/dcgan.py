"""Generator: made by cnnlang from dcgan.cnn."""

import torch
from torch import nn


class Generator(nn.Module):
    """Network `Generator` of dcgan.cnn: 3,576,704 parameters.

    Takes (N, 100, 1, 1); gives (N, 3, 64, 64).
    """

    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(100, 512, 4, bias=False),
            nn.BatchNorm2d(512),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(512, 256, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(256),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(256, 128, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(64, 3, 4, stride=2, padding=1, bias=False),
            nn.Tanh(),
        )
        for module in (
            self.main[0],
            self.main[3],
            self.main[6],
            self.main[9],
            self.main[12],
        ):
            nn.init.normal_(module.weight, std=0.02)
        for module in (self.main[1], self.main[4], self.main[7], self.main[10]):
            nn.init.normal_(module.weight, mean=1, std=0.02)
            nn.init.zeros_(module.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1:] != (100, 1, 1):
            raise ValueError(
                f"Generator takes x of shape (N, 100, 1, 1), got {tuple(x.shape)}"
            )
        return self.main(x)
