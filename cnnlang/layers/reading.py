"""How the positions of a layer's output read the positions of its inputs, one axis at a time.

Position o of an output axis reads an input axis from low(o) to high(o), borders not regarded. Both
are quasi-affine: f(o + m) = f(o) + a. A convolution has m = 1 and a = stride; what enlarges by n
has m = n and a = 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil, floor, gcd, lcm
from typing import TYPE_CHECKING, TypeAlias

from cnnlang.records import dataclass, replace
from cnnlang.sizes import Size, at

if TYPE_CHECKING:
    from fractions import Fraction

PERIOD = 4096
"""The most positions after which a function may repeat; what repeats more seldom is not known."""
WIDEST = 256
"""The widest dilated window with a stride whose holes are looked for."""


@dataclass(frozen=True, slots=True)
class Line:
    """f(o) of a position: `values` on one period, `step` added for every further period."""

    values: tuple[int, ...]
    step: int

    def __call__(self, o: int) -> int:
        turns, rest = divmod(o, len(self.values))
        return self.values[rest] + turns * self.step

    @property
    def slope(self) -> Fraction:
        from fractions import Fraction

        return Fraction(self.step, len(self.values))

    def after(self, first: Line) -> Line | None:
        """The function self(first(o)); None if it repeats too seldom."""
        turns = len(self.values) // gcd(first.step, len(self.values))
        period = len(first.values) * turns
        if period > PERIOD:
            return None
        values = tuple(self(first(o)) for o in range(period))
        return Line(values, first.step * turns * self.step // len(self.values))

    def hull(self, other: Line, pick: Callable[[int, int], int], size: int) -> Line | None:
        """The smaller or larger of two functions everywhere; None if that repeats too seldom.

        Where one moves faster than the other, only the positions below `size` are right.
        """
        same = self.step * len(other.values) == other.step * len(self.values)
        period = lcm(len(self.values), len(other.values)) if same else size
        if period > PERIOD:
            return None
        values = tuple(pick(self(o), other(o)) for o in range(period))
        steps = (each.step * period // len(each.values) for each in (self, other))
        return Line(values, max(steps))


@dataclass(frozen=True, slots=True)
class Read:
    """An axis of an input as the axis `axis` of the output reads it, from `low` to `high`.

    `axis` is None where every position may read the whole axis. `exact` is false where the interval
    depends on a free size and is that of an ordinary one, or on the position, or is not known;
    `part` is true where only some positions read this input at all.
    """

    axis: int | None
    low: Line
    high: Line
    exact: bool = True
    part: bool = False

    @property
    def size(self) -> int:
        """Positions from `low` to `high`, for the output position where these are most."""
        period = lcm(len(self.low.values), len(self.high.values))
        return max(self.high(o) - self.low(o) + 1 for o in range(period))


Reads: TypeAlias = tuple[tuple[Read, ...], ...]
"""For every input one `Read` an axis; nothing for an input of which only the size counts."""

SAME = Line((0,), 1)
EVERYTHING = Read(None, SAME, SAME)
UNKNOWN = Read(None, SAME, SAME, exact=False)


class Usual:
    """Stands an ordinary number in for a free size, and remembers that it was asked to."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes
        self.asked = False

    def __call__(self, size: Size) -> int:
        if isinstance(size, int):
            return size
        self.asked = True
        return at(size, self.sizes)

    def ratio(self, old: Size, new: Size) -> Fraction:
        """old / new, which need not be that of an ordinary size if it is the same for all."""
        from fractions import Fraction

        found = Fraction(at(old, self.sizes), at(new, self.sizes))
        self.asked |= old * found.denominator != new * found.numerator
        return found


def through(outer: Read, inner: Read) -> Read:
    """What `outer` reads of what `inner` reads."""
    if outer.axis is None or inner.axis is None:
        return EVERYTHING if EVERYTHING in (outer, inner) else UNKNOWN
    if outer.low == outer.high == SAME:
        return replace(inner, axis=outer.axis, exact=inner.exact and outer.exact, part=outer.part)
    low, high = inner.low.after(outer.low), inner.high.after(outer.high)
    if low is None or high is None:
        return UNKNOWN
    return Read(outer.axis, low, high, outer.exact and inner.exact, outer.part)


