"""Sets of sizes, exact: for every residue of a period an interval.

A condition on a free size f is f(x) >= 0 or f(x) = 0 with f quasi-affine. With M the common
period, f(r + kM) = u + kv on each residue class r, so the valid k form an interval, found by a
division. Nothing is sampled.
"""

from __future__ import annotations

from math import lcm

from cnnlang.records import dataclass
from cnnlang.sizes import Free

Interval = tuple[int, int | None]
EMPTY: Interval = (0, -1)
USUAL = 224
"""The ordinary size of an image's side."""


@dataclass(frozen=True, slots=True)
class SizeSet:
    """The sizes r + k * period >= 1 with k in the interval of r; None bounds nothing above."""

    symbol: str
    intervals: tuple[Interval, ...]

    @property
    def period(self) -> int:
        return len(self.intervals)

    def __contains__(self, size: int) -> bool:
        k, r = divmod(size, self.period)
        low, high = self.intervals[r]
        return size >= 1 and low <= k and (high is None or k <= high)

    @property
    def empty(self) -> bool:
        return not self.residues

    @property
    def everything(self) -> bool:
        return all(i == (1 if r == 0 else 0, None) for r, i in enumerate(self.intervals))

    @property
    def least(self) -> int:
        """The smallest size in a set that is not empty."""
        return min(r + self.intervals[r][0] * self.period for r in self.residues)

    @property
    def greatest(self) -> int | None:
        """The largest size, None if there is none."""
        if any(high is None for _, high in self.intervals):
            return None
        return max(
            r + high * self.period
            for r, (low, high) in enumerate(self.intervals)
            if high is not None and low <= high
        )

    @property
    def residues(self) -> list[int]:
        """The residues that have sizes at all."""
        return [r for r, interval in enumerate(self.intervals) if not empty(interval)]

    def below(self, size: int) -> int | None:
        """The largest size in the set up to `size`, None if there is none."""
        found = (self.last(r, (size - r) // self.period) for r in range(self.period))
        return max((each for each in found if each is not None), default=None)

    def last(self, r: int, most: int) -> int | None:
        """The largest size of a residue that is at most r + most * period."""
        low, high = self.intervals[r]
        k = most if high is None else min(high, most)
        return r + k * self.period if k >= low else None

    def above(self, size: int) -> int | None:
        """The smallest size in the set from `size` on, None if there is none."""
        found = (self.first(r, -((r - size) // self.period)) for r in range(self.period))
        return min((each for each in found if each is not None), default=None)

    def first(self, r: int, least: int) -> int | None:
        """The smallest size of a residue that is at least r + least * period."""
        low, high = self.intervals[r]
        k = max(low, least)
        return r + k * self.period if high is None or k <= high else None

    def nearest(self, size: int) -> str:
        """What to make of a size that is not in the set: `nearest 448 (crop 3) or 464 (pad 13)`."""
        below, above = self.below(size), self.above(size)
        words = [f"{below} (crop {size - below})"] if below is not None else []
        words += [f"{above} (pad {above - size})"] if above is not None else []
        return f"nearest {' or '.join(words)}"

    @property
    def ordinary(self) -> int:
        """224, or the next size above that is in the set, or the largest one."""
        above = range(USUAL, USUAL + self.period)
        found = next((size for size in above if size in self), self.greatest)
        return self.least if found is None else found

    def __str__(self) -> str:
        return describe(self)


def every(symbol: str) -> SizeSet:
    """All sizes from 1 on."""
    return SizeSet(symbol, ((1, None),))


def restrict(sizes: SizeSet, f: Free, zero: bool) -> SizeSet:
    """The sizes of a set for which `f(x) >= 0` (or `= 0`) holds; the set itself if all do.

    The period of the result is the common one, not yet the smallest: see `shrink`.
    """
    period = lcm(sizes.period, f.period)
    wide = [widen(sizes, r, period) for r in range(period)]
    kept = [intersect(each, solve(f(r), f(r + period) - f(r), zero)) for r, each in enumerate(wide)]
    unchanged = all(map(alike, wide, kept))
    return sizes if unchanged else SizeSet(sizes.symbol, tuple(kept))


def empty(interval: Interval) -> bool:
    return interval[1] is not None and interval[1] < interval[0]


def alike(a: Interval, b: Interval) -> bool:
    """True if two intervals hold the same numbers."""
    return a == b or (empty(a) and empty(b))


def widen(sizes: SizeSet, r: int, period: int) -> Interval:
    """The interval of residue r for a multiple of the set's period."""
    turns = period // sizes.period
    low, high = sizes.intervals[r % sizes.period]
    shift = r // sizes.period
    return -((shift - low) // turns), None if high is None else (high - shift) // turns


def solve(u: int, v: int, zero: bool) -> Interval:
    """The k >= 0 with u + k v >= 0 (or = 0)."""
    if v == 0:
        return (0, None) if (u == 0 if zero else u >= 0) else EMPTY
    if zero:
        k = -u // v
        return (k, k) if k * v == -u and k >= 0 else EMPTY
    return (max(0, -(u // v)), None) if v > 0 else (0, u // -v)


def intersect(a: Interval, b: Interval) -> Interval:
    low = max(a[0], b[0])
    highs = [high for high in (a[1], b[1]) if high is not None]
    return (low, min(highs) if highs else None)


def shrink(sizes: SizeSet) -> SizeSet:
    """The same set with the smallest period among the divisors of its own that can hold it."""
    if sizes.empty:
        return SizeSet(sizes.symbol, (EMPTY,))
    for period in range(1, sizes.period):
        if sizes.period % period == 0:
            smaller = merged(sizes, period)
            if smaller is not None:
                return smaller
    return sizes


def merged(sizes: SizeSet, period: int) -> SizeSet | None:
    """The set with a smaller period, None if it has none with one interval a residue."""
    intervals = []
    for r in range(period):
        parts = [
            (s + low * sizes.period, None if high is None else s + high * sizes.period)
            for s, (low, high) in enumerate(sizes.intervals)
            if s % period == r and not empty((low, high))
        ]
        if not parts:
            intervals.append(EMPTY)
            continue
        low = min(first for first, _ in parts)
        ends = [last for _, last in parts]
        top = None if None in ends else max(last for last in ends if last is not None)
        candidate = ((low - r) // period, None if top is None else (top - r) // period)
        if not same(sizes, r, period, candidate):
            return None
        intervals.append(candidate)
    return SizeSet(sizes.symbol, tuple(intervals))


def same(sizes: SizeSet, r: int, period: int, candidate: Interval) -> bool:
    """True if the sizes of residue r modulo `period` are exactly the candidate interval."""
    one = SizeSet(sizes.symbol, (candidate,))
    turns = sizes.period // period
    return all(alike(widen(one, s, turns), sizes.intervals[r + s * period]) for s in range(turns))


def describe(sizes: SizeSet) -> str:
    """A set in words: `H >= 29`, `H a multiple of 16`, `H from 224 to 255`."""
    x, period = sizes.symbol, sizes.period
    if sizes.empty:
        return f"no {x}"
    if sizes.everything:
        return f"every {x}"
    least, greatest = sizes.least, sizes.greatest
    if period == 1:
        return f"{x} >= {least}" if greatest is None else span(x, least, greatest)
    if greatest is not None and greatest - least < 2 * period:
        inside = [n for n in range(least, greatest + 1) if n in sizes]
        if len(inside) == greatest - least + 1:
            return span(x, least, greatest)
        if len(inside) <= 8:
            return f"{x} of {', '.join(map(str, inside))}"
    rests = sizes.residues
    words = (
        f"{x} a multiple of {period}"
        if rests == [0]
        else f"{x} mod {period} in {{{', '.join(map(str, rests))}}}"
    )
    if least > min(r or period for r in rests):
        words += f", {x} >= {least}"
    return words if greatest is None else f"{words}, up to {greatest}"


def span(x: str, least: int, greatest: int) -> str:
    return f"{x} = {least}" if least == greatest else f"{x} from {least} to {greatest}"
