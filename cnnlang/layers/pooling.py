"""Pooling over windows of 1, 2 or 3 axes: the largest, the average or the p-norm of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, Problem, call, fail
from cnnlang.layers.code import SELF, Code, Raw, Value, X, unless
from cnnlang.layers.common import captions
from cnnlang.layers.reading import Reads, Usual, own
from cnnlang.layers.remedies import Enlarge, Give, Omit
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor, show
from cnnlang.layers.window import Window, flat, is_map, narrow, need_map, pooled, slid, window

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Count, Flag, Padding, Positive, Sizes

LOWEST = Raw('float("-inf")')


class Pooling(Layer, family="Pooling"):
    """What pooling over windows has in common; a subclass says how a window becomes a number."""

    kernel: Sizes
    """Size of the window."""
    _: KW_ONLY
    stride: Sizes | None = None
    """Step between neighbouring windows; the size of the window unless given."""

    fill: ClassVar[Value] = ...

    if TYPE_CHECKING:
        ceil: Flag

    def window(self, x: Tensor) -> Window:
        own = vars(self)
        stride = self.kernel if self.stride is None else self.stride
        return window(self, x, self.kernel, stride, own.get("dilation", 1), own.get("padding", 0))

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_map(self, x)
        w = self.window(x)
        for k, pair in zip(w.kernel, w.pads or (), strict=False):
            if max(pair) > k // 2:
                raise too_padded(self, max(pair), k, w)
        if self.ceil and w.pads is not None and not w.even:
            raise unequal(self, "ceil=true")
        return x.resized((x.channels, *pooled(self, x.spatial, w, self.ceil, need)))

    def meant(self, inputs: Inputs) -> Tensor | None:
        return inputs[0].open(inputs[0].channels) if is_map(inputs[0]) else None

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        (x,) = inputs
        return ((own(0), *slid(self.window(x), x.spatial, usual)),)

    def late(self, w: Window) -> bool:
        """True if padding has to be worked out, or is too much for PyTorch's own pooling."""
        pads = w.constant
        if w.pads is not None or pads is None:
            return pads is None
        return any(before > k // 2 for k, (before, _) in zip(w.kernel, pads, strict=True))

    def size(self, w: Window) -> Any:
        """The window as PyTorch's first argument."""
        return narrow(w.kernel)

    def options(self, w: Window) -> dict[str, Value]:
        """The keywords of PyTorch's module and function, the usual ones left out."""
        apart = self.late(w) or not w.even
        padding = 0 if apart else narrow(tuple(before for before, _ in w.constant or ()))
        return {
            "stride": unless(narrow(w.stride), narrow(w.kernel)),
            "padding": unless(padding, 0),
            "ceil_mode": unless(self.ceil and w.pads is not None, False),
        }

    def padded(self, w: Window) -> Code:
        """The input with the padding that PyTorch's own pooling cannot do."""
        fill = type(self).fill
        if self.late(w):
            stride, dilation = unless(narrow(w.stride), 1), unless(narrow(w.dilation), 1)
            return call(
                "pad_same", X, narrow(w.kernel), stride=stride, dilation=dilation, value=fill
            )
        return call("F.pad", X, flat(w.constant or ()), value=fill)

    def caption(self) -> tuple[str, ...]:
        return captions(self.kernel, self.stride, vars(self).get("padding", 0))


class Padded(Pooling):
    """Pooling that can pad: `same` and unequal ends by steps of their own before PyTorch's."""

    _: KW_ONLY
    padding: Padding = 0
    """Positions added at the borders: `same`, or at most half a window."""
    ceil: Flag = False
    """Whether a last window may begin inside the map and end outside of it."""

    kind: ClassVar[tuple[str, str]]

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        w, name = self.window(inputs[0]), f"{type(self).kind[1]}{len(output.shape) - 1}d"
        apart = self.late(w) or not w.even
        source = tape.padded(x, w.borders(inputs[0].spatial)) if apart else x
        return tape.pooled(name, source, output.shape, indices=isinstance(self, MaxPool))

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        (x,) = inputs
        w, late = self.window(x), ""
        if self.late(w):
            late = "Same"
        name = f"{type(self).kind[0]}{x.rank - 1}d{late}"
        return call(name if late else f"nn.{name}", self.size(w), **self.options(w))

    def code(self, inputs: Inputs, output: Tensor) -> Code:
        w = self.window(inputs[0])
        if self.late(w) or w.even:
            return super().code(inputs, output)
        return Code("()", (SELF, self.padded(w)))

    def function(self, inputs: Inputs, output: Tensor) -> Code | None:
        (x,) = inputs
        w = self.window(x)
        source = X if w.even and not self.late(w) else self.padded(w)
        name = f"F.{type(self).kind[1]}{x.rank - 1}d"
        return call(name, source, self.size(w), **self.options(w))


class MaxPool(Padded, name="maxpool"):
    """Max pooling: the largest number of every window; what is padded never wins.

    Output: `C × H' × W'`, where `H' = ⌊(H + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1`,
    and `H' = ⌈H / stride⌉` with `padding=same`; `ceil=true` rounds up instead, but no window begins
    in the padding at the end
    Example: `maxpool(3x3, stride=2, padding=1)` takes 64x112x112 to 64x56x56.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
    """

    _: KW_ONLY
    dilation: Sizes = 1
    """Distance between neighbouring numbers of a window."""

    fill: ClassVar[Value] = LOWEST
    kind: ClassVar[tuple[str, str]] = ("MaxPool", "max_pool")

    def options(self, w: Window) -> dict[str, Value]:
        return super().options(w) | {"dilation": unless(narrow(w.dilation), 1)}


class AvgPool(Padded, name="avgpool"):
    """Average pooling: the mean of every window.

    Output: `C × H' × W'`, where `H' = ⌊(H + 2·padding - kernel) / stride⌋ + 1`, and `H' = ⌈H /
    stride⌉` with `padding=same`; `ceil=true` rounds up instead, but no window begins in the padding
    at the end
    Example: `avgpool(3x3, stride=2, padding=1)` takes 6x28x28 to 6x14x14.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
    """

    _: KW_ONLY
    count_include_pad: Flag = True
    """Whether padded zeros count as part of the mean."""
    divisor: Count | None = None
    """What to divide the sum of a window by instead of its size (2-D and 3-D)."""

    kind: ClassVar[tuple[str, str]] = ("AvgPool", "avg_pool")

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        result = super().output(inputs, need)
        (x,) = inputs
        w = self.window(x)
        if self.divisor is not None and x.rank == 2:
            raise fail(
                "A208",
                "`divisor` of `avgpool` needs a map of 2 or 3 axes",
                f"the tensor here is {x}",
                field="divisor",
                remedies=(Omit("divisor"),),
            )
        if not self.count_include_pad and w.pads is not None and not w.even:
            raise unequal(self, "count_include_pad=false")
        need_thick(self, x, w, need)
        return result

    def late(self, w: Window) -> bool:
        return super().late(w) or (w.pads is None and len(w.kernel) == 3 and max(w.kernel) > 1)

    def options(self, w: Window) -> dict[str, Value]:
        return super().options(w) | {
            "count_include_pad": unless(self.count_include_pad, True),
            "divisor_override": unless(self.divisor, None),
        }

    def function(self, inputs: Inputs, output: Tensor) -> Code | None:
        late = self.late(self.window(inputs[0]))
        if late and not self.count_include_pad and self.divisor is None:
            return None
        return super().function(inputs, output)


class LpPool(Pooling, name="lppool"):
    """Power-average pooling: the powers of every window are added, and the root is taken.

    Formula: `y = sum(x^power)^(1 / power)` over the window
    Output: `C × H' × W'`, where `H' = ⌊(H - kernel) / stride⌋ + 1`; `ceil=true` rounds up instead
    Example: `lppool(2x2)` takes 16x14x14 to 16x7x7.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LPPool2d.html
    """

    _: KW_ONLY
    power: Positive = 2.0
    """The exponent: 1 is the sum of a window, a large one comes near the largest."""
    ceil: Flag = False
    """Whether a last window may begin inside the map and end outside of it."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        result = super().output(inputs, need)
        need_thick(self, inputs[0], self.window(inputs[0]), need)
        return result

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        powers = tape.unary("pow", x, 0, most=x.size.times(3))
        sums = tape.pooled(f"avg_pool{len(output.shape) - 1}d", powers, output.shape)
        tape.release(powers)
        signs, sizes = tape.unary("sign", sums), tape.unary("abs", sums, 0, most=sums.size.times(2))
        positive = tape.unary("relu", sizes, "result")
        tape.release(sizes)
        made = tape.scaled(signs, positive)
        tape.release(signs, positive)
        scaled = tape.unary("mul", made)
        tape.release(made)
        return tape.unary("pow", scaled, 0, most=scaled.size.times(3))

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        (x,) = inputs
        w = self.window(x)
        return call(f"nn.LPPool{x.rank - 1}d", self.power, self.size(w), **self.bare(w))

    def function(self, inputs: Inputs, output: Tensor) -> Code | None:
        (x,) = inputs
        w = self.window(x)
        return call(f"F.lp_pool{x.rank - 1}d", X, self.power, self.size(w), **self.bare(w))

    def bare(self, w: Window) -> dict[str, Value]:
        return {key: value for key, value in self.options(w).items() if key != "padding"}


def need_thick(layer: Layer, x: Tensor, w: Window, need: Need) -> None:
    """PyTorch's average over 3 axes wants a map that holds a window before it is padded."""
    if x.rank != 4 or w.pads is None or not w.even:
        return
    for size, k in zip(x.spatial, w.kernel, strict=True):
        need.at_least(size, k, lambda s=size, k=k: too_thin(layer, x, s, k))  # type: ignore[misc]


def too_thin(layer: Layer, x: Tensor, size: Any, k: int) -> Problem:
    return Problem(
        "S134",
        f"`{layer.name}` over 3 axes needs {k} positions before padding, got {size}",
        f"the tensor here is {x}",
        field="kernel",
        remedies=(Give("padding", "same"), Enlarge()),
    )


def too_padded(layer: Pooling, pad: int, k: int, w: Window) -> Exception:
    pairs = [
        tuple(min(p, n // 2) for p in pair) for pair, n in zip(w.pads or (), w.kernel, strict=True)
    ]
    equal = all(before == after for before, after in pairs)
    most = narrow(tuple(before for before, _ in pairs)) if equal else tuple(pairs)
    return fail(
        "S136",
        f"`{layer.name}` pads {pad}, more than half of its kernel {show((k,))}",
        f"at most {k // 2}",
        field="padding",
        remedies=(Give("padding", most),),
    )


def unequal(layer: Layer, option: str) -> Exception:
    return fail(
        "A208",
        f"`{option}` of `{layer.name}` needs equal padding at both ends",
        field="padding",
        notes=("a `pad` before it may pad as it likes",),
        remedies=(Omit(option.partition("=")[0]),),
    )
