# mypy: ignore-errors
"""Helpers that generated PyTorch source copies: what layers need beside PyTorch.

Each function and class stands by itself, apart from others of this file that it names.
They hold for every batch and every spatial size, and `torch.compile` and `torch.export`
trace them. The file is laid out at 88 columns, as generated source is.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812
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


class Conv1dSame(nn.Conv1d):
    """Convolution with ceil(length / stride) positions in its output."""

    def forward(self, x):
        x = pad_same(x, self.kernel_size, self.stride, self.dilation, self.padding_mode)
        return self._conv_forward(x, self.weight, self.bias)


class Conv2dSame(nn.Conv2d):
    """Convolution with ceil(size / stride) positions on both axes of its output."""

    def forward(self, x):
        x = pad_same(x, self.kernel_size, self.stride, self.dilation, self.padding_mode)
        return self._conv_forward(x, self.weight, self.bias)


class Conv3dSame(nn.Conv3d):
    """Convolution with ceil(size / stride) positions on the axes of its output."""

    def forward(self, x):
        x = pad_same(x, self.kernel_size, self.stride, self.dilation, self.padding_mode)
        return self._conv_forward(x, self.weight, self.bias)


def standardize(weight, eps=1e-5):
    """The weights with mean 0 and variance 1 in every filter (Qiao et al. 2019)."""
    axes = tuple(range(1, weight.dim()))
    variance, mean = torch.var_mean(weight, axes, correction=0, keepdim=True)
    return (weight - mean) / torch.sqrt(variance + eps)


class StandardizedConv1d(nn.Conv1d):
    """Convolution whose filters are standardized each time they are used."""

    def __init__(self, *sizes, eps=1e-5, **options):
        super().__init__(*sizes, **options)
        self.eps = eps

    def forward(self, x):
        weight = standardize(self.weight, self.eps)
        return self._conv_forward(x, weight, self.bias)


class StandardizedConv2d(nn.Conv2d):
    """Convolution whose filters are standardized each time they are used."""

    def __init__(self, *sizes, eps=1e-5, **options):
        super().__init__(*sizes, **options)
        self.eps = eps

    def forward(self, x):
        weight = standardize(self.weight, self.eps)
        return self._conv_forward(x, weight, self.bias)


class StandardizedConv3d(nn.Conv3d):
    """Convolution whose filters are standardized each time they are used."""

    def __init__(self, *sizes, eps=1e-5, **options):
        super().__init__(*sizes, **options)
        self.eps = eps

    def forward(self, x):
        weight = standardize(self.weight, self.eps)
        return self._conv_forward(x, weight, self.bias)


class MaxPool1dSame(nn.MaxPool1d):
    """Max pooling with ceil(length / stride) positions in its output."""

    def forward(self, x):
        lowest = float("-inf")
        x = pad_same(x, self.kernel_size, self.stride, self.dilation, value=lowest)
        return super().forward(x)


class MaxPool2dSame(nn.MaxPool2d):
    """Max pooling with ceil(size / stride) positions on both axes of its output."""

    def forward(self, x):
        lowest = float("-inf")
        x = pad_same(x, self.kernel_size, self.stride, self.dilation, value=lowest)
        return super().forward(x)


class MaxPool3dSame(nn.MaxPool3d):
    """Max pooling with ceil(size / stride) positions on the axes of its output."""

    def forward(self, x):
        lowest = float("-inf")
        x = pad_same(x, self.kernel_size, self.stride, self.dilation, value=lowest)
        return super().forward(x)


class AvgPool1dSame(nn.AvgPool1d):
    """Average pooling with ceil(length / stride) positions in its output."""

    def forward(self, x):
        means = super().forward(pad_same(x, self.kernel_size, self.stride))
        if self.count_include_pad:
            return means
        ones = torch.ones_like(x[:1, :1])
        return means / super().forward(pad_same(ones, self.kernel_size, self.stride))


class AvgPool2dSame(nn.AvgPool2d):
    """Average pooling with ceil(size / stride) positions on both axes of its output."""

    def forward(self, x):
        means = super().forward(pad_same(x, self.kernel_size, self.stride))
        if self.count_include_pad or self.divisor_override:
            return means
        ones = torch.ones_like(x[:1, :1])
        return means / super().forward(pad_same(ones, self.kernel_size, self.stride))


class AvgPool3dSame(nn.AvgPool3d):
    """Average pooling with ceil(size / stride) positions on its output's axes."""

    def forward(self, x):
        means = super().forward(pad_same(x, self.kernel_size, self.stride))
        if self.count_include_pad or self.divisor_override:
            return means
        ones = torch.ones_like(x[:1, :1])
        return means / super().forward(pad_same(ones, self.kernel_size, self.stride))


