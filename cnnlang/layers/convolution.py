"""Convolutions: plain, depthwise and separable, over 1, 2 or 3 axes."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from cnnlang.layers.base import Inputs, Layer, LayerError, Need, Problem, Weight, call, fail
from cnnlang.layers.code import SELF, Code, Value, X, unless
from cnnlang.layers.common import asked, captions, count, incoming
from cnnlang.layers.reading import EVERYTHING, Reads, Usual
from cnnlang.layers.remedies import Give, Remedy, Widen
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor
from cnnlang.layers.window import (
    Window,
    convolved,
    flat,
    is_map,
    narrow,
    need_map,
    one_free,
    slid,
    window,
)
from cnnlang.records import replace
from cnnlang.sizes import Size, product

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Count, Flag, Init, Padding, PadMode, Positive, Sizes


class Convolution(Layer, family="Convolution"):
    """What all convolutions over patches share; a subclass says how many filters and groups."""

    overwritable: ClassVar[bool] = True
    _: KW_ONLY
    stride: Sizes = 1
    """Step between neighbouring patches."""
    padding: Padding = 0
    """Positions added at the borders before the patches are taken."""
    dilation: Sizes = 1
    """Distance between neighbouring taps of the kernel."""
    bias: Flag = True
    """Whether to add a learned number per filter."""
    pad_mode: PadMode = "zeros"
    """What to pad with."""
    in_channels: Count | None = None
    """Declared number of incoming channels, checked; it is inferred otherwise."""
    init: Init = None
    """Initialisation of the weights; PyTorch's own otherwise."""
    bias_init: Init = None
    """Initialisation of the bias."""

    if TYPE_CHECKING:
        kernel: Sizes

    def made(self, x: Tensor) -> int:
        """Number of feature maps made."""
        raise NotImplementedError

    def grouped(self, x: Tensor) -> int:
        """Number of groups."""
        raise NotImplementedError

    def window(self, x: Tensor) -> Window:
        return window(self, x, self.kernel, self.stride, self.dilation, self.padding)

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_map(self, x)
        channels = incoming(self, x, self.in_channels)
        divide(self, channels, self.made(x), self.grouped(x))
        w = self.window(x)
        if self.pad_mode in ("reflect", "circular"):
            room_to_wrap(self, x, w, need)
        return x.resized((self.made(x), *convolved(self, x.spatial, w, need)))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        (x,) = inputs
        return ((EVERYTHING, *slid(self.window(x), x.spatial, usual)),)

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        (x,) = inputs
        kernel = self.window(x).kernel
        weight = Weight("weight", (self.made(x), count(x) // self.grouped(x), *kernel))
        return (weight, Weight("bias", (self.made(x),))) if self.bias else (weight,)

    def macs(self, inputs: Inputs, output: Tensor) -> Size:
        patch = prod(self.weights(inputs)[0].shape[1:])
        return patch * product(output.shape)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        w, plain = self.window(inputs[0]), self.pad_mode == "zeros"
        if not w.even or (not plain and any(map(any, w.constant or ()))):
            x = tape.padded(x, w.borders(inputs[0].spatial), self.pad_mode)
        if w.constant is None and not plain:  # PyTorch's module pads by 0 once more
            x = tape.padded(x, ((0, 0),) * len(w.kernel), self.pad_mode)
        return tape.product("convolution", output.shape, x, self.used(tape), tape.own.get("bias"))

    def used(self, tape: Tape) -> Stored:
        """The weights as they are used."""
        return tape.own["weight"]

    def meant(self, inputs: Inputs) -> Tensor | None:
        (x,) = inputs
        certain = is_map(x) and isinstance(x.channels, int)
        return x.open(self.made(x)) if certain else None

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        (x,) = inputs
        w = self.window(x)
        padding, same = self.written_padding(x)
        return call(
            self.kind(x, same),
            count(x),
            self.made(x),
            narrow(w.kernel),
            stride=unless(narrow(w.stride), 1),
            padding=unless(padding, 0),
            dilation=unless(narrow(w.dilation), 1),
            groups=unless(self.grouped(x), 1),
            bias=unless(self.bias, True),
            padding_mode=unless(self.pad_mode if padding != 0 or same else "zeros", "zeros"),
            **self.options(),
        )

    def options(self) -> dict[str, Value]:
        """Further keywords of the module."""
        return {}

    def kind(self, x: Tensor, same: bool) -> str:
        """The name of the module."""
        return f"Conv{x.rank - 1}dSame" if same else f"nn.Conv{x.rank - 1}d"

    def written_padding(self, x: Tensor) -> tuple[Any, bool]:
        """The `padding` argument, and whether the module has to work `same` out when it runs."""
        w = self.window(x)
        if w.constant is None:
            return 0, True
        return (narrow(tuple(before for before, _ in w.constant)) if w.even else 0), False

    def code(self, inputs: Inputs, output: Tensor) -> Code:
        w = self.window(inputs[0])
        if w.constant is None or w.even:
            return super().code(inputs, output)
        mode = "constant" if self.pad_mode == "zeros" else self.pad_mode
        padded = call("F.pad", X, flat(w.constant), mode=unless(mode, "constant"))
        return Code("()", (SELF, padded))

    def initial(self, inputs: Inputs) -> tuple[tuple[str, Any], ...]:
        return asked(("weight", self.init), ("bias", self.bias_init if self.bias else None))

    def caption(self) -> tuple[str, ...]:
        return captions(self.kernel, self.stride, self.padding, self.dilation)


class Conv(Convolution, name="conv"):
    """Convolution: one set of weights is applied to every patch of the map.

    Output: `filters × H' × W'`, where `H' = ⌊(H + 2·padding - dilation·(kernel - 1) - 1) / stride⌋
    + 1`, and `H' = ⌈H / stride⌉` with `padding=same`
    Weights: `filters × C / groups × kernel × kernel`, and for the bias `filters`
    MACs: `filters·H'·W'·(C / groups)·kernel²`
    Example: `conv(64, 7x7, stride=2, padding=3)` takes 3x224x224 to 64x112x112; 9,472 parameters,
    118,013,952 MACs.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
    """

    filters: Count
    """Number of feature maps to make (output channels)."""
    kernel: Sizes
    """Size of the patch."""
    _: KW_ONLY
    groups: Count = 1
    """Number of groups of channels that are convolved apart."""
    standardize: Flag = False
    """Whether each filter gets mean 0 and variance 1 before it is used (Qiao et al. 2019)."""
    standardize_eps: Positive = 1e-5
    """Added to the variance of a filter that is standardized."""

    def check(self) -> None:
        if self.standardize_eps != 1e-5 and not self.standardize:
            raise fail(
                "A208",
                "`standardize_eps` of `conv` needs `standardize=true`",
                field="standardize_eps",
            )

    def made(self, x: Tensor) -> int:
        return self.filters

    def grouped(self, x: Tensor) -> int:
        return self.groups

    def options(self) -> dict[str, Value]:
        return {"eps": unless(self.standardize_eps, 1e-5)}

    def used(self, tape: Tape) -> Stored:
        weight = tape.own["weight"]
        return tape.standardized(weight) if self.standardize else weight

    def kind(self, x: Tensor, same: bool) -> str:
        return f"StandardizedConv{x.rank - 1}d" if self.standardize else super().kind(x, same)

    def code(self, inputs: Inputs, output: Tensor) -> Code:
        w = self.window(inputs[0])
        if not self.standardize or w.constant is not None:
            return super().code(inputs, output)
        stride, dilation = unless(narrow(w.stride), 1), unless(narrow(w.dilation), 1)
        mode = unless("constant" if self.pad_mode == "zeros" else self.pad_mode, "constant")
        padded = call("pad_same", X, narrow(w.kernel), stride=stride, dilation=dilation, mode=mode)
        return Code("()", (SELF, padded))


class Depthwise(Convolution, name="depthwise"):
    """Depthwise convolution: every channel has filters of its own (groups = channels).

    Output: `C·multiplier × H' × W'`, where `H' = ⌊(H + 2·padding - dilation·(kernel - 1) - 1) /
    stride⌋ + 1`, and `H' = ⌈H / stride⌉` with `padding=same`
    Weights: `C·multiplier × 1 × kernel × kernel`, and for the bias `C·multiplier`
    MACs: `C·multiplier·H'·W'·kernel²`
    Example: `depthwise(3x3, stride=2, padding=1)` takes 32x112x112 to 32x56x56; 320 parameters,
    903,168 MACs.
    Source: Howard et al. 2017 (MobileNets), https://arxiv.org/abs/1704.04861;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
    """

    kernel: Sizes
    """Size of the patch."""
    _: KW_ONLY
    multiplier: Count = 1
    """Feature maps to make of every channel."""

    def made(self, x: Tensor) -> int:
        return count(x) * self.multiplier

    def grouped(self, x: Tensor) -> int:
        return count(x)


class Separable(Layer, name="separable", family="Convolution"):
    """Depthwise-separable convolution: a depthwise one, then a 1x1 one that mixes the channels.

    Its children are `0` (depthwise) and `1` (pointwise).

    Output: `filters × H' × W'`, where `H' = ⌊(H + 2·padding - dilation·(kernel - 1) - 1) / stride⌋
    + 1`, and `H' = ⌈H / stride⌉` with `padding=same`
    Weights: `C·multiplier × 1 × kernel × kernel`, `C·multiplier`, `filters × C·multiplier × 1 × 1`,
    `filters`
    MACs: `C·multiplier·H'·W'·(kernel² + filters)`
    Example: `separable(128, 3x3, padding=1)` takes 64x32x32 to 128x32x32; 8,960 parameters,
    8,978,432 MACs.
    Source: Chollet 2017 (Xception), https://arxiv.org/abs/1610.02357
    """

    filters: Count
    """Number of feature maps to make (output channels)."""
    kernel: Sizes
    """Size of the patch of the depthwise part."""
    _: KW_ONLY
    stride: Sizes = 1
    """Step between neighbouring patches."""
    padding: Padding = 0
    """Positions added at the borders before the patches are taken."""
    dilation: Sizes = 1
    """Distance between neighbouring taps of the kernel."""
    multiplier: Count = 1
    """Feature maps that the depthwise part makes of every channel."""
    bias: Flag = True
    """Whether both parts add a learned number per filter."""
    pad_mode: PadMode = "zeros"
    """What to pad with."""
    in_channels: Count | None = None
    """Declared number of incoming channels, checked; it is inferred otherwise."""
    init: Init = None
    """Initialisation of both parts' weights."""
    bias_init: Init = None
    """Initialisation of both parts' biases."""

    def parts(self) -> tuple[Depthwise, Conv]:
        """The two convolutions."""
        own = {name: value for name, value in vars(self).items() if name in Depthwise.fields}
        point = {"filters": self.filters, "kernel": 1, "bias": self.bias}
        return Depthwise.make(own), Conv.make(
            point | {"init": self.init, "bias_init": self.bias_init}
        )

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        first, second = self.parts()
        return second.output((renamed(self, first, inputs, need),), need)

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        ((_, *spatial),) = self.parts()[0].reads(inputs, output, usual)
        return ((EVERYTHING, *spatial),)

    def between(self, inputs: Inputs) -> Inputs:
        return (self.parts()[0].output(inputs, Need()),)

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        first, second = self.parts()
        return tuple(
            Weight(f"{i}.{w.name}", w.shape)
            for i, part in enumerate((first.weights(inputs), second.weights(self.between(inputs))))
            for w in part
        )

    def macs(self, inputs: Inputs, output: Tensor) -> Size:
        first, second = self.parts()
        middle = self.between(inputs)
        return first.macs(inputs, middle[0]) + second.macs(middle, output)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        first, second = self.parts()
        middle = self.between(inputs)
        own = tape.own
        tape.own = {name[2:]: value for name, value in own.items() if name.startswith("0.")}
        between = first.trace(tape, values, inputs, middle[0])
        if first.window(inputs[0]).constant is None:
            tape.settle(between)
        tape.own = {name[2:]: value for name, value in own.items() if name.startswith("1.")}
        return second.trace(tape, (between,), middle, output)

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        first, second = self.parts()
        middle = self.between(inputs)
        return call("nn.Sequential", first.module(inputs, middle[0]), second.module(middle, output))

    def code(self, inputs: Inputs, output: Tensor) -> Code:
        return self.parts()[0].code(inputs, output)

    def initial(self, inputs: Inputs) -> tuple[tuple[str, Any], ...]:
        own = asked(("weight", self.init), ("bias", self.bias_init if self.bias else None))
        return tuple((f"{i}.{name}", how) for i in (0, 1) for name, how in own)

    def caption(self) -> tuple[str, ...]:
        return captions(self.kernel, self.stride, self.padding, self.dilation)


def renamed(layer: Layer, part: Layer, inputs: Inputs, need: Need) -> Tensor:
    """The output of a part; its problems are told under the name of the whole."""
    try:
        return part.output(inputs, need)
    except LayerError as error:
        raise LayerError(
            *(
                replace(p, message=p.message.replace(f"`{part.name}`", f"`{layer.name}`"))
                for p in error.problems
            )
        ) from None


def divide(layer: Layer, channels: int, filters: int, groups: int) -> None:
    """Incoming channels and filters must both come out even in the groups."""
    for number, what in ((channels, "channels"), (filters, "filters")):
        if number % groups:
            raise fail(
                "S111",
                f"`{layer.name}` cannot split {number} {what} into {groups} groups",
                f"{number} is not divisible by {groups}",
                field="groups",
                remedies=even(channels, filters, groups),
            )


def even(channels: int, filters: int, groups: int) -> tuple[Remedy, ...]:
    """Filters or groups with which channels come out even."""
    fewer = Give("groups", largest(channels, filters, groups))
    if channels % groups:
        return (fewer, Widen(max(1, round(channels / groups)) * groups))
    return (Give("filters", max(1, round(filters / groups)) * groups), fewer)


def largest(channels: int, filters: int, below: int) -> int:
    """The largest number of groups up to `below` that divides both."""
    return next(g for g in range(below, 0, -1) if channels % g == 0 and filters % g == 0)


def room_to_wrap(layer: Convolution, x: Tensor, w: Window, need: Need) -> None:
    """Reflecting pads must be smaller than the axis; circular ones at most as large."""
    spare = 1 if layer.pad_mode == "reflect" else 0
    sizes = tuple(one_free(layer, size, "pad_mode") for size in x.spatial)
    for size, pair in zip(sizes, w.borders(sizes), strict=True):
        for pad in pair:
            need.at_least(size, pad + spare, lambda s=size, p=pad: wrapped(layer, s, p))  # type: ignore[misc]


def wrapped(layer: Convolution, size: Size, pad: Size) -> Problem:
    most = size - 1 if layer.pad_mode == "reflect" else size
    less = (Give("padding", most),) if isinstance(most, int) and most > 0 else ()
    return Problem(
        "S112",
        f"`pad_mode={layer.pad_mode}` cannot take {pad} from an axis of {size}",
        "pads more than there is",
        field="padding",
        remedies=(*less, Give("pad_mode", "replicate")),
    )
