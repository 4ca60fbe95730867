"""Merges: several tensors become one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, Problem, call, fail
from cnnlang.layers.code import Code, Operand, X
from cnnlang.layers.common import axis_index, channels_to_front, need_real
from cnnlang.layers.joining import fittings, flattenings, projections, stretches
from cnnlang.layers.reading import EVERYTHING, Reads, Usual, own, owned, shifted
from cnnlang.layers.remedies import Give, Omit
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor, show
from cnnlang.records import replace
from cnnlang.sizes import UNKNOWN, Size, is_known

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Axis, Flag, Real


class Arithmetic(Layer, family="Merge"):
    """Tensors of one shape are combined number by number.

    With `broadcast=true`, an axis of size 1 is stretched to the others' size; a free size is taken
    to be above 1. Instead of further tensors, one number may be given.

    Output: as the input, whose shape all tensors have; with `broadcast=true` an axis of size 1
    takes the size of the others
    """

    operands: ClassVar[tuple[int, int | None]] = (1, None)
    sign: ClassVar[str]

    _: KW_ONLY
    broadcast: Flag = False
    """Whether an axis of size 1 is stretched to the size that it has in the others."""
    scalar: Real | None = None
    """A number in place of further tensors; it is written by position: `multiply(0.5)`."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        for each in inputs:
            need_real(self, each)
        if self.scalar is None and len(inputs) < 2:
            raise fail(
                "A207",
                f"`{self.name}` needs a second tensor or a number",
                notes=(f"one is named, as in `{self.name}(skip)`, or branches stand in braces",),
            )
        if self.scalar is not None and len(inputs) > 1:
            raise fail("A207", f"`{self.name}` takes tensors or a number, not both", field="scalar")
        one_layout(self, inputs)
        columns = zip(*(each.shape for each in inputs), strict=True)
        sizes = [self.joined(column, inputs, need) for column in columns]
        return inputs[0].resized(sizes)

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return tuple(
            tuple(
                EVERYTHING if size == 1 != whole else own(axis)
                for axis, (size, whole) in enumerate(zip(each.shape, output.shape, strict=True))
            )
            for each in inputs
        )

    def joined(self, column: tuple[Size, ...], inputs: Inputs, need: Need) -> Size:
        """The size of one axis of the result."""
        sizes = [s for s in column if s != 1] if self.broadcast else list(column)
        for size in sizes[1:]:
            need.alike(sizes[0], size, lambda: self.unlike(inputs), stretching=True)
        return sizes[0] if sizes else 1

    def unlike(self, inputs: Inputs) -> Problem:
        stretched = not self.broadcast and stretches(inputs)
        return Problem(
            "S135",
            f"`{self.name}` needs tensors of one shape, got {listed(inputs)}",
            difference(inputs),
            remedies=(Give("broadcast", True),) if stretched else projections(inputs),
        )

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        if self.scalar is not None:
            return self.paired(tape, values[0], None)
        made = values[0]
        for value in values[1:]:
            before, made = made, self.paired(tape, made, value)
            if before is not values[0]:
                tape.release(before)
        return made

    def paired(self, tape: Tape, a: Stored, b: Stored | None) -> Stored:
        """Two tensors combined, or a tensor and a number."""
        raise NotImplementedError

    def meant(self, inputs: Inputs) -> Tensor | None:
        return common(inputs)

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        if self.scalar is not None:
            return Code(type(self).sign, (X, self.scalar))
        return Code(type(self).sign, every(inputs))

    def caption(self) -> tuple[str, ...]:
        return () if self.scalar is None else (f"{self.scalar:g}",)


class Add(Arithmetic, name="add"):
    """The sum of all tensors, or of the tensor and a number.

    Formula: `y = x + z`, where z is another tensor or the number; further tensors are added too
    Example: `add(skip)` takes 256x56x56 and `skip` 256x56x56 to 256x56x56.
    Source: He et al. 2015 (ResNet), https://arxiv.org/abs/1512.03385;
    https://docs.pytorch.org/docs/stable/generated/torch.add.html
    """

    sign: ClassVar[str] = "+"
    overwritable: ClassVar[bool] = True

    def paired(self, tape: Tape, a: Stored, b: Stored | None) -> Stored:
        return tape.unary("add", a, way="same") if b is None else tape.sum(a, b)


