"""What might give tensors that are to be joined one shape: layers at the end of one of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnlang.layers.base import Inputs
from cnnlang.layers.remedies import Insert, Omit, Remedy, Remove, Resize, Together
from cnnlang.layers.tensor import Tensor
from cnnlang.sizes import Free, Size, is_known

if TYPE_CHECKING:
    from fractions import Fraction


def projections(inputs: Inputs) -> tuple[Remedy, ...]:
    """Layers at the end of one operand that give it the shape of the other."""
    found = (
        Insert(text, side, goal)
        for side, goal in pairs(inputs)
        for text in projection(inputs[side], inputs[goal])
    )
    return (*found, Resize())


def fittings(inputs: Inputs) -> tuple[Remedy, ...]:
    """Layers at the end of one operand that give it the spatial size of the other."""
    found = (
        Insert(text, side)
        for side, goal in pairs(inputs)
        for text in fitting(inputs[side], inputs[goal])
    )
    return (*found, Resize())


def flattenings(inputs: Inputs, axis: bool) -> tuple[Remedy, ...]:
    """Layers that make the operand with more axes flat; an `axis` then goes too."""
    side = max(range(len(inputs)), key=lambda i: inputs[i].rank)
    found = (Insert("flatten", side), Insert("global_avgpool -> flatten", side))
    both = tuple(Together((each, Omit("axis"))) for each in found) if axis else ()
    return (Remove(("flatten",)), *found, *both)


def pairs(inputs: Inputs) -> Iterator[tuple[int, int]]:
    """Every operand that differs with the one it should be like: the first one, or the others."""
    odd = [i for i, each in enumerate(inputs) if each.shape != inputs[0].shape]
    yield from ((i, 0) for i in odd[:2])
    if odd:
        yield 0, odd[0]


def projection(x: Tensor, goal: Tensor) -> Iterator[str]:
    """What makes `x` like `goal`: a layer with weights where the channels differ."""
    if x.rank == 1:
        yield f"dense({goal.shape[0]})"
    elif x.spatial == goal.spatial:
        yield f"conv({goal.channels}, {ones(x)})"
    elif (stride := step(x, goal)) and x.channels_first:
        yield f"conv({goal.channels}, {ones(x)}, stride={stride})"
    if x.channels == goal.channels:
        yield from fitting(x, goal)


def fitting(x: Tensor, goal: Tensor) -> Iterator[str]:
    """What gives `x` the spatial size of `goal`: cut off, or made larger."""
    if x.rank < 2 or not x.channels_first:
        return
    size = "x".join(str(n) if isinstance(n, int) else "?" for n in goal.spatial)
    columns = list(zip(x.spatial, goal.spatial, strict=True))
    known = [(a, b) for a, b in columns if isinstance(a, int) and isinstance(b, int)]
    if any(a != b for a, b in known) and all(a >= b for a, b in known):
        yield f"crop(size={size})"
    if any(a != b for a, b in known) and all(0 <= b - a <= 1 for a, b in known):
        yield f"pad(size={size})"
    yield f"upsample(size={size})"
    yield from scaling(x, goal)


def scaling(x: Tensor, goal: Tensor) -> Iterator[str]:
    """What makes free sizes grow as those of `goal` do."""
    from fractions import Fraction

    rates = {growth(b) / growth(a) for a, b in zip(x.spatial, goal.spatial, strict=True)}
    rate = rates.pop() if len(rates) == 1 else Fraction(1)
    if rate > 1 and rate.denominator == 1:
        yield f"upsample({rate})"
    elif rate < 1 and rate.numerator == 1:
        exact = all(
            a // rate.denominator == b for a, b in zip(x.spatial, goal.spatial, strict=True)
        )
        up = "" if exact else ", ceil=true"
        yield f"maxpool({rate.denominator}{up})"


def growth(size: Size) -> Fraction:
    """By how much a size grows with that of the input; 1 for what is not free."""
    from fractions import Fraction

    if isinstance(size, Free) and size.step > 0:
        return Fraction(size.step, size.period)
    return Fraction(1)


def ones(x: Tensor) -> str:
    """A kernel of one position."""
    return "x".join("1" * (x.rank - 1))


def step(x: Tensor, goal: Tensor) -> int | None:
    """The stride that makes the spatial size of `x` that of `goal`, if there is one."""
    known = [(a, b) for a, b in zip(x.spatial, goal.spatial, strict=True) if is_known(b)]
    return next((s for s in range(2, 9) if all((a + s - 1) // s == b for a, b in known)), None)


def stretches(inputs: Inputs) -> bool:
    """True if only sizes of 1 are in the way of one shape."""
    columns = zip(*(each.shape for each in inputs), strict=True)
    return all(len({size for size in column if size != 1}) <= 1 for column in columns)
