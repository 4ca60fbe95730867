"""Larger and smaller maps by interpolation."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING, Literal

from cnnlang.layers.base import Inputs, Need, call, fail
from cnnlang.layers.code import Code, Value, X, unless
from cnnlang.layers.common import times
from cnnlang.layers.fitting import Fitting, between, nothing_left
from cnnlang.layers.reading import Read, Reads, Usual, binned, interpolated, own
from cnnlang.layers.remedies import Give, Omit
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor
from cnnlang.layers.window import need_map, spread
from cnnlang.sizes import Size

if TYPE_CHECKING:
    from dataclasses import KW_ONLY
    from fractions import Fraction

    from cnnlang.layers.fields import Factor, Flag

FINEST = 4096
"""The largest denominator of a scale for which PyTorch's rounding is exact at every size."""
LINEAR = {2: "linear", 3: "bilinear", 4: "trilinear"}
"""Linear interpolation, as PyTorch calls it for a tensor of that rank."""


class Upsample(Fitting, name="upsample"):
    """A larger or smaller map by interpolation: `scale` times the input, `size`, or `like` another.

    Output: `C × H' × W'`, where `H' = ⌊H·scale⌋`, or the given size
    Example: `upsample(2)` takes 128x14x14 to 128x28x28.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Upsample.html
    """

    scale: Factor | None = None
    """The factor of each axis."""
    _: KW_ONLY
    mode: Literal[
        "nearest", "nearest_exact", "linear", "bilinear", "trilinear", "bicubic", "area"
    ] = "nearest"
    """How to interpolate; `linear` is bilinear on maps of 2 axes and trilinear on those of 3."""
    align_corners: Flag = False
    """Whether the corner positions of input and output coincide (linear and cubic modes)."""
    antialias: Flag = False
    """Whether to smooth when the map shrinks (`bilinear` and `bicubic` on maps of 2 axes)."""
    recompute_scale: Flag = False
    """Whether positions are as far apart as the rounded sizes say, instead of as `scale` says."""

    def check(self) -> None:
        self.one_of("scale")
        if self.align_corners and self.mode in ("nearest", "nearest_exact", "area"):
            raise fail(
                "A208",
                f"`align_corners` does not go with `mode={self.mode}`",
                field="align_corners",
                remedies=(Omit("align_corners"), Give("mode", "linear")),
            )
        if self.antialias and self.mode not in ("linear", "bilinear", "bicubic"):
            raise fail(
                "A208", f"`antialias` does not go with `mode={self.mode}`", field="antialias"
            )
        if self.recompute_scale and self.scale is None:
            raise fail(
                "A208", "`recompute_scale` of `upsample` needs `scale`", field="recompute_scale"
            )

    def way(self, x: Tensor) -> str:
        """The mode as PyTorch calls it for this rank."""
        if self.mode in ("nearest", "area"):
            return self.mode
        if self.mode in ("linear", LINEAR[x.rank]):
            return LINEAR[x.rank]
        if self.mode == "nearest_exact":
            return "nearest-exact"
        if self.mode == "bicubic" and x.rank == 3:
            return "bicubic"
        raise fail(
            "S128",
            f"`mode={self.mode}` of `upsample` does not fit a map of {x.rank - 1} axes",
            f"the tensor here is {x}",
            field="mode",
            remedies=(Give("mode", "linear"),),
        )

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        x = inputs[0]
        need_map(self, x)
        self.way(x)
        if self.antialias and x.rank != 3:
            raise fail(
                "S128",
                f"`antialias` of `upsample` needs a map of 2 axes, got {x}",
                f"{x.rank - 1} axes here",
                field="antialias",
            )
        if self.scale is None:
            return x.resized((x.channels, *self.wanted(inputs)))
        factors = spread(self, "scale", self.scale, x.rank - 1)
        sizes = [scaled(h, factor) for h, factor in zip(x.spatial, factors, strict=True)]
        for size, factor in zip(sizes, factors, strict=True):
            if factor < 1:
                need.at_least(size, 1, lambda: nothing_left(self, x))
        return x.resized((x.channels, *sizes))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        pairs = enumerate(between(inputs[0], output), 1)
        return ((own(0), *(self.resampled(i, *pair, usual) for i, pair in pairs)),)

    def resampled(self, axis: int, old: Size, new: Size, usual: Usual) -> Read:
        """How one axis of `new` positions reads one of `old`."""
        if self.mode == "area":
            return binned(axis, usual(old), usual(new)) if new != old else own(axis)
        if self.align_corners:
            from fractions import Fraction

            ratio = Fraction(usual(old) - 1, max(usual(new) - 1, 1))
        else:
            ratio = self.ratio(axis, old, new, usual)
        return interpolated(axis, ratio, self.mode, self.align_corners)

    def ratio(self, axis: int, old: Size, new: Size, usual: Usual) -> Fraction:
        """Positions of the input between neighbouring positions of the output."""
        if self.scale is None:
            return usual.ratio(old, new)
        factor = self.scale[axis - 1] if isinstance(self.scale, tuple) else self.scale
        from fractions import Fraction

        return 1 / Fraction(factor).limit_denominator(FINEST)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        x = values[0]
        if self.mode == "area":
            return tape.pooled_to(x, output.shape)
        return tape.op("upsample", output.shape, x)

    def options(self, x: Tensor) -> dict[str, Value]:
        return {
            "scale_factor": unless(self.scale, None),
            "size": unless(self.target(), None),
            "mode": unless(self.way(x), "nearest"),
            "align_corners": unless(self.align_corners, False),
            "recompute_scale_factor": unless(self.recompute_scale, False),
        }

    def module(self, inputs: Inputs, output: Tensor) -> Code | None:
        if self.like is not None or self.antialias:
            return None
        return call("nn.Upsample", **self.options(inputs[0]))

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        antialias = unless(self.antialias, False)
        return call("F.interpolate", X, **self.options(inputs[0]), antialias=antialias)

    def caption(self) -> tuple[str, ...]:
        mode = () if self.mode == "nearest" else (self.mode,)
        return ((times(self.scale),) if self.scale is not None else super().caption()) + mode


def scaled(size: Size, factor: float) -> Size:
    """floor(size * factor), as PyTorch computes it in floating point."""
    if isinstance(size, int):
        return floor(float(size) * factor)
    from fractions import Fraction

    exact = Fraction(factor)
    if exact.denominator > FINEST:
        raise fail(
            "S127",
            f"`scale` {factor} of `upsample` rounds unevenly on a free dimension, {size}",
            "not a fraction of halves, quarters, eighths ...",
            field="scale",
            notes=("such a fraction is exact: 1.5, 0.25; and so are `size=` and `like=`",),
        )
    return size * exact.numerator // exact.denominator