class Multiply(Arithmetic, name="multiply"):
    """The product of all tensors, number by number, or of the tensor and a number.

    Formula: `y = x·z`, where z is another tensor or the number; further tensors are multiplied too
    Example: `multiply(gate, broadcast=true)` takes 64x56x56 and `gate` 64x1x1 to 64x56x56.
    Source: Hu et al. 2017 (squeeze and excitation), https://arxiv.org/abs/1709.01507;
    https://docs.pytorch.org/docs/stable/generated/torch.mul.html
    """

    sign: ClassVar[str] = "*"

    def paired(self, tape: Tape, a: Stored, b: Stored | None) -> Stored:
        return tape.unary("mul", a) if b is None else tape.scaled(a, b)


class Subtract(Arithmetic, name="subtract"):
    """The incoming tensor minus the second one, or minus a number.

    Formula: `y = x - z`, where z is the other tensor or the number
    Example: `subtract(other)` takes 128 and `other` 128 to 128.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.sub.html
    """

    operands: ClassVar[tuple[int, int | None]] = (1, 2)
    sign: ClassVar[str] = "-"

    def paired(self, tape: Tape, a: Stored, b: Stored | None) -> Stored:
        if b is None:
            return tape.unary("sub", a, way="same")
        return tape.binary("sub", a, b, ways=("same", "new"))


class Divide(Arithmetic, name="divide"):
    """The incoming tensor divided by the second one, or by a number.

    Formula: `y = x / z`, where z is the other tensor or the number
    Example: `divide(255)` takes 3x32x32 to 3x32x32.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.div.html
    """

    operands: ClassVar[tuple[int, int | None]] = (1, 2)
    sign: ClassVar[str] = "/"

    def check(self) -> None:
        if self.scalar == 0:
            raise fail("A203", "`divide` by 0", field="scalar")

    def paired(self, tape: Tape, a: Stored, b: Stored | None) -> Stored:
        return tape.unary("div", a) if b is None else tape.quotient(a, b)


class Maximum(Arithmetic, name="maximum"):
    """The largest of all tensors, number by number; with a number, what is below it is raised.

    Formula: `y = max(x, z)`, where z is another tensor or the number; further tensors are compared
    too
    Example: `maximum(other)` takes 32x28x28 and `other` 32x28x28 to 32x28x28.
    Source: Goodfellow et al. 2013 (maxout), https://arxiv.org/abs/1302.4389;
    https://docs.pytorch.org/docs/stable/generated/torch.maximum.html
    """

    bound: ClassVar[str] = "min"

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        if self.scalar is not None:
            return call("torch.clamp", X, **{type(self).bound: self.scalar})
        result: Any = X
        for operand in every(inputs)[1:]:
            result = call(f"torch.{self.name}", result, operand)
        return result  # type: ignore[no-any-return]

    def paired(self, tape: Tape, a: Stored, b: Stored | None) -> Stored:
        return tape.clamp(a, 1) if b is None else tape.extreme(a, b)


class Minimum(Maximum, name="minimum"):
    """The smallest of all tensors, number by number; with a number, what is above it is lowered.

    Formula: `y = min(x, z)`, where z is another tensor or the number; further tensors are compared
    too
    Example: `minimum(other)` takes 32x28x28 and `other` 32x28x28 to 32x28x28.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.minimum.html
    """

    bound: ClassVar[str] = "max"


class Average(Arithmetic, name="average"):
    """The mean of all tensors, number by number.

    Formula: `y = (x + z) / 2` of two tensors, and so on
    Example: `average(other)` takes 10 and `other` 10 to 10.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.mean.html
    """

    operands: ClassVar[tuple[int, int | None]] = (2, None)

    def check(self) -> None:
        if self.scalar is not None:
            raise fail("A207", "`average` takes tensors, not a number", field="scalar")

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        total = Add.make({"broadcast": self.broadcast}).trace(tape, values, inputs, output)
        made = tape.unary("div", total)
        tape.release(total)
        return made

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return Code("/", (Code("+", every(inputs)), len(inputs)))


