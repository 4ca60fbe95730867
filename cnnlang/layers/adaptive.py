"""Pooling to a given size: global and adaptive."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, call
from cnnlang.layers.code import Code, X
from cnnlang.layers.common import times
from cnnlang.layers.tensor import Tensor
from cnnlang.layers.window import narrow, need_map, spread

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

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        (x,) = inputs
        return call(f"nn.{type(self).kind[0]}{x.rank - 1}d", narrow(self.positions(x)))

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        (x,) = inputs
        return call(f"F.{type(self).kind[1]}{x.rank - 1}d", X, narrow(self.positions(x)))


class GlobalAvgPool(Adaptive, name="global_avgpool"):
    """The mean of every channel: C x 1 x 1, to be followed by `flatten`.

    Source: Lin et al. 2013 (Network in Network);
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
    """

    kind: ClassVar[tuple[str, str]] = ("AdaptiveAvgPool", "adaptive_avg_pool")


class GlobalMaxPool(Adaptive, name="global_maxpool"):
    """The largest number of every channel: C x 1 x 1, to be followed by `flatten`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html
    """

    kind: ClassVar[tuple[str, str]] = ("AdaptiveMaxPool", "adaptive_max_pool")


class Sized(Adaptive):
    """Adaptive pooling to a size that is written."""

    size: Positions
    """Size of the output: one number for all axes, or one per axis (`none` keeps an axis)."""

    def positions(self, x: Tensor) -> tuple[int | None, ...]:
        return spread(self, "size", self.size, x.rank - 1)

    def caption(self) -> tuple[str, ...]:
        return (times(self.size).replace("None", "all"),)


class AdaptiveAvgPool(Sized, name="adaptive_avgpool"):
    """Average pooling to a given size; it may also enlarge.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
    """

    kind: ClassVar[tuple[str, str]] = ("AdaptiveAvgPool", "adaptive_avg_pool")


class AdaptiveMaxPool(Sized, name="adaptive_maxpool"):
    """Max pooling to a given size; it may also enlarge.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html
    """

    kind: ClassVar[tuple[str, str]] = ("AdaptiveMaxPool", "adaptive_max_pool")
