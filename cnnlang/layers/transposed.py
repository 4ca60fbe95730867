"""Transposed convolution, over 1, 2 or 3 axes."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from cnnlang.layers.base import Inputs, Layer, LayerError, Need, Problem, Weight, call, fail
from cnnlang.layers.code import SELF, Code, Raw, X, unless
from cnnlang.layers.common import asked, captions, count, incoming
from cnnlang.layers.convolution import divide
from cnnlang.layers.fitting import LIKE, parts, size_of
from cnnlang.layers.reading import EVERYTHING, Reads, Usual, spreading
from cnnlang.layers.remedies import Give, Omit
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor, show
from cnnlang.layers.window import Pads, Window, is_map, narrow, need_map, spread, window
from cnnlang.sizes import Shape, Size, product

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Count, Flag, Init, Padding, Reference, Sizes, Wholes


class ConvTranspose(Layer, name="conv_transpose", family="Convolution"):
    """Transposed convolution: every position spreads over a patch of the output.

    Output: `filters × H' × W'`, where `H' = (H - 1)·stride - 2·padding + dilation·(kernel - 1) +
    output_padding + 1`, and `H' = H·stride` with `padding=same`, or the size of `like`
    Weights: `C × filters / groups × kernel × kernel`, and for the bias `filters`
    MACs: `C·H·W·(filters / groups)·kernel²`
    Example: `conv_transpose(64, 2x2, stride=2)` takes 128x28x28 to 64x56x56; 32,832 parameters,
    25,690,112 MACs.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
    """

    references: ClassVar[tuple[str, ...]] = ("like",)
    overwritable: ClassVar[bool] = True

    filters: Count
    """Number of feature maps to make (output channels)."""
    kernel: Sizes
    """Size of the patch."""
    _: KW_ONLY
    stride: Sizes = 1
    """Distance in the output between neighbouring positions of the input."""
    padding: Padding = 0
    """Positions cut from the borders; `same` makes the output stride times the input."""
    output_padding: Wholes = 0
    """Positions added at the end of each axis, less than the stride or the dilation."""
    like: Reference | None = None
    """A named tensor whose spatial size to make, of the `stride` sizes that are possible."""
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

    def check(self) -> None:
        settled = "`like`" if self.like is not None else "`padding=same`"
        if self.output_padding != 0 and (self.like is not None or self.padding == "same"):
            raise fail(
                "A208",
                f"`output_padding` of `conv_transpose` does not go with {settled}",
                field="output_padding",
            )

    def window(self, x: Tensor) -> Window:
        return window(self, x, self.kernel, self.stride, self.dilation, self.padding)

    def cuts(self, x: Tensor) -> Pads:
        """The positions cut before and after each axis; `same` worked out."""
        w = self.window(x)
        if w.pads is not None:
            return w.pads
        surplus = [max(e - s, 0) for e, s in zip(w.extent, w.stride, strict=True)]
        return tuple((n // 2, n - n // 2) for n in surplus)

    def extra(self, x: Tensor) -> tuple[int, ...]:
        """The positions added at the end of each axis."""
        if self.padding != "same" or self.like is not None:
            return spread(self, "output_padding", self.output_padding, x.rank - 1)
        w = self.window(x)
        return tuple(max(s - e, 0) for e, s in zip(w.extent, w.stride, strict=True))

    def even(self, x: Tensor) -> tuple[int, ...]:
        """The positions that PyTorch cuts, which are as many at both ends of an axis."""
        return tuple(min(pair) for pair in self.cuts(x))

    def rest(self, x: Tensor) -> Pads:
        """The positions that are left to cut behind it."""
        return tuple((a - min(a, b), b - min(a, b)) for a, b in self.cuts(x))

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        x = inputs[0]
        need_map(self, x)
        divide(self, incoming(self, x, self.in_channels), self.filters, self.groups)
        sizes = self.spread_over(x, need)
        return x.resized(
            (self.filters, *(sizes if self.like is None else self.fitted(inputs, sizes, need)))
        )

    def spread_over(self, x: Tensor, need: Need) -> Shape:
        """The spatial size of the output, without regard to `like`."""
        w, extra = self.window(x), self.extra(x)
        sizes: list[Size] = []
        for h, s, d, e, cut, more in zip(
            x.spatial, w.stride, w.dilation, w.extent, self.cuts(x), extra, strict=True
        ):
            if more >= s and more >= d:
                raise too_much(more, max(s, d), least(w, extra))
            if e + more < sum(cut) + 1:  # or else one position is enough
                need.at_least((h - 1) * s - sum(cut) + e + more, 1, lambda: nothing_left(self, x))
            sizes.append((h - 1) * s - sum(cut) + e + more)
        return tuple(sizes)

    def fitted(self, inputs: Inputs, sizes: Shape, need: Need) -> Shape:
        """The spatial size of `like`, which adds less than a stride to that of the output."""
        x, other = inputs
        if any(map(any, self.rest(x))):
            raise fail(
                "A208",
                "`like` of `conv_transpose` needs padding that is equal at both ends",
                field="padding",
            )
        wanted = size_of(self, x, other)
        for size, s, goal in zip(sizes, self.window(x).stride, wanted, strict=True):
            need.at_least(goal, size, lambda: unfit(x, sizes, wanted))
            need.at_least(size + s - 1, goal, lambda: unfit(x, sizes, wanted))
        return wanted

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        x = inputs[0]
        w = self.window(x)
        axes = zip(w.kernel, w.stride, w.dilation, self.cuts(x), strict=True)
        spatial = (spreading(axis, k, s, d, cut[0]) for axis, (k, s, d, cut) in enumerate(axes, 1))
        return ((EVERYTHING, *spatial),)

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        x = inputs[0]
        weight = Weight("weight", (count(x), self.filters // self.groups, *self.window(x).kernel))
        return (weight, Weight("bias", (self.filters,))) if self.bias else (weight,)

    def macs(self, inputs: Inputs, output: Tensor) -> Size:
        x = inputs[0]
        return prod(self.weights(inputs)[0].shape[1:]) * product(x.shape)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        own, rest = tape.own, () if self.like is not None else self.rest(inputs[0])
        more = [sum(pair) for pair in rest] or [0] * len(output.spatial)
        sizes = (size + extra for size, extra in zip(output.spatial, more, strict=True))
        shape = (self.filters, *sizes)
        made = tape.product("convolution", shape, values[0], own["weight"], own.get("bias"))
        return tape.cropped(made, output.shape)

    def meant(self, inputs: Inputs) -> Tensor | None:
        return inputs[0].open(self.filters) if is_map(inputs[0]) else None

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        x = inputs[0]
        w = self.window(x)
        return call(
            f"nn.ConvTranspose{x.rank - 1}d",
            count(x),
            self.filters,
            narrow(w.kernel),
            stride=unless(narrow(w.stride), 1),
            padding=unless(narrow(self.even(x)), 0),
            output_padding=unless(narrow(self.extra(x)), 0),
            groups=unless(self.groups, 1),
            bias=unless(self.bias, True),
            dilation=unless(narrow(w.dilation), 1),
        )

    def code(self, inputs: Inputs, output: Tensor) -> Code:
        if self.like is not None:
            return Code("()", (SELF, X), (("output_size", LIKE),))
        rest = self.rest(inputs[0])
        whole = Code("()", (SELF, X))
        return whole if not any(map(any, rest)) else Code("[]", (whole, Raw(parts(rest))))

    def initial(self, inputs: Inputs) -> tuple[tuple[str, Any], ...]:
        return asked(("weight", self.init), ("bias", self.bias_init if self.bias else None))

    def caption(self) -> tuple[str, ...]:
        like = () if self.like is None else (f"like {self.like.name}",)
        return captions(self.kernel, self.stride, self.padding, self.dilation) + like


def least(w: Window, extra: tuple[int, ...]) -> Any:
    """The output padding, where it is too large the largest that can be."""
    most = (max(s, d) - 1 for s, d in zip(w.stride, w.dilation, strict=True))
    return narrow(tuple(map(min, extra, most)))


def nothing_left(layer: ConvTranspose, x: Tensor) -> Problem:
    w, extra, cuts = layer.window(x), layer.extra(x), layer.cuts(x)
    grown = [
        (h - 1) * s + e + more
        for h, s, e, more in zip(x.spatial, w.stride, w.extent, extra, strict=True)
    ]
    known = [n for n in grown if isinstance(n, int)]
    short = [i for i, n in enumerate(known) if n - sum(cuts[i]) < 1]
    place = short[0] if short else 0
    most = [min(*cut, (n - 1) // 2) for cut, n in zip(cuts, known, strict=False)]
    less = (Give("padding", narrow(tuple(most))),) if len(known) == len(grown) else ()
    cut = sum(cuts[place])
    h, s, e, more = (each[place] for each in (x.spatial, w.stride, w.extent, extra))
    sizes = f"({h} - 1)*{s} - {cut} + {e} + {more} = {grown[place] - cut}"
    return Problem(
        "S107",
        f"`{layer.name}` leaves nothing of {x}: the padding cuts everything away",
        "the output would be empty",
        notes=(f"{x.axes[place + 1]} of the output: {sizes}",),
        field="padding",
        remedies=less,
    )


def too_much(more: int, limit: int, most: Any) -> LayerError:
    return fail(
        "S108",
        f"`output_padding` {more} must be below the stride or dilation, {limit}",
        field="output_padding",
        remedies=(Give("output_padding", most),),
    )


def unfit(x: Tensor, sizes: Shape, wanted: Shape) -> Problem:
    return Problem(
        "S129",
        f"`conv_transpose` makes {show(sizes)} or less than a stride more, not {show(wanted)}",
        f"the tensor here is {x}",
        field="like",
        notes=("`crop(like=)` and `pad(like=)` behind it take any size",),
        remedies=(Omit("like"),),
    )