def hull(a: Read, b: Read, size: int) -> Read:
    """What is read by one or the other on an axis of `size` positions."""
    if a == b:
        return a
    if a.axis is None or a.axis != b.axis:
        return EVERYTHING if EVERYTHING in (a, b) else UNKNOWN
    if a.part:
        return replace(max(a, b, key=lambda each: each.size), exact=False)
    low, high = a.low.hull(b.low, min, size), a.high.hull(b.high, max, size)
    if low is None or high is None:
        return UNKNOWN
    return Read(a.axis, low, high, a.exact and b.exact and a.low.slope == b.low.slope)


def own(axis: int) -> Read:
    """Every position reads its own."""
    return Read(axis, SAME, SAME)


def owned(rank: int, *wholes: int) -> tuple[Read, ...]:
    """Every position reads its own on all axes but `wholes`, which it reads whole."""
    return tuple(EVERYTHING if axis in wholes else own(axis) for axis in range(rank))


def sliding(axis: int, extent: int, stride: int, before: int) -> Read:
    """A window: stride * o - before and the positions behind it."""
    return Read(axis, Line((-before,), stride), Line((extent - 1 - before,), stride))


def shifted(axis: int, by: int) -> Read:
    """Every position reads the one `by` before its own."""
    return sliding(axis, 1, 1, by)


def moved(befores: Sequence[Size], usual: Usual) -> Reads:
    """Every position of a map reads the one so far before its own, a number an axis."""
    return ((own(0), *(shifted(i, usual(before)) for i, before in enumerate(befores, 1))),)


def spreading(axis: int, kernel: int, stride: int, dilation: int, before: int) -> Read:
    """A transposed window: the i with i * stride - before + dilation * j = o for a tap j.

    Where the taps leave holes, an output position stands for its neighbours too, so that a later
    window over several of them gets the right ends.
    """
    extent = dilation * (kernel - 1) + 1
    taps = range(0, extent, dilation)
    if stride > PERIOD or (extent > WIDEST and dilation > 1 and stride > 1):
        return UNKNOWN
    if dilation == 1 or stride == 1:
        low = Line(tuple(-((extent - 1 - before - o) // stride) for o in range(stride)), 1)
        high = Line(tuple((o + before) // stride for o in range(stride)), 1)
        return Read(axis, low, high)
    found = {
        o: [(o + before - tap) // stride for tap in taps if (o + before - tap) % stride == 0]
        for o in range(-extent - stride, extent + 2 * stride)
    }
    lows = tuple(min(min(f) for q, f in found.items() if f and q >= o) for o in range(stride))
    highs = tuple(max(max(f) for q, f in found.items() if f and q <= o) for o in range(stride))
    return Read(axis, Line(lows, 1), Line(highs, 1))


def interpolated(axis: int, ratio: Fraction, mode: str, aligned: bool = False) -> Read:
    """Interpolation with `ratio` positions of the input for one of the output.

    `mode` is PyTorch's, with or without corners that are aligned.
    """
    nearest = mode.startswith("nearest")
    taps = (0, 0) if nearest else (-1, 2) if mode == "bicubic" else (0, 1)
    if aligned or mode == "nearest":
        return sampled(axis, ratio, 0, taps)
    return sampled(axis, ratio, ratio / 2 if nearest else (ratio - 1) / 2, taps)


def sampled(axis: int, ratio: Fraction, start: Fraction | int, taps: tuple[int, int]) -> Read:
    """Interpolation: o * ratio + start rounded down, from the first to the last of the `taps`.

    Of two taps the second has no weight where there is nothing to round.
    """
    if ratio.denominator > PERIOD:
        return UNKNOWN
    places = [o * ratio + start for o in range(ratio.denominator)]
    low = tuple(floor(place) + taps[0] for place in places)
    high = tuple(ceil(place) if taps == (0, 1) else floor(place) + taps[1] for place in places)
    return Read(axis, Line(low, ratio.numerator), Line(high, ratio.numerator))


def binned(axis: int, size: int, bins: int) -> Read:
    """Adaptive windows: from floor(o * size / bins) to ceil((o + 1) * size / bins) - 1."""
    if bins == 1:
        return EVERYTHING
    from fractions import Fraction

    ratio = Fraction(size, bins)
    if ratio.denominator > PERIOD:
        return UNKNOWN
    places = range(ratio.denominator)
    low = tuple(floor(o * ratio) for o in places)
    high = tuple(ceil((o + 1) * ratio) - 1 for o in places)
    return Read(axis, Line(low, ratio.numerator), Line(high, ratio.numerator))
