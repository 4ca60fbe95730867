"""Layers that only arrange the numbers anew: the batch axis is never touched."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, Problem, call, fail
from cnnlang.layers.code import Code, Raw, X, unless
from cnnlang.layers.common import axis_index
from cnnlang.layers.fitting import LIKE
from cnnlang.layers.reading import EVERYTHING, Reads, Usual, own, owned, sliding
from cnnlang.layers.remedies import Give, Omit
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import AXES, SPATIAL, Tensor, show
from cnnlang.layers.window import need_map
from cnnlang.sizes import Shape, Size, product

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Axis, Count, Integer, Permutation, Reference, Target


class Flatten(Layer, name="flatten", family="Shape"):
    """All axes, or those from `start` to `end`, become one.

    Output: `C·H·W`, and `C × H·W` with `start=height`
    Example: `flatten` takes 64x7x7 to 3136.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Flatten.html
    """

    start: Axis = 0
    """The first axis to flatten."""
    end: Axis | None = None
    """The last axis to flatten; the last one of all unless given."""

    def span(self, x: Tensor) -> tuple[int, int]:
        """The indices of the first and the last axis."""
        if not x.rank:
            raise fail("S103", "`flatten` needs an axis, got a scalar")
        start = axis_index(self, x, self.start, "start")
        end = x.rank - 1 if self.end is None else axis_index(self, x, self.end, "end")
        if start > end:
            raise fail(
                "S122",
                f"`flatten` from axis {start} to axis {end}: the order is wrong",
                field="start",
                remedies=(Omit("end"),),
            )
        return start, end

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        start, end = self.span(x)
        shape = (*x.shape[:start], product(x.shape[start : end + 1]), *x.shape[end + 1 :])
        joined = together(x.axes[start : end + 1])
        axes = (*x.axes[:start], joined, *x.axes[end + 1 :])
        return Tensor(shape, settled(axes), x.dtype)

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        (x,) = inputs
        start, end = self.span(x)
        if start == end:
            return (owned(x.rank),)
        after = tuple(own(axis) for axis in range(start + 1, output.rank))
        return ((*owned(start), *(EVERYTHING,) * (end + 1 - start), *after),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.shaped(values[0], output.shape)

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        start, end = self.span(inputs[0])
        last = unless(end + 1, inputs[0].rank)
        return call("nn.Flatten", unless(start + 1, 1), last)

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        start, end = self.span(inputs[0])
        return call(".flatten", X, start + 1, unless(end + 1, inputs[0].rank))


class Unflatten(Layer, name="unflatten", family="Shape"):
    """One axis becomes several.

    A flat tensor becomes a channels-first map; an axis of a map gives axes with its own name and a
    number (`channels1`, `channels2`), which `permute` and `flatten` understand. `like` undoes
    `flatten(height)` of a map of any size.

    Output: `shape` in the place of the axis, or the sizes of the axes of `like` after its channels
    Example: `unflatten(256x4x4)` takes 4096 to 256x4x4.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Unflatten.html
    """

    references: ClassVar[tuple[str, ...]] = ("like",)

    shape: Target | None = None
    """The sizes of the new axes; -1 is what is left over."""
    _: KW_ONLY
    axis: Axis | None = None
    """The axis to split; the channels (the features of a flat tensor), or with `like` the last."""
    like: Reference | None = None
    """A named map whose spatial axes the axis becomes."""

    def check(self) -> None:
        if (self.shape is None) == (self.like is None):
            got = "none" if self.shape is None else "both"
            raise fail("A207", f"`unflatten` needs one of shape or like, got {got}")

    def place(self, x: Tensor) -> int:
        if not x.rank:
            raise fail("S103", "`unflatten` needs an axis, got a scalar")
        if self.axis is None:
            return x.channel_axis if self.like is None else x.rank - 1
        return axis_index(self, x, self.axis)

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        x = inputs[0]
        place = self.place(x)
        if self.shape is None:
            return self.spread(x, inputs[1], place, need)
        new = filled(self, x, self.shape, (x.shape[place],), need)
        shape = (*x.shape[:place], *new, *x.shape[place + 1 :])
        if x.rank == 1 and len(new) in AXES:
            return Tensor(shape, AXES[len(new)], x.dtype)
        axes = (*x.axes[:place], *pieces(x.axes[place], len(new)), *x.axes[place + 1 :])
        return Tensor(shape, axes, x.dtype)

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        x = inputs[0]
        place, more = self.place(x), output.rank - x.rank
        after = (own(axis + more) for axis in range(place + 1, x.rank))
        return ((*owned(place), EVERYTHING if more else own(place), *after),)

    def spread(self, x: Tensor, other: Tensor, place: int, need: Need) -> Tensor:
        """The axis laid out over the spatial axes of another map."""
        need_map(self, other)
        size = x.shape[place]

        def problem() -> Problem:
            return Problem(
                "S126",
                f"`unflatten` cannot make {show(other.spatial)} of {size} {x.axes[place]}",
                f"{product(other.spatial)} numbers wanted",
                field="like",
            )

        need.equal(size, product(other.spatial), problem)
        shape = (*x.shape[:place], *other.spatial, *x.shape[place + 1 :])
        axes = (*x.axes[:place], *other.axes[1:], *x.axes[place + 1 :])
        return Tensor(shape, axes, x.dtype)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.shaped(values[0], output.shape)

    def module(self, inputs: Inputs, output: Tensor) -> Code | None:
        if self.like is not None:
            return None
        return call("nn.Unflatten", self.place(inputs[0]) + 1, self.shape)

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        sizes = LIKE if self.like is not None else self.shape
        return call(".unflatten", X, self.place(inputs[0]) + 1, sizes)

    def caption(self) -> tuple[str, ...]:
        if self.like is not None:
            return (f"like {self.like.name}",)
        return (show(self.shape),) if self.shape is not None else ()


class Reshape(Layer, name="reshape", family="Shape"):
    """The same numbers in the same order in another shape, channels first.

    Output: `shape`
    Example: `reshape(16x64)` takes 64x4x4 to 16x64.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.reshape.html
    """

    shape: Target
    """The new sizes without the batch; -1 is what is left over."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        new = filled(self, x, self.shape, x.shape, need)
        axes = AXES.get(len(new)) or pieces("features", len(new))
        return Tensor(new, axes, x.dtype)

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return (owned(inputs[0].rank, *range(inputs[0].rank)),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.shaped(values[0], output.shape)

    def module(self, inputs: Inputs, output: Tensor) -> Code | None:
        return call("nn.Unflatten", 1, self.shape) if inputs[0].rank == 1 else None

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call(".reshape", X, call(".size", X, 0), *self.shape)

    def caption(self) -> tuple[str, ...]:
        return (show(self.shape),)


class Permute(Layer, name="permute", family="Shape"):
    """The axes in another order.

    Their names go with them.

    Output: the sizes in the new order, such as `H × W × C`
    Example: `permute([height, width, channels])` takes 64x7x9 to 7x9x64.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.permute.html
    """

    order: Permutation
    """Each axis once."""

    def places(self, x: Tensor) -> tuple[int, ...]:
        """The old indices in their new order."""
        shifted = self.order[:1] == (0,) and set(self.order) == set(range(x.rank + 1))
        order = tuple(axis - 1 for axis in self.order[1:]) if shifted else self.order
        places = tuple(axis_index(self, x, axis, "order") for axis in order)
        if shifted or sorted(places) != list(range(x.rank)):
            named = dict.fromkeys(x.axes[p] for p in places)
            whole = tuple(named | dict.fromkeys(x.axes))
            raise fail(
                "S123",
                f"`permute` must name each of the {x.rank} axes once, {self.faulty(x, places)}",
                f"the tensor {x} has {', '.join(x.axes)}",
                field="order",
                remedies=(Give("order", whole),),
            )
        return places

    def faulty(self, x: Tensor, places: tuple[int, ...]) -> str:
        """What is wrong with an order: the first axis that it names twice, or their number."""
        twice = [x.axes[place] for place in places if places.count(place) > 1]
        return f"got {twice[0]} twice" if twice else f"got {len(self.order)}"

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        places = self.places(x)
        return Tensor(tuple(x.shape[p] for p in places), tuple(x.axes[p] for p in places), x.dtype)

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        places = self.places(inputs[0])
        return (tuple(own(places.index(axis)) for axis in range(output.rank)),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.permuted(values[0], (0, *(place + 1 for place in self.places(inputs[0]))))

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call(".permute", X, 0, *(place + 1 for place in self.places(inputs[0])))


class Slice(Layer, name="slice", family="Shape"):
    """A part of an axis.

    `start` and `stop` count from the end where they are negative, as in Python, but must lie in the
    axis.

    Output: `⌈(stop - start) / step⌉ × H × W` for the channels, other axes alike
    Example: `slice(channels, 0, 32)` takes 64x28x28 to 32x28x28.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.narrow.html
    """

    axis: Axis
    """The axis to cut."""
    start: Integer = 0
    """The first position to keep."""
    stop: Integer | None = None
    """The position after the last one to keep; the end of the axis unless given."""
    step: Count = 1
    """Keeps every step-th position."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        place = axis_index(self, x, self.axis)
        size = x.shape[place]
        start = self.start if self.start >= 0 else size + self.start
        stop = size if self.stop is None else self.stop if self.stop >= 0 else size + self.stop

        def problem() -> Problem:
            return outside(self, x, place)

        need.at_least(start, 0, problem)
        need.at_least(stop, start + 1, problem)
        need.at_least(size, stop, problem)
        kept = (stop - start + self.step - 1) // self.step
        return x.resized((*x.shape[:place], kept, *x.shape[place + 1 :]))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        (x,) = inputs
        place = axis_index(self, x, self.axis)
        start = self.start if self.start >= 0 else usual(x.shape[place]) + self.start
        kept = sliding(place, 1, self.step, -start)
        return ((*owned(place), kept, *owned(x.rank)[place + 1 :]),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.cut(values[0], output.shape)

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        start = "" if self.start == 0 else self.start
        stop = "" if self.stop is None else self.stop
        step = "" if self.step == 1 else f":{self.step}"
        before = ":, " * (axis_index(self, inputs[0], self.axis) + 1)
        return Code("[]", (X, Raw(f"{before}{start}:{stop}{step}")))

    def caption(self) -> tuple[str, ...]:
        return (f"{self.axis} {self.start}:{'' if self.stop is None else self.stop}",)


def outside(layer: Slice, x: Tensor, place: int) -> Problem:
    stop = "the end" if layer.stop is None else layer.stop
    size = x.shape[place]
    within = (Give("stop", size), Omit("stop"), Give("start", 0)) if isinstance(size, int) else ()
    return Problem(
        "S124",
        f"`slice` keeps nothing or more than there is: {layer.start} to {stop} of {x.shape[place]}",
        f"{x.axes[place]} has {x.shape[place]} positions",
        field="stop" if layer.stop is not None else "start",
        remedies=within,
    )


def filled(layer: Layer, x: Tensor, shape: tuple[int, ...], old: Shape, need: Need) -> Shape:
    """The target shape with its -1 worked out; the number of elements must stay that of `old`."""
    known, total = prod(size for size in shape if size > 0), product(old)

    def problem() -> Problem:
        return Problem(
            "S126",
            f"`{layer.name}` cannot make {show(shape)} of {show(x.shape)}",
            f"{total} numbers here, {'a multiple of ' if -1 in shape else ''}{known} wanted",
            field="shape",
            remedies=tuple(Give("shape", each) for each in rests(shape, total)),
        )

    if -1 not in shape:
        need.equal(total, known, problem)
        return shape
    fixed = prod(size for size in old if isinstance(size, int))
    if fixed % known == 0:
        left = product((fixed // known, *(s for s in old if not isinstance(s, int))))
        return tuple(left if size == -1 else size for size in shape)
    need.multiple(total, known, problem)
    need.at_least(total, known, problem)
    return tuple(total // known if size == -1 else size for size in shape)


def rests(shape: tuple[int, ...], total: Size) -> Iterator[tuple[int, ...]]:
    """The shape with one of its sizes changed so that it holds all there is, the last one first."""
    for place in reversed(range(len(shape))):
        others = prod(size for i, size in enumerate(shape) if i != place)
        if isinstance(total, int) and others > 0 and total % others == 0:
            yield (*shape[:place], total // others, *shape[place + 1 :])


def pieces(axis: str, number: int) -> tuple[str, ...]:
    """The names of the parts of an axis: `channels1`, `channels2`; the axis itself for one."""
    return (axis,) if number == 1 else tuple(f"{axis}{i + 1}" for i in range(number))


def together(axes: tuple[str, ...]) -> str:
    """The name of several axes that have become one."""
    if len(axes) == 1:
        return axes[0]
    stems = {stem(axis) for axis in axes}
    if len(stems) == 1:
        return stems.pop()
    if "channels" in stems:
        return "channels"
    return "length" if stems <= set(SPATIAL) else "features"


def settled(axes: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the axes that are left: a single one holds features, a last part is a whole."""
    if len(axes) == 1:
        return AXES[1]
    stems = [stem(axis) for axis in axes]
    return tuple(
        own if stems.count(own) == 1 else axis for axis, own in zip(axes, stems, strict=True)
    )


def stem(axis: str) -> str:
    """The axis of which this one is a part: `channels` for `channels2`."""
    return axis.rstrip("0123456789")
