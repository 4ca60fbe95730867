"""Layers that change the spatial size by writing it, or by taking it from a named tensor."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cnnlang.layers.base import Inputs, Layer, Need, Problem, call, fail
from cnnlang.layers.code import Code, Operand, Raw, Value, X, unless
from cnnlang.layers.common import times
from cnnlang.layers.reading import Read, Reads, Usual, binned, interpolated, moved, own
from cnnlang.layers.remedies import Become, Enlarge, Give, Omit, Remove
from cnnlang.layers.storage import Stored, Values, known
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor, show
from cnnlang.layers.window import Pads, flat, narrow, need_map, spread
from cnnlang.sizes import Shape, Size

if TYPE_CHECKING:
    from dataclasses import KW_ONLY
    from fractions import Fraction

    from cnnlang.layers.fields import Factor, Flag, Margins, Real, Reference, Sizes, Whole

LIKE = Code("[]", (call(".size", Operand(1)), Raw("2:")))
"""The spatial size of the named tensor, read when the module runs."""
FINEST = 4096
"""The largest denominator of a scale for which PyTorch's rounding is exact at every size."""
MODULES = {"reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}
LINEAR = {2: "linear", 3: "bilinear", 4: "trilinear"}
"""Linear interpolation, as PyTorch calls it for a tensor of that rank."""


class Fitting(Layer, family="Shape"):
    """What layers have in common that give the map another size."""

    references: ClassVar[tuple[str, ...]] = ("like",)

    _: KW_ONLY
    size: Sizes | None = None
    """The spatial size to make."""
    like: Reference | None = None
    """A named tensor whose spatial size to take."""

    def one_of(self, first: str) -> None:
        """Exactly one of `first`, `size` and `like` must be given."""
        given = [field for field in (first, "size", "like") if vars(self)[field] is not None]
        if len(given) != 1:
            got = " and ".join(given) or "none"
            raise fail(
                "A207",
                f"`{self.name}` needs one of {first}, size or like, got {got}",
                remedies=tuple(Omit(field) for field in given[::-1]),
            )

    def wanted(self, inputs: Inputs) -> Shape:
        """The spatial size that `size` or `like` asks for."""
        x = inputs[0]
        if self.like is None:
            return spread(self, "size", self.size, x.rank - 1)
        return size_of(self, x, inputs[1])

    def target(self) -> Value:
        """The size to make, as code."""
        return LIKE if self.like is not None else self.size

    def caption(self) -> tuple[str, ...]:
        if self.like is not None:
            return (f"like {self.like.name}",)
        return (f"to {times(self.size)}",) if self.size is not None else ()


class Pad(Fitting, name="pad"):
    """Positions added at the borders: `margins`, or as many as `size` or `like` needs.

    With `size` or `like` the odd one goes to the end. Negative margins cut positions off.

    Output: `C × H' × W'`, where `H' = H + 2·margins`, or the given size
    Example: `pad(1)` takes 3x32x32 to 3x34x34.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
    """

    margins: Margins | None = None
    """Positions at the borders of each axis."""
    _: KW_ONLY
    mode: Literal["constant", "reflect", "replicate", "circular"] = "constant"
    """What to pad with: a constant, the reflected map, its border, or its other end."""
    value: Real = 0.0
    """The constant."""

    def check(self) -> None:
        self.one_of("margins")
        if self.value != 0 and self.mode != "constant":
            raise fail(
                "A208",
                f"`value` does not go with `mode={self.mode}`",
                field="value",
                remedies=(Omit("value"),),
            )

    def pads(self, x: Tensor) -> Pads:
        """The margins, one pair an axis."""
        each = spread(self, "margins", self.margins, x.rank - 1)
        pads = tuple(p if isinstance(p, tuple) else (p, p) for p in each)
        if self.mode != "constant" and min(flat(pads)) < 0:
            raise fail(
                "A208",
                f"`mode={self.mode}` cannot cut positions off",
                field="margins",
                notes=("`crop` cuts positions off",),
                remedies=(Omit("mode"),),
            )
        return pads

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        x = inputs[0]
        need_map(self, x)
        sizes = self.widened(x, need) if self.margins is not None else self.grown(inputs, need)
        return x.resized((x.channels, *sizes))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        x = inputs[0]
        befores = [before for before, _ in self.pads(x)] if self.margins is not None else None
        return moved(befores or [(new - h) // 2 for h, new in between(x, output)], usual)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        x = values[0]
        gaps = [new - old for new, old in zip(known(output.shape), x.shape, strict=True)]
        return tape.padded(x, [(gap, 0) for gap in gaps[1:]], self.mode)

    def widened(self, x: Tensor, need: Need) -> Shape:
        sizes: list[Size] = []
        for size, (before, after) in zip(x.spatial, self.pads(x), strict=True):
            result = size + before + after
            cut = min(before, 0) + min(after, 0)  # PyTorch cuts before it pads
            if cut < 0:
                need.at_least(size + cut, 0, lambda: nothing_left(self, x))
                need.at_least(result, 1, lambda: nothing_left(self, x))
            self.room(size, (before, after), need)
            sizes.append(result)
        return tuple(sizes)

    def grown(self, inputs: Inputs, need: Need) -> Shape:
        x, wanted = inputs[0], self.wanted(inputs)
        for size, goal in zip(x.spatial, wanted, strict=True):
            need.at_least(goal, size, lambda: unfit(self, x, wanted, "larger"))
            missing = goal - size
            self.room(size, (missing // 2, missing - missing // 2), need)
        return wanted

    def room(self, size: Size, pair: tuple[Size, Size], need: Need) -> None:
        """Reflected pads must be smaller than the axis, circular ones at most as large."""
        if self.mode in ("reflect", "circular"):
            for pad in pair:
                least = pad + (1 if self.mode == "reflect" else 0)
                need.at_least(size, least, lambda p=pad: too_wide(self, p, size))  # type: ignore[misc]

    def module(self, inputs: Inputs, output: Tensor) -> Code | None:
        if self.margins is None:
            return None
        (x,) = inputs
        axes, pads = x.rank - 1, narrow(flat(self.pads(x)))
        if self.mode != "constant":
            return call(f"nn.{MODULES[self.mode]}{axes}d", pads)
        if self.value == 0:
            return call(f"nn.ZeroPad{axes}d", pads)
        return call(f"nn.ConstantPad{axes}d", pads, self.value)

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        mode, value = unless(self.mode, "constant"), unless(self.value, 0.0)
        if self.margins is None:
            return call("center_pad", X, self.target(), mode=mode, value=value)
        return call("F.pad", X, flat(self.pads(inputs[0])), mode=mode, value=value)


class Crop(Fitting, name="crop"):
    """Positions cut from the borders: `margins`, or what `size` or `like` leaves of the centre.

    With `size` or `like` the odd one is cut from the end, unless `offset` says where to begin.

    Output: `C × H' × W'`, where `H' = H - 2·margins`, or the given size
    Example: `crop(2)` takes 64x32x32 to 64x28x28.
    Source: Ronneberger et al. 2015 (U-Net), https://arxiv.org/abs/1505.04597; Long et al. 2015
    (FCN), https://arxiv.org/abs/1411.4038
    """

    margins: Margins | None = None
    """Positions at the borders of each axis."""
    _: KW_ONLY
    offset: Whole | None = None
    """Positions cut before what stays, on every axis; the centre stays unless given."""

    def check(self) -> None:
        self.one_of("margins")
        if self.offset is not None and self.margins is not None:
            raise fail("A208", "`offset` does not go with `margins`", field="offset")
        if self.margins is not None and min(numbers(self.margins)) < 0:
            raise fail(
                "A203",
                "`margins` of `crop` are at least 0",
                field="margins",
                notes=("`pad` adds positions",),
            )

    def pads(self, x: Tensor) -> Pads:
        """The margins, one pair an axis."""
        each = spread(self, "margins", self.margins, x.rank - 1)
        return tuple(p if isinstance(p, tuple) else (p, p) for p in each)

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        x = inputs[0]
        need_map(self, x)
        if self.margins is not None:
            sizes: Shape = tuple(
                h - before - after
                for h, (before, after) in zip(x.spatial, self.pads(x), strict=True)
            )
            for size, pair in zip(sizes, self.pads(x), strict=True):
                if any(pair):
                    need.at_least(size, 1, lambda: nothing_left(self, x))
        else:
            sizes = self.wanted(inputs)
            for size, goal in zip(x.spatial, sizes, strict=True):
                need.at_least(size, goal, lambda: unfit(self, x, sizes, "smaller"))
                if self.offset:
                    need.at_least(size, goal + self.offset, lambda: too_far(self, x, sizes))
        return x.resized((x.channels, *sizes))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        x = inputs[0]
        befores = [-before for before, _ in self.pads(x)] if self.margins is not None else None
        return moved(befores or [-1 * ((h - new) // 2) for h, new in between(x, output)], usual)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        x = values[0]
        for place, size in enumerate(output.spatial, 1):
            if size != x.shape[place] or self.margins is None:
                x = tape.cut(x, (*x.shape[:place], size, *x.shape[place + 1 :]))
        return x if x is not values[0] else tape.view(x, x.shape, x.order, way="same")

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        if self.offset is not None:
            return call("crop_from", X, self.offset, self.target())
        if self.margins is None:
            return call("center_crop", X, self.target())
        return Code("[]", (X, Raw(parts(self.pads(inputs[0])))))

    def caption(self) -> tuple[str, ...]:
        return super().caption() + (() if self.offset is None else (f"from {self.offset}",))


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


def size_of(layer: Layer, x: Tensor, other: Tensor) -> Shape:
    """The spatial size of the tensor that `like` names."""
    if other.rank == x.rank and other.channels_first:
        return other.spatial
    raise fail(
        "S121",
        f"`{layer.name}` of {x} cannot take its size from {other}",
        f"a map of {x.rank} axes is needed, with its channels first",
        field="like",
    )


def parts(margins: Pads) -> str:
    """The slices that cut margins off a map: `:, :, 1:-1, 1:-1`."""
    cut = [f"{before or ''}:{-after if after else ''}" for before, after in margins]
    return ", ".join([":", ":", *cut])


def between(x: Tensor, output: Tensor) -> Iterator[tuple[Size, Size]]:
    """The sizes of every axis before and after."""
    return zip(x.spatial, output.spatial, strict=True)


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


def numbers(margins: Any) -> tuple[int, ...]:
    """All the numbers in some margins."""
    if not isinstance(margins, tuple):
        return (margins,)
    return tuple(n for part in margins for n in numbers(part))


def nothing_left(layer: Layer, x: Tensor) -> Problem:
    return Problem(
        "S107",
        f"`{layer.name}` leaves nothing of {x}",
        "the output would be empty",
        remedies=(Remove(), Enlarge()),
    )


def too_wide(layer: Pad, pad: Size, size: Size) -> Problem:
    most = size - 1 if layer.mode == "reflect" else size
    less = (Give("margins", most),) if isinstance(most, int) and layer.margins is not None else ()
    return Problem(
        "S112",
        f"`mode={layer.mode}` of `pad` cannot take {pad} from an axis of {size}",
        "pads more than there is",
        remedies=(*less, Give("mode", "replicate")),
    )


def too_far(layer: Crop, x: Tensor, wanted: Shape) -> Problem:
    return Problem(
        "S129",
        f"`crop` cannot take {show(wanted)} from {layer.offset} on: {show(x.spatial)} is too small",
        f"the tensor here is {x}",
        field="offset",
        help="use a smaller `offset`, or none for the centre",
    )


def unfit(layer: Fitting, x: Tensor, wanted: Shape, word: str) -> Problem:
    other = {"pad": "crop", "crop": "pad"}[layer.name]
    return Problem(
        "S129",
        f"`{layer.name}` cannot make {show(x.spatial)} {word}: {show(wanted)} is wanted",
        f"the tensor here is {x}",
        field="like" if layer.like is not None else "size",
        remedies=(Become(other), Become("upsample")),
    )
