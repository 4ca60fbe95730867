"""Matrix products of two tensors."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product as pairs
from typing import TYPE_CHECKING, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, Problem, call, fail
from cnnlang.layers.code import Code, Operand, X
from cnnlang.layers.common import axis_index, need_real
from cnnlang.layers.reading import EVERYTHING, Reads, Usual, own
from cnnlang.layers.remedies import Give, Omit, Remedy, Resize
from cnnlang.layers.storage import Stored, Values, joined
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor, show
from cnnlang.sizes import Shape, Size, product

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Axes


class Matmul(Layer, name="matmul", family="Merge"):
    """The matrix product of two tensors, sample by sample.

    The sum runs over the last axis of the first and the last but one of the second, or over the
    axis that `axis` names in both (a pair names one in each). Of the axes that remain, the last of
    each makes rows and columns; all axes before it must be alike.

    Output: `C₁ × L₂` of matrices, rows by columns
    MACs: `C₁·L₁·L₂`: the positions of the output times those summed over
    Example: `matmul(other)` takes 4x6 and `other` 6x3 to 4x3; 72 MACs.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.matmul.html
    """

    operands: ClassVar[tuple[int, int | None]] = (2, 2)

    _: KW_ONLY
    axis: Axes | None = None
    """The axis to sum over, or `[first, second]` where it differs."""

    def check(self) -> None:
        if isinstance(self.axis, tuple) and len(self.axis) != 2:
            raise fail("A203", "`axis` of `matmul` is one axis or a pair", field="axis")

    def places(self, inputs: Inputs) -> tuple[int, int]:
        """The index of the summed axis in each tensor."""
        left, right = inputs
        if self.axis is None:
            return left.rank - 1, right.rank - 2
        first, second = self.axis if isinstance(self.axis, tuple) else (self.axis, self.axis)
        return axis_index(self, left, first), axis_index(self, right, second)

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        left, right = inputs
        for each in inputs:
            need_real(self, each)
        if left.rank != right.rank or left.rank < 2:
            raise fail(
                "S121",
                f"`matmul` needs two tensors of two or more axes, got {left} and {right}",
                f"{left.rank} and {right.rank} axes",
            )
        i, j = self.places(inputs)
        need.alike(left.shape[i], right.shape[j], lambda: self.unlike(inputs, "summed axes"))
        rows, columns = without(left.shape, i), without(right.shape, j)
        for mine, theirs in zip(rows[:-1], columns[:-1], strict=True):
            need.alike(mine, theirs, lambda: self.unlike(inputs, "leading axes"))
        return Tensor((*rows, columns[-1]), self.names(inputs))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        left, right = inputs
        i, j = self.places(inputs)
        columns = iter([*range(right.rank - 2), right.rank - 1])
        rows = iter(range(left.rank - 1))
        return (
            tuple(EVERYTHING if axis == i else own(next(rows)) for axis in range(left.rank)),
            tuple(EVERYTHING if axis == j else own(next(columns)) for axis in range(right.rank)),
        )

    def names(self, inputs: Inputs) -> tuple[str, ...]:
        """The names of the axes that remain; a second one of a name gets a 2."""
        left, right = inputs
        i, j = self.places(inputs)
        kept, last = without_name(left.axes, i), without_name(right.axes, j)[-1]
        return (*kept, f"{last}2" if last in kept else last)

    def unlike(self, inputs: Inputs, what: str) -> Problem:
        left, right = inputs
        i, j = self.places(inputs)
        return Problem(
            "S133",
            f"`matmul` cannot multiply {show(left.shape)} by {show(right.shape)}",
            f"{what} differ (summed: {left.axes[i]} of {left.shape[i]}, "
            f"{right.axes[j]} of {right.shape[j]})",
            field=None if self.axis is None else "axis",
            remedies=(*self.sums(inputs), Resize()),
        )

    def sums(self, inputs: Inputs) -> Iterator[Remedy]:
        """The axes of one size that can be summed over instead."""
        left, right = inputs
        if self.axis is not None:
            yield Omit("axis")
        for i, j in pairs(range(left.rank), range(right.rank)):
            a, b = left.axes[i], right.axes[j]
            if left.shape[i] == right.shape[j] and (i, j) != self.places(inputs):
                yield Give("axis", a if a == b else (a, b))

    def macs(self, inputs: Inputs, output: Tensor) -> Size:
        return product(output.shape) * inputs[0].shape[self.places(inputs)[0]]

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        i, j = self.places(inputs)
        left, right = tape.moved(values[0], i + 1, -1), tape.moved(values[1], j + 1, -2)
        left, right = (x if joined(x, len(x.shape) - 1) else tape.copy(x) for x in (left, right))
        return tape.op("matmul", output.shape, left, right, saves=(0, 1), way="turned")

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        i, j = self.places(inputs)
        rank = inputs[0].rank
        left = X if i == rank - 1 else call(".movedim", X, i + 1, -1)
        right = Operand(1) if j == rank - 2 else call(".movedim", Operand(1), j + 1, -2)
        return call("torch.matmul", left, right)


def without(shape: Shape, place: int) -> Shape:
    return shape[:place] + shape[place + 1 :]


def without_name(axes: tuple[str, ...], place: int) -> tuple[str, ...]:
    return axes[:place] + axes[place + 1 :]
