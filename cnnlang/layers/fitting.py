"""Layers that change the spatial size at the borders: by margins, to a size, or like a tensor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cnnlang.layers.base import Inputs, Layer, Need, Problem, call, fail
from cnnlang.layers.code import Code, Operand, Raw, Value, X, unless
from cnnlang.layers.common import times
from cnnlang.layers.reading import Reads, Usual, moved
from cnnlang.layers.remedies import Become, Enlarge, Give, Omit, Remove
from cnnlang.layers.storage import Stored, Values, known
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor, show
from cnnlang.layers.window import Pads, flat, narrow, need_map, spread
from cnnlang.sizes import Shape, Size

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Margins, Real, Reference, Sizes, Whole

LIKE = Code("[]", (call(".size", Operand(1)), Raw("2:")))
"""The spatial size of the named tensor, read when the module runs."""
MODULES = {"reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}


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
