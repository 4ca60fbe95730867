"""Reductions: one number for all positions of some axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, Problem, call
from cnnlang.layers.code import Code, Value, X, unless
from cnnlang.layers.common import axis_indices, dims, need_real, need_several
from cnnlang.layers.reading import EVERYTHING, Reads, Usual, own, owned
from cnnlang.layers.remedies import Give
from cnnlang.layers.shape import settled
from cnnlang.layers.storage import NOTHING, Bytes, Saved, Stored, Values, Way, amount, known
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Axes, Flag, Whole


class Reduction(Layer, family="Reduction"):
    """What all reductions have in common: the axes, and whether these stay with size 1.

    Output: the sizes of the other axes, such as `C`; `C × 1 × 1` with `keep=true`
    """

    axis: Axes
    """The axis to reduce over, or several: `mean(channels)`, `mean([height, width])`."""
    _: KW_ONLY
    keep: Flag = False
    """Whether the axes stay, with size 1."""

    kind: ClassVar[str]
    saves: ClassVar[tuple[Saved, ...]] = ()

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        gone = axis_indices(self, x, self.axis)
        if self.keep:
            return x.resized(1 if i in gone else size for i, size in enumerate(x.shape))
        left = [i for i in range(x.rank) if i not in gone]
        axes = settled(tuple(x.axes[i] for i in left))
        return Tensor(tuple(x.shape[i] for i in left), axes)

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        (x,) = inputs
        gone = axis_indices(self, x, self.axis)
        left = iter(range(output.rank))
        if self.keep:
            return (owned(x.rank, *gone),)
        return (tuple(EVERYTHING if i in gone else own(next(left)) for i in range(x.rank)),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        x = values[0]
        work, way = self.work(x, output)
        return tape.op(type(self).kind, output.shape, x, saves=type(self).saves, most=work, way=way)

    def work(self, x: Stored, output: Tensor) -> tuple[Bytes, Way]:
        """What making the gradient takes, and how it is made."""
        return x.size, "new"

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        places = axis_indices(self, inputs[0], self.axis)
        keep = unless(self.keep, False)
        return call(f".{type(self).kind}", X, dim=dims(places), **self.options(), keepdim=keep)

    def options(self) -> dict[str, Value]:
        return {}

    def caption(self) -> tuple[str, ...]:
        listed: tuple[Any, ...] = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        return (f"over {', '.join(map(str, listed))}",)


class Mean(Reduction, name="mean"):
    """The mean over some axes.

    Formula: `y = mean(x)`
    Example: `mean([height, width])` takes 512x7x7 to 512.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.mean.html
    """

    kind: ClassVar[str] = "mean"


class Sum(Reduction, name="sum"):
    """The sum over some axes.

    Formula: `y = sum(x)`
    Example: `sum([height, width])` takes 512x7x7 to 512.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.sum.html
    """

    kind: ClassVar[str] = "sum"

    def work(self, x: Stored, output: Tensor) -> tuple[Bytes, Way]:
        return NOTHING, "view"


class Max(Reduction, name="max"):
    """The largest number over some axes.

    Formula: `y = max(x)`
    Example: `max([height, width])` takes 512x7x7 to 512.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.amax.html
    """

    kind: ClassVar[str] = "amax"
    saves: ClassVar[tuple[Saved, ...]] = (0, "result")

    def work(self, x: Stored, output: Tensor) -> tuple[Bytes, Way]:
        return x.size + x.mask + made(output, x.dtype, "int"), "new"


class Min(Reduction, name="min"):
    """The smallest number over some axes.

    Formula: `y = min(x)`
    Example: `min([height, width])` takes 512x7x7 to 512.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.amin.html
    """

    kind: ClassVar[str] = "amin"
    saves: ClassVar[tuple[Saved, ...]] = (0, "result")

    def work(self, x: Stored, output: Tensor) -> tuple[Bytes, Way]:
        return x.size + x.mask + made(output, x.dtype, "int"), "new"


class LogSumExp(Reduction, name="logsumexp"):
    """The logarithm of the sum of exponentials over some axes: a smooth maximum.

    Formula: `y = log(sum(exp(x)))`
    Example: `logsumexp([height, width])` takes 512x7x7 to 512.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.logsumexp.html
    """

    kind: ClassVar[str] = "logsumexp"
    saves: ClassVar[tuple[Saved, ...]] = (0, "result")

    def work(self, x: Stored, output: Tensor) -> tuple[Bytes, Way]:
        return x.size.times(3), "new"


class Std(Reduction, name="std"):
    """The standard deviation over some axes.

    Formula: `y = √(sum((x - mean(x))²) / (n - correction))` of n numbers
    Example: `std([height, width])` takes 512x7x7 to 512.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.std.html
    """

    _: KW_ONLY
    correction: Whole = 1
    """Subtracted from n: 1 for the unbiased variance, 0 for the plain mean."""

    kind: ClassVar[str] = "std"
    saves: ClassVar[tuple[Saved, ...]] = (0, "result")

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        result = super().output(inputs, need)
        (x,) = inputs
        sizes = tuple(x.shape[i] for i in axis_indices(self, x, self.axis))
        need_several(need, sizes, self.correction + 1, lambda: self.few(x))
        return result

    def work(self, x: Stored, output: Tensor) -> tuple[Bytes, Way]:
        return x.size.times(2) + made(output, *(x.dtype,) * 3), "new"

    def few(self, x: Tensor) -> Problem:
        return Problem(
            "S131",
            f"`{self.name}` needs more than {self.correction} positions to reduce over, got {x}",
            "too few values for a deviation",
            field="axis",
            remedies=(Give("correction", 0),) if self.correction else (),
        )

    def options(self) -> dict[str, Value]:
        return {"correction": unless(self.correction, 1)}


class Var(Std, name="var"):
    """The variance over some axes.

    Formula: `y = sum((x - mean(x))²) / (n - correction)` of n numbers
    Example: `var([height, width])` takes 512x7x7 to 512.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.var.html
    """

    kind: ClassVar[str] = "var"
    saves: ClassVar[tuple[Saved, ...]] = (0,)

    def work(self, x: Stored, output: Tensor) -> tuple[Bytes, Way]:
        return x.size.times(2) + made(output, *(x.dtype,) * 2), "new"


def made(output: Tensor, *dtypes: str) -> Bytes:
    """What tensors of the shape of the output take, one of each type."""
    return sum((amount(known(output.shape), dtype) for dtype in dtypes), NOTHING)