class Concat(Layer, name="concat", family="Merge"):
    """Tensors laid behind one another along an axis, alike in all others.

    Output: `(C₁ + C₂) × H × W`, the sum of the sizes on that axis
    Example: `concat(skip)` takes 64x56x56 and `skip` 32x56x56 to 96x56x56.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.cat.html
    """

    operands: ClassVar[tuple[int, int | None]] = (2, None)

    _: KW_ONLY
    axis: Axis | None = None
    """The axis to lay along; the channels (the features of flat tensors) unless given."""

    def place(self, x: Tensor) -> int:
        """The index of the axis."""
        return x.channel_axis if self.axis is None else axis_index(self, x, self.axis)

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        one_layout(self, inputs)
        first = inputs[0]
        if not first.rank:
            raise fail("S103", "`concat` needs an axis, got scalars")
        place = self.place(first)
        total = first.shape[place]
        for other in inputs[1:]:
            total = total + other.shape[place]
            need_alike(first, other, place, need, lambda: self.unlike(inputs, place))
        return first.resized((*first.shape[:place], total, *first.shape[place + 1 :]))

    def meant(self, inputs: Inputs) -> Tensor | None:
        found = common(inputs)
        if found is None:
            return None
        place = self.place(found)
        total = sum((each.shape[place] for each in inputs[1:]), inputs[0].shape[place])
        return found.resized((*found.shape[:place], total, *found.shape[place + 1 :]))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        place, start = self.place(output), 0
        found = []
        for each in inputs:
            laid = replace(shifted(place, start), part=True)
            found.append((*owned(place), laid, *owned(output.rank)[place + 1 :]))
            start += usual(each.shape[place])
        return tuple(found)

    def unlike(self, inputs: Inputs, place: int) -> Problem:
        axis = inputs[0].axes[place]
        return Problem(
            "S137",
            f"`concat` over {axis} got {listed(inputs)}",
            f"sizes may differ in {axis} only: {difference(inputs, place)}",
            remedies=(*(() if self.axis is None else (Omit("axis"),)), *fittings(inputs)),
        )

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.op("cat", output.shape, *values, way="view")

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call("torch.cat", Operand(None), dim=self.place(inputs[0]) + 1)

    def caption(self) -> tuple[str, ...]:
        return () if self.axis is None else (f"over {self.axis}",)


def common(inputs: Inputs) -> Tensor | None:
    """A tensor with the sizes that all have in common; None if they differ in their axes."""
    first = inputs[0]
    if any((each.axes, each.dtype) != (first.axes, first.dtype) for each in inputs):
        return None
    columns = zip(*(each.shape for each in inputs), strict=True)
    return first.resized(c[0] if len(set(c)) == 1 else UNKNOWN for c in columns)


def every(inputs: Inputs) -> tuple[Operand, ...]:
    return tuple(Operand(i) for i in range(len(inputs)))


def need_alike(
    a: Tensor, b: Tensor, apart: int, need: Need, problem: Callable[[], Problem]
) -> None:
    """Two tensors of one rank must have equal sizes, but for the axis `apart`."""
    for place, (mine, theirs) in enumerate(zip(a.shape, b.shape, strict=True)):
        if place != apart:
            need.alike(mine, theirs, problem)


def one_layout(layer: Layer, inputs: Inputs) -> None:
    """All tensors must have the same number of axes, channels in the same place, one dtype."""
    first = inputs[0]
    for other in inputs[1:]:
        if other.rank != first.rank:
            raise fail(
                "S121",
                f"`{layer.name}` needs tensors of as many axes, got {listed(inputs)}",
                f"{first.rank} and {other.rank} axes",
                remedies=flattenings(inputs, "axis" in layer.fields),
            )
        if other.channel_axis != first.channel_axis:
            raise fail(
                "S121",
                f"`{layer.name}` got {' x '.join(first.axes)} and {' x '.join(other.axes)}",
                "the channels are not on the same axis",
                remedies=channels_to_front(first),
            )
        if other.dtype != first.dtype:
            raise fail("S106", f"`{layer.name}` got real numbers and integers, {listed(inputs)}")


def listed(inputs: Inputs) -> str:
    """`64x8x8 and 32x8x8`."""
    shapes = [show(each.shape) for each in inputs]
    return f"{', '.join(shapes[:-1])} and {shapes[-1]}"


def difference(inputs: Inputs, apart: int | None = None) -> str:
    """`channels differ: 64 and 32`, for the first axis and the first tensor that do."""
    first = inputs[0]
    for other in inputs[1:]:
        for place, (a, b) in enumerate(zip(first.shape, other.shape, strict=True)):
            if a != b and place != apart and is_known(a) and is_known(b):
                axis = first.axes[place]
                return f"{axis if axis.endswith('s') else f'{axis}s'} differ: {a} and {b}"
    return ""
