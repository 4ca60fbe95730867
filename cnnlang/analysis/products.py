"""Conditions on products of sizes, as a `flatten` before `dense` makes them, on single sizes.

A product of sizes never falls where its factors do not: that of one free dimension has the wanted
value on one interval, which is found by halving. A product of several that must be as small as it
can be asks each factor to be 1. All else stays undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import gcd, prod

from cnnlang.analysis.sizesets import SizeSet
from cnnlang.layers.base import Condition
from cnnlang.sizes import Free, Mixed, Size, at, free

FARTHEST = 2**31
"""No size of an input is larger."""

Single = tuple[Free, bool]
"""A function of one free dimension that must be 0 (true), or at least 0."""


def singles(condition: Condition, sets: Mapping[str, SizeSet]) -> list[Single] | None:
    """The condition as conditions on single free dimensions; None if it cannot be had so."""
    value = condition.value
    if isinstance(value, Free):
        return [(value, condition.zero)]
    if not isinstance(value, Mixed) or value.operator != "+" or not isinstance(value.right, int):
        return None
    found = factors(value.left)
    if found is None or not all(rising(f, sets[f.symbol].least) for f in found):
        return None
    if len(value.symbols) == 1:
        return bounded(value, condition.zero, sets[found[0].symbol])
    return ones(found, -value.right) if condition.zero else None


def factors(size: Size) -> list[Free] | None:
    """The free factors of a product, numbers drawn into one; None for what is no product."""
    if isinstance(size, Free):
        return [size]
    if not isinstance(size, Mixed) or size.operator != "*":
        return None
    left, right = factors(size.left), factors(size.right)
    if isinstance(size.left, int) and right is not None:
        first = right[0] * size.left
        return [first, *right[1:]] if isinstance(first, Free) else None
    return None if left is None or right is None else left + right


def rising(f: Free, least: int) -> bool:
    """True if a function never falls, and is not negative from `least` on."""
    ahead = (*f.values[1:], f.values[0] + f.step)
    return f(least) >= 0 and all(a <= b for a, b in zip(f.values, ahead, strict=True))


def ones(found: list[Free], wanted: int) -> list[Single] | None:
    """A product of sizes that must be the smallest that it can: each of them is 1."""
    contents = [gcd(f.step, *f.values) for f in found]
    if prod(contents) != wanted:
        return None
    return [(f - content, True) for f, content in zip(found, contents, strict=True)]  # type: ignore[misc]


def bounded(value: Mixed, zero: bool, sizes: SizeSet) -> list[Single]:
    """Where a product of functions that never fall is as large as it must be, and no larger."""
    x = free(sizes.symbol)
    low = reach(lambda n: at(value, {sizes.symbol: n}) >= 0, sizes.least)
    high = reach(lambda n: at(value, {sizes.symbol: n}) > 0, sizes.least)
    bounds = [(x - low, False), *([(high - 1 - x, False)] if zero else [])]
    return [(f, exact) for f, exact in bounds if isinstance(f, Free)]


def reach(holds: Callable[[int], bool], start: int) -> int:
    """The smallest number from `start` on for which something holds that goes on to hold."""
    low, high = start, start + 1
    while not holds(high) and high < FARTHEST:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return high
