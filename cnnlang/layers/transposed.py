"""Transposed convolution, over 1, 2 or 3 axes."""

from __future__ import annotations

from dataclasses import KW_ONLY
from math import prod
from typing import TYPE_CHECKING, Any

from cnnlang.layers.base import Inputs, Layer, Need, Problem, Weight, call, fail
from cnnlang.layers.code import Code, unless
from cnnlang.layers.common import asked, captions, count, incoming
from cnnlang.layers.convolution import divide
from cnnlang.layers.tensor import Tensor
from cnnlang.layers.window import Window, narrow, need_map, spread, window
from cnnlang.sizes import Size, product

if TYPE_CHECKING:
    from cnnlang.layers.fields import Count, Flag, Init, Padding, Sizes, Wholes


class ConvTranspose(Layer, name="conv_transpose", family="Convolution"):
    """Transposed convolution: every position spreads over a patch of the output.

    Output per axis: (h - 1) s - 2 p + d (k - 1) + output_padding + 1; with `padding=same`, h s.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
    """

    filters: Count
    """Number of feature maps to make (output channels)."""
    kernel: Sizes
    """Size of the patch: one number for all axes, or one per axis."""
    _: KW_ONLY
    stride: Sizes = 1
    """Distance in the output between neighbouring positions of the input."""
    padding: Padding = 0
    """Positions cut from each border; `same` makes the output stride times the input."""
    output_padding: Wholes = 0
    """Positions added at the end of each axis, less than the stride or the dilation."""
    dilation: Sizes = 1
    """Distance between neighbouring taps of the kernel."""
    groups: Count = 1
    """Number of groups of channels that are convolved apart."""
    bias: Flag = True
    """Whether to add a learned number per filter."""
    in_channels: Count | None = None
    """Declared number of incoming channels, checked; it is inferred otherwise."""
    init: Init = None
    """Initialisation of the weights; PyTorch's own otherwise."""
    bias_init: Init = None
    """Initialisation of the bias."""

    def window(self, x: Tensor) -> Window:
        return window(self, x, self.kernel, self.stride, self.dilation, self.padding)

    def margins(self, x: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Padding and output padding, one number an axis; `same` worked out."""
        w = self.window(x)
        extra = spread(self, "output_padding", self.output_padding, x.rank - 1)
        if w.pads is not None:
            if any(before != after for before, after in w.pads):
                raise fail(
                    "S109",
                    "`conv_transpose` cuts both ends alike",
                    field="padding",
                    help="give one number per axis, and `crop` what else should go",
                )
            return tuple(before for before, _ in w.pads), extra
        surplus = [e - s for e, s in zip(w.extent, w.stride, strict=True)]
        if min(surplus) < 0:
            raise fail(
                "S109", "`padding=same` needs a kernel of at least the stride", field="padding"
            )
        pads = tuple(-(-n // 2) for n in surplus)
        return pads, tuple(2 * p - n for p, n in zip(pads, surplus, strict=True))

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_map(self, x)
        divide(self, incoming(self, x, self.in_channels), self.filters, self.groups)
        w, (pads, extra) = self.window(x), self.margins(x)
        sizes: list[Size] = []
        for h, s, d, e, p, more in zip(
            x.spatial, w.stride, w.dilation, w.extent, pads, extra, strict=True
        ):
            if more >= s and more >= d:
                raise fail(
                    "S108",
                    f"`output_padding` {more} must be below the stride or dilation, {max(s, d)}",
                    field="output_padding",
                    help=f"use at most `output_padding={max(s, d) - 1}`",
                )
            size = (h - 1) * s - 2 * p + e + more
            if e + more < 2 * p + 1:  # or else one position is enough
                need.at_least(size, 1, lambda: nothing_left(self, x))
            sizes.append(size)
        return x.resized((self.filters, *sizes))

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        (x,) = inputs
        weight = Weight("weight", (count(x), self.filters // self.groups, *self.window(x).kernel))
        return (weight, Weight("bias", (self.filters,))) if self.bias else (weight,)

    def macs(self, inputs: Inputs, output: Tensor) -> Size:
        (x,) = inputs
        return prod(self.weights(inputs)[0].shape[1:]) * product(x.shape)

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        (x,) = inputs
        w, (pads, extra) = self.window(x), self.margins(x)
        return call(
            f"nn.ConvTranspose{x.rank - 1}d",
            count(x),
            self.filters,
            narrow(w.kernel),
            stride=unless(narrow(w.stride), 1),
            padding=unless(narrow(pads), 0),
            output_padding=unless(narrow(extra), 0),
            groups=unless(self.groups, 1),
            bias=unless(self.bias, True),
            dilation=unless(narrow(w.dilation), 1),
        )

    def initial(self, inputs: Inputs) -> tuple[tuple[str, Any], ...]:
        return asked(("weight", self.init), ("bias", self.bias_init if self.bias else None))

    def caption(self) -> tuple[str, ...]:
        return captions(self.kernel, self.stride, self.padding, self.dilation)


def nothing_left(layer: Layer, x: Tensor) -> Problem:
    return Problem(
        "S107",
        f"`{layer.name}` leaves nothing of {x}: the padding cuts everything away",
        "the output would be empty",
        field="padding",
        help="use less padding",
    )
