"""Layers that move numbers between channels and positions."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from cnnlang.layers.base import Inputs, Layer, Need, Problem, call, fail
from cnnlang.layers.code import Code, X
from cnnlang.layers.common import need_channels, widenings
from cnnlang.layers.reading import EVERYTHING, Reads, Usual, owned, sliding, spreading
from cnnlang.layers.remedies import Give, Insert, Remedy, Resize
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor
from cnnlang.layers.window import need_map
from cnnlang.sizes import Size

if TYPE_CHECKING:
    from cnnlang.layers.fields import Count


class PixelShuffle(Layer, name="pixel_shuffle", family="Shape"):
    """Every `factor²` channels become one, `factor` times as high and wide (depth to space).

    Output: `C / factor² × H·factor × W·factor`
    Example: `pixel_shuffle(2)` takes 64x16x16 to 16x32x32.
    Source: Shi et al. 2016, https://arxiv.org/abs/1609.05158;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.PixelShuffle.html
    """

    factor: Count
    """How many times as high and wide the map becomes."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_plane(self, x)
        r = self.factor
        need.multiple(x.channels, r * r, lambda: uneven(self, x, "channels", x.channels, r * r))
        height, width = x.spatial
        return x.resized((x.channels // (r * r), height * r, width * r))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return ((EVERYTHING, *(spreading(i, self.factor, self.factor, 1, 0) for i in (1, 2))),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.op(self.name, output.shape, values[0])

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call("nn.PixelShuffle", self.factor)

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call("F.pixel_shuffle", X, self.factor)

    def caption(self) -> tuple[str, ...]:
        return (f"×{self.factor}",)


class PixelUnshuffle(Layer, name="pixel_unshuffle", family="Shape"):
    """Every patch of `factor²` positions becomes as many channels: the inverse of `pixel_shuffle`.

    It is also known as space to depth (TensorFlow's numbers the channels in another order).

    Output: `C·factor² × H / factor × W / factor`
    Example: `pixel_unshuffle(2)` takes 3x32x32 to 12x16x16.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.PixelUnshuffle.html
    """

    factor: Count
    """Height and width of the patches."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_plane(self, x)
        r = self.factor
        for axis, size in zip(x.axes[1:], x.spatial, strict=True):
            need.multiple(size, r, lambda a=axis, s=size: uneven(self, x, a, s, r))  # type: ignore[misc]
        height, width = x.spatial
        return x.resized((x.channels * (r * r), height // r, width // r))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return ((EVERYTHING, *(sliding(i, self.factor, self.factor, 0) for i in (1, 2))),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.op(self.name, output.shape, values[0])

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call("nn.PixelUnshuffle", self.factor)

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call("F.pixel_unshuffle", X, self.factor)

    def caption(self) -> tuple[str, ...]:
        return (f"÷{self.factor}",)


class ChannelShuffle(Layer, name="channel_shuffle", family="Shape"):
    """Takes one channel of every group in turn, so that grouped convolutions exchange channels.

    Formula: channel j comes from channel `(j % groups)·C / groups + ⌊j / groups⌋`
    Output: as the input
    Example: `channel_shuffle(3)` takes 240x28x28 to 240x28x28.
    Source: Zhang et al. 2018 (ShuffleNet), https://arxiv.org/abs/1707.01083;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ChannelShuffle.html
    """

    groups: Count
    """Number of groups; it divides the channels."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_map(self, x)
        need.multiple(
            x.channels, self.groups, lambda: uneven(self, x, "channels", x.channels, self.groups)
        )
        return x

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return (owned(output.rank, 0),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.op(self.name, output.shape, values[0])

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call("nn.ChannelShuffle", self.groups)

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call("F.channel_shuffle", X, self.groups)

    def caption(self) -> tuple[str, ...]:
        return (f"{self.groups} groups",)


def need_plane(layer: Layer, x: Tensor) -> None:
    """The tensor must be a channels-first map of two axes."""
    need_channels(layer, x)
    if x.rank != 3:
        raise fail(
            "S103",
            f"`{layer.name}` needs a map of two axes, got {x}",
            f"{x.rank} axes with the channels here",
        )


def uneven(layer: Layer, x: Tensor, axis: str, size: Size, by: int) -> Problem:
    field = next(iter(layer.fields))
    remedies: tuple[Remedy, ...] = ()
    if isinstance(size, int):
        short = -size % by
        remedies = (
            widenings(x, size + short)
            if axis == "channels"
            else (Insert(f"pad({margins(x, by)})"), Resize())
        )
    if layer.name == "channel_shuffle" and isinstance(size, int):
        remedies = (Give("groups", gcd(size, by)), *remedies)
    return Problem(
        "S125",
        f"`{layer.name}` needs {axis} divisible by {by}, got {size}",
        f"the tensor here is {x}",
        field=field,
        remedies=remedies,
    )


def margins(x: Tensor, by: int) -> str:
    """The margins after which every axis is divisible."""
    pairs = (f"[0, {-size % by}]" for size in x.spatial if isinstance(size, int))
    return f"[{', '.join(pairs)}]"