class BlurPool(nn.Module):
    """Binomial low-pass filter, then every stride-th position (Zhang 2019)."""

    def __init__(
        self, channels, axes=2, kernel_size=4, stride=2, padding_mode="reflect"
    ):
        super().__init__()
        self.axes, self.kernel_size, self.stride = axes, kernel_size, stride
        self.padding_mode = padding_mode
        row = torch.tensor(
            [
                math.comb(kernel_size - 1, i) / 2 ** (kernel_size - 1)
                for i in range(kernel_size)
            ]
        )
        filt = row
        for _ in range(axes - 1):
            filt = filt.unsqueeze(-1) * row
        self.register_buffer("filt", filt.repeat(channels, 1, *(1,) * axes))

    def forward(self, x):
        pads = ((self.kernel_size - 1) // 2, self.kernel_size // 2) * self.axes
        x = F.pad(
            x,
            pads,
            mode="constant" if self.padding_mode == "zeros" else self.padding_mode,
        )
        convolve = (F.conv1d, F.conv2d, F.conv3d)[self.axes - 1]
        return convolve(x, self.filt, stride=self.stride, groups=self.filt.shape[0])


class ChannelLayerNorm(nn.LayerNorm):
    """Layer normalisation over the channels, at every position of a map."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class ChannelRMSNorm(nn.RMSNorm):
    """Normalisation by the root mean square of the channels, at every position."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class WindowResponseNorm(nn.Module):
    """x / (k + alpha * mean of x * x over a window of the same channel) ** beta."""

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0):
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x):
        axes = x.dim() - 2
        pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[axes - 1]
        squares = F.pad(x * x, (self.size // 2,) * (2 * axes))
        return (
            x / (self.k + self.alpha * pool(squares, self.size, stride=1)) ** self.beta
        )


class L2Norm(nn.Module):
    """x divided by its Euclidean length along an axis."""

    def __init__(self, dim=1, eps=1e-12):
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x):
        return F.normalize(x, dim=self.dim, eps=self.eps)


class StochasticDepth(nn.Module):
    """Drops samples (`row`) or the whole `batch` in training (Huang et al. 2016)."""

    def __init__(self, p, mode="row"):
        super().__init__()
        self.p, self.mode = p, mode

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        survival = 1.0 - self.p
        size = [x.shape[0] if self.mode == "row" else 1] + [1] * (x.dim() - 1)
        noise = torch.empty(size, dtype=x.dtype, device=x.device).bernoulli_(survival)
        if survival > 0:
            noise.div_(survival)
        return x * noise

    def extra_repr(self):
        return f"p={self.p}, mode={self.mode}"


def center_crop(x, size):
    """The centre of a map: `size` positions an axis, the odd one cut at the end."""
    size = (size,) * (x.dim() - 2) if isinstance(size, int) else size
    for axis, length in enumerate(size, start=2):
        x = x.narrow(axis, (x.shape[axis] - length) // 2, length)
    return x


def crop_from(x, offset, size):
    """A part of a map: `size` positions an axis, from position `offset` on."""
    size = (size,) * (x.dim() - 2) if isinstance(size, int) else size
    for axis, length in enumerate(size, start=2):
        x = x.narrow(axis, offset, length)
    return x


def center_pad(x, size, mode="constant", value=0.0):
    """A map padded to `size` at both ends of each axis; the odd one goes to the end."""
    size = (size,) * (x.dim() - 2) if isinstance(size, int) else size
    pads = []
    for old, new in zip(x.shape[2:], size, strict=True):
        pads = [(new - old) // 2, new - old - (new - old) // 2, *pads]
    return F.pad(x, pads, mode=mode, value=value if mode == "constant" else None)
