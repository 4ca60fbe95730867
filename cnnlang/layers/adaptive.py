"""Pooling to a given size: global and adaptive."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, call
from cnnlang.layers.code import Code, X
from cnnlang.layers.common import times
from cnnlang.layers.reading import EVERYTHING, Read, Reads, Usual, binned, own
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor
from cnnlang.layers.window import narrow, need_map, spread
from cnnlang.sizes import Size

if TYPE_CHECKING:
    from cnnlang.layers.fields import Positions


class Adaptive(Layer, family="Pooling"):
    """Pooling over as many windows as the output has positions, whatever the input."""

    kind: ClassVar[tuple[str, str]]

    def positions(self, x: Tensor) -> tuple[int | None, ...]:
        """The size of the output, one number an axis, None for an axis that stays."""
        return (1,) * (x.rank - 1)

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_map(self, x)
        pairs = zip(x.spatial, self.positions(x), strict=True)
        return x.resized((x.channels, *(old if new is None else new for old, new in pairs)))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        (x,) = inputs
        bins = zip(x.spatial, self.positions(x), strict=True)
        return ((own(0), *(fitted(i, size, n) for i, (size, n) in enumerate(bins, 1))),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.pooled_to(values[0], output.shape, indices="Max" in type(self).kind[0])

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        (x,) = inputs
        return call(f"nn.{type(self).kind[0]}{x.rank - 1}d", narrow(self.positions(x)))

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        (x,) = inputs
        return call(f"F.{type(self).kind[1]}{x.rank - 1}d", X, narrow(self.positions(x)))


class GlobalAvgPool(Adaptive, name="global_avgpool"):
    """The mean of every channel, to be followed by `flatten`.

    Formula: `y = mean(x)` over all positions of the channel
    Output: `C × 1 × 1`
    Example: `global_avgpool` takes 512x7x7 to 512x1x1.
    Source: Lin et al. 2013 (Network in Network), https://arxiv.org/abs/1312.4400;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
    """

    kind: ClassVar[tuple[str, str]] = ("AdaptiveAvgPool", "adaptive_avg_pool")


class GlobalMaxPool(Adaptive, name="global_maxpool"):
    """The largest number of every channel, to be followed by `flatten`.

    Formula: `y = max(x)` over all positions of the channel
    Output: `C × 1 × 1`
    Example: `global_maxpool` takes 256x7x7 to 256x1x1.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html
    """

    kind: ClassVar[tuple[str, str]] = ("AdaptiveMaxPool", "adaptive_max_pool")


class Sized(Adaptive):
    """Adaptive pooling to a size that is written.

    Output: `C × size × size`; position i is made of the positions from `⌊i·H / size⌋` to `⌈(i +
    1)·H / size⌉ - 1`
    """

    size: Positions
    """Size of the output."""

    def positions(self, x: Tensor) -> tuple[int | None, ...]:
        return spread(self, "size", self.size, x.rank - 1)

    def caption(self) -> tuple[str, ...]:
        return (times(self.size).replace("None", "all"),)


class AdaptiveAvgPool(Sized, name="adaptive_avgpool"):
    """Average pooling to a given size, which may be larger than the map.

    Example: `adaptive_avgpool(7x7)` takes 512x10x10 to 512x7x7.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
    """

    kind: ClassVar[tuple[str, str]] = ("AdaptiveAvgPool", "adaptive_avg_pool")


class AdaptiveMaxPool(Sized, name="adaptive_maxpool"):
    """Max pooling to a given size, which may be larger than the map.

    Example: `adaptive_maxpool(4x4)` takes 12x10x14 to 12x4x4.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html
    """

    kind: ClassVar[tuple[str, str]] = ("AdaptiveMaxPool", "adaptive_max_pool")


def fitted(axis: int, size: Size, bins: int | None) -> Read:
    """The windows of one axis; on a free one they grow with it."""
    if bins is None:
        return own(axis)
    return binned(axis, size, bins) if isinstance(size, int) else EVERYTHING
