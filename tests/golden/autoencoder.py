"""Autoencoder: made by cnnlang from autoencoder.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


def pad_same(x, kernel, stride=1, dilation=1, mode="zeros", value=0.0):
    """Pad a map so that a window has ceil(size / stride) positions on every axis."""
    sizes, options, pads = x.shape[2:], (kernel, stride, dilation), []
    options = [n if isinstance(n, tuple) else (n,) * len(sizes) for n in options]
    for size, k, s, d in zip(sizes, *options, strict=True):
        reach, rest = d * (k - 1), (size - 1) % s
        total = reach - rest if reach >= s - 1 else max(reach - rest, 0)
        pads = [total // 2, total - total // 2, *pads]
    return F.pad(x, pads, "constant" if mode == "zeros" else mode, value)


class Conv2dSame(nn.Conv2d):
    """Convolution with ceil(size / stride) positions on both axes of its output."""

    def forward(self, x):
        x = pad_same(x, self.kernel_size, self.stride, self.dilation, self.padding_mode)
        return self._conv_forward(x, self.weight, self.bias)


class Autoencoder(nn.Module):
    """Network `Autoencoder` of autoencoder.cnn: 275,979 parameters.

    Takes (N, 1, 28, 28); gives (N, 1, 28, 28), (N, 10).
    """

    def __init__(self):
        super().__init__()
        self.conv1 = Conv2dSame(1, 32, 5, stride=2)
        self.conv2 = Conv2dSame(32, 64, 5, stride=2)
        self.conv3 = nn.Conv2d(64, 128, 3, stride=2)
        self.code = nn.Linear(1152, 10)
        self.dense2 = nn.Linear(10, 1152)
        self.conv_transpose1 = nn.ConvTranspose2d(128, 64, 3, stride=2)
        self.conv_transpose2 = nn.ConvTranspose2d(64, 32, 5, stride=2, padding=1)
        self.picture = nn.ConvTranspose2d(32, 1, 5, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if x.shape[1:] != (1, 28, 28):
            raise ValueError(
                f"Autoencoder takes x of shape (N, 1, 28, 28), got {tuple(x.shape)}"
            )
        x = F.relu(self.conv1(x), inplace=True)  # 32 x 14 x 14
        x = F.relu(self.conv2(x), inplace=True)  # 64 x 7 x 7
        x = F.relu(self.conv3(x), inplace=True)  # 128 x 3 x 3
        x = x.flatten(1)  # 1152
        code = self.code(x)  # 10
        x = F.relu(self.dense2(code), inplace=True).unflatten(1, (128, 3, 3))
        x = F.relu(self.conv_transpose1(x), inplace=True)  # 64 x 7 x 7
        x = F.relu(self.conv_transpose2(x)[:, :, :-1, :-1])  # 32 x 14 x 14
        picture = self.picture(x)[:, :, :-1, :-1]  # 1 x 28 x 28
        return picture, code
