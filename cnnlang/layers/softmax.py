"""Activations over an axis: softmax and its kin, and the gated linear unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, Problem, call, fail
from cnnlang.layers.code import Code, X
from cnnlang.layers.common import axis_index, need_real, widenings
from cnnlang.layers.reading import Reads, Usual, owned
from cnnlang.layers.remedies import Become, Insert, Remedy, Resize, Widen
from cnnlang.layers.storage import Saved, Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import SPATIAL, Tensor

if TYPE_CHECKING:
    from cnnlang.layers.fields import Axis


class Softmax(Layer, name="softmax", family="Activation"):
    """Positive numbers that add up to 1 along an axis: probabilities.

    Formula: `y = exp(x) / sum(exp(x))`
    Output: as the input
    Example: `softmax` takes 10 to 10.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmax.html
    """

    axis: Axis | None = None
    """The axis that adds up to 1; the channels (the features of a flat tensor) unless given."""

    kind: ClassVar[tuple[str, str]] = ("Softmax", "F.softmax")
    saves: ClassVar[Saved] = "result"
    single: ClassVar[int] = 1

    def place(self, x: Tensor) -> int:
        """The index of the axis."""
        if not x.rank:
            raise fail("S103", f"`{self.name}` needs an axis, got a scalar")
        return x.channel_axis if self.axis is None else axis_index(self, x, self.axis)

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        place = self.place(x)
        if x.shape[place] == 1 and x.axes[place] not in SPATIAL:
            raise fail(
                "S138",
                f"`{self.name}` over {x.axes[place]} gets one number, which always becomes "
                f"{type(self).single}",
                f"the tensor here is {x}",
                notes=("use `sigmoid`, or make two or more of them in the layer before",),
                remedies=(Become("sigmoid"), Widen(2)),
            )
        return x

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return (owned(output.rank, self.place(inputs[0])),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        return tape.unary(self.name, x, type(self).saves)

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call(f"nn.{type(self).kind[0]}", dim=self.place(inputs[0]) + 1)

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call(type(self).kind[1], X, dim=self.place(inputs[0]) + 1)

    def caption(self) -> tuple[str, ...]:
        return () if self.axis is None else (f"over {self.axis}",)


class Softmin(Softmax, name="softmin"):
    """`softmax` of the numbers with the other sign: the smallest gets the most.

    Formula: `y = exp(-x) / sum(exp(-x))`
    Example: `softmin` takes 10 to 10.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmin.html
    """

    axis: Axis | None = None
    """The axis that adds up to 1; the channels (the features of a flat tensor) unless given."""

    kind: ClassVar[tuple[str, str]] = ("Softmin", "F.softmin")

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        return tape.unary("softmax", tape.unary("neg", x), "result")


class LogSoftmax(Softmax, name="log_softmax"):
    """The logarithm of `softmax`.

    Formula: `y = x - log(sum(exp(x)))`
    Example: `log_softmax` takes 10 to 10.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
    """

    kind: ClassVar[tuple[str, str]] = ("LogSoftmax", "F.log_softmax")
    single: ClassVar[int] = 0


class Glu(Softmax, name="glu"):
    """Gated linear unit: one half of an axis times the sigmoid of the other half.

    Formula: `y = a·sigmoid(b)`, where a is the first half and b the second
    Output: `C / 2 × H × W`
    Example: `glu` takes 128x28x28 to 64x28x28.
    Source: Dauphin et al. 2016, https://arxiv.org/abs/1612.08083;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.GLU.html
    """

    axis: Axis | None = None
    """The axis to halve; the channels (the features of a flat tensor) unless given."""

    kind: ClassVar[tuple[str, str]] = ("GLU", "F.glu")

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        x = super().output(inputs, need)
        place = self.place(x)
        size = x.shape[place]
        need.multiple(
            size,
            2,
            lambda: Problem(
                "S125",
                f"`glu` halves an axis of {size}, which is odd",
                f"the tensor here is {x}",
                remedies=self.evened(x, place),
            ),
        )
        return x.resized((*x.shape[:place], size // 2, *x.shape[place + 1 :]))

    def evened(self, x: Tensor, place: int) -> tuple[Remedy, ...]:
        """Ways to have one number more on the axis."""
        size = x.shape[place]
        if isinstance(size, int) and place == x.channel_axis and not place:
            return widenings(x, size + 1)
        margins = ", ".join("[0, 1]" if i == place else "[0, 0]" for i in range(1, x.rank))
        return (Insert(f"pad([{margins}])"), Resize())

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.op(self.name, output.shape, values[0], saves=(0,))
