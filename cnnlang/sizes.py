"""Sizes of axes: integers, and exact functions of a free dimension.

A size that depends on one free dimension `x` through +, -, * and // by constants is
*quasi-affine*: f(x + m) = f(x) + a for some period m and step a. Such a function is known
completely from its m values on 0..m-1 and from a, so two of them can be compared exactly, and the
layers' size formulas are written once for integers and free dimensions alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import gcd, lcm
from typing import TypeAlias

from cnnlang.records import dataclass

PERIOD_LIMIT = 100_000


class SizeLimit(Exception):
    """A free size whose period exceeds `PERIOD_LIMIT`: too many distinct strides in one chain."""


@dataclass(frozen=True, slots=True)
class Free:
    """f(x) of one free dimension: `values` on one period, `step` added for every further period.

    >>> h = free("H")
    >>> str((h + 2 * 3 - 7) // 2 + 1)
    'ceil(H/2)'
    >>> h // 2 + h // 2 == h
    False
    """

    symbol: str
    values: tuple[int, ...]
    step: int

    @property
    def period(self) -> int:
        return len(self.values)

    def __call__(self, x: int) -> int:
        turns, rest = divmod(x, len(self.values))
        return self.values[rest] + turns * self.step

    def at(self, sizes: Mapping[str, int]) -> int:
        """The size for the given free dimensions."""
        return self(sizes[self.symbol])

    @property
    def symbols(self) -> frozenset[str]:
        return frozenset((self.symbol,))

    def __add__(self, other: Size) -> Size:
        if isinstance(other, int):
            return Free(self.symbol, tuple(v + other for v in self.values), self.step)
        return combine("+", self, other)

    __radd__ = __add__

    def __sub__(self, other: Size) -> Size:
        return self + -1 * other

    def __rsub__(self, other: int) -> Size:
        return -1 * self + other

    def __mul__(self, other: Size) -> Size:
        if isinstance(other, int):
            if other == 0:
                return 0
            return Free(self.symbol, tuple(v * other for v in self.values), self.step * other)
        return combine("*", self, other)

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> Size:
        turns = other // gcd(self.step, other)
        bounded(self.period * turns)
        starts = range(0, self.step * turns, self.step) if self.step else (0,) * turns
        values = [(value + start) // other for start in starts for value in self.values]
        return reduce(self.symbol, values, self.step * turns // other)

    def __str__(self) -> str:
        return self.symbol if self.symbol == "?" else describe(self)


@dataclass(frozen=True, slots=True)
class Mixed:
    """A size of several free dimensions, or a product of them: kept as written, equal if alike."""

    operator: str
    left: Size
    right: Size

    def at(self, sizes: Mapping[str, int]) -> int:
        """The size for the given free dimensions."""
        left, right = at(self.left, sizes), at(self.right, sizes)
        match self.operator:
            case "+":
                return left + right
            case "*":
                return left * right
            case _:
                return left // right

    @property
    def symbols(self) -> frozenset[str]:
        return symbols((self.left, self.right))

    def __add__(self, other: Size) -> Size:
        return Mixed("+", self, other) if other != 0 else self

    __radd__ = __add__

    def __sub__(self, other: Size) -> Size:
        return self + -1 * other

    def __rsub__(self, other: int) -> Size:
        return -1 * self + other

    def __mul__(self, other: Size) -> Size:
        if other == 0:
            return 0
        return Mixed("*", other, self) if other != 1 else self

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> Size:
        return Mixed("//", self, other) if other != 1 else self

    def __str__(self) -> str:
        left, right = wrap(self.left), wrap(self.right)
        gap = " " if self.operator == "+" else ""
        return f"{left}{gap}{self.operator}{gap}{right}"


Size: TypeAlias = int | Free | Mixed
Shape: TypeAlias = tuple[Size, ...]


def free(symbol: str) -> Free:
    """The free dimension `symbol` itself: f(x) = x."""
    return Free(symbol, (0,), 1)


UNKNOWN = Free("?", (0,), 1)
"""The size of an axis after a mistake: whatever depends on it is not told."""


def is_known(size: Size) -> bool:
    """False for a size that depends on an unknown one."""
    return isinstance(size, int) or UNKNOWN.symbol not in size.symbols


def at(size: Size, sizes: Mapping[str, int]) -> int:
    """The integer that `size` is for the given free dimensions."""
    return size if isinstance(size, int) else size.at(sizes)


def symbols(shape: Iterable[Size]) -> frozenset[str]:
    """The free dimensions that a shape depends on."""
    found: frozenset[str] = frozenset()
    for size in shape:
        if not isinstance(size, int):
            found |= size.symbols
    return found


def product(sizes: Iterable[Size]) -> Size:
    """The product of some sizes, 1 for none."""
    total: Size = 1
    for size in sizes:
        total = total * size
    return total


def ceil_clamp(outputs: Size, stride: int, limit: Size) -> Size:
    """PyTorch's rule for `ceil_mode`: a last window must not start in the right padding.

    One output is dropped where (outputs - 1) * stride >= limit.
    """
    return pointwise(lambda o, top: o - ((o - 1) * stride >= top), outputs, limit)


def pointwise(rule: Callable[[int, int], int], a: Size, b: Size) -> Size:
    """rule(a, b) where the rule keeps quasi-affinity (both move by the same amount a period)."""
    if isinstance(a, int) and isinstance(b, int):
        return rule(a, b)
    one = next((s for s in (a, b) if isinstance(s, Free)), None)
    if one is None:
        raise SizeLimit(f"a size depends on several free dimensions at once ({a}, {b})")
    f, g = lift(a, one.symbol), lift(b, one.symbol)
    period = bounded(lcm(f.period, g.period))
    values = [rule(f(x), g(x)) for x in range(period)]
    return reduce(one.symbol, values, rule(f(period), g(period)) - values[0])


def lift(size: Size, symbol: str) -> Free:
    """An integer as a constant function; a free size of `symbol` as it is."""
    if isinstance(size, int):
        return Free(symbol, (size,), 0)
    if isinstance(size, Mixed) or size.symbol != symbol:
        raise SizeLimit(f"a size depends on several free dimensions at once ({size}, {symbol})")
    return size


def combine(operator: str, a: Free, b: Free | Mixed) -> Size:
    """a + b or a * b of two free sizes."""
    if isinstance(b, Mixed) or a.symbol != b.symbol or operator == "*":
        return Mixed(operator, a, b)
    period = bounded(lcm(a.period, b.period))
    values = [a(x) + b(x) for x in range(period)]
    return reduce(a.symbol, values, a(period) + b(period) - values[0])


def bounded(period: int) -> int:
    if period > PERIOD_LIMIT:
        raise SizeLimit(
            f"a free size repeats only every {period:,} steps; at most {PERIOD_LIMIT:,}"
        )
    return period


def reduce(symbol: str, values: list[int], step: int) -> Size:
    """The function with its smallest period; an integer if it is constant."""
    period, smaller = len(values), 2
    while smaller <= period:
        while period % smaller == 0 and step % smaller == 0:
            part, stride = period // smaller, step // smaller
            if any(values[i + part] != values[i] + stride for i in range(period - part)):
                break
            values, period, step = values[:part], part, stride
        smaller += 1
    if period == 1 and step == 0:
        return values[0]
    return Free(symbol, tuple(values), step)


def describe(size: Free) -> str:
    """A free size as a person writes it: `H`, `H/2` rounded up as `ceil(H/2)`, `2*(H//2) + 1`."""
    m, a, first = size.period, size.step, size.values[0]
    rests = [v * m - a * x for x, v in enumerate(size.values)]
    if max(rests) - min(rests) < m:  # it is (step * x + shift) // period for every x
        return quotient(size.symbol, a, max(rests), m)
    scale = gcd(a, *(v - first for v in size.values))
    if scale > 1:
        inner = Free(size.symbol, tuple((v - first) // scale for v in size.values), a // scale)
        return f"{scale}*{wrap(inner)}" + offset(first)
    return f"size({size.symbol})"


def quotient(symbol: str, a: int, shift: int, m: int) -> str:
    top = symbol if a == 1 else f"{a}*{symbol}"
    if m == 1:
        return top + offset(shift)
    whole, rest = divmod(shift, m)
    if rest == m - 1 and a == 1:
        return f"ceil({top}/{m})" + offset(whole)
    if rest == 0:
        return f"{top}//{m}" + offset(whole)
    return f"({top}{offset(shift)})//{m}"


def offset(constant: int) -> str:
    if constant == 0:
        return ""
    return f" + {constant}" if constant > 0 else f" - {-constant}"


def wrap(size: Size) -> str:
    text = str(size)
    return f"({text})" if " " in text or "//" in text else text
