"""The pure functions that every file may call."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from cnnlang.elaborate.limits import ITEMS
from cnnlang.sizes import Free, Mixed


def numbers(*values: Any) -> tuple[Any, ...]:
    """The values, or the one list of values, all plain numbers."""
    items = values[0] if len(values) == 1 and isinstance(values[0], tuple) else values
    if not items:
        raise ValueError("it needs at least one number")
    for item in items:
        if isinstance(item, (Free, Mixed)):
            raise ValueError(f"{item} depends on a free dimension")
        if isinstance(item, bool) or not isinstance(item, int | float):
            raise ValueError("it takes numbers")
    return items


def one(value: Any) -> Any:
    return numbers(value)[0]


def rounded(rule: Callable[[Any], int]) -> Callable[[Any], Any]:
    def function(value: Any) -> Any:
        return value if isinstance(value, (Free, Mixed)) else rule(one(value))

    return function


def total(values: Any) -> Any:
    if not isinstance(values, tuple):
        raise ValueError("it takes a list")
    return sum(numbers(values)) if values else 0


def span(*bounds: Any) -> tuple[int, ...]:
    if not bounds or len(bounds) > 3 or not all(type(b) is int for b in bounds):
        raise ValueError("it takes one to three whole numbers")
    counted = range(*bounds)
    if len(counted) > ITEMS:
        raise ValueError(f"{len(counted):,} items, at most {ITEMS:,}")
    return tuple(counted)


def items(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, tuple):
        raise ValueError("it takes a list")
    return value


def root(value: Any) -> float:
    if one(value) < 0:
        raise ValueError("no root of a negative number")
    return math.sqrt(value)


def binary_log(value: Any) -> float:
    if one(value) <= 0:
        raise ValueError("no logarithm of a number up to 0")
    return math.log2(value)


def divisible(value: Any, by: int = 8) -> int:
    """The multiple of `by` nearest to `value`, at least `by`, never more than 10 % below it.

    Source: https://github.com/tensorflow/models/blob/master/research/slim/nets/mobilenet
    """
    if type(by) is not int or by < 1:
        raise ValueError("`by` is a whole number above 0")
    near = max(by, int(one(value) + by / 2) // by * by)
    return near + by if near < 0.9 * value else near


BUILTINS: dict[str, tuple[str, Callable[..., Any]]] = {
    "min": ("min(a, b, ...)", lambda *v: min(numbers(*v))),
    "max": ("max(a, b, ...)", lambda *v: max(numbers(*v))),
    "abs": ("abs(x)", lambda v: abs(one(v))),
    "int": ("int(x)", rounded(int)),
    "round": ("round(x)", rounded(round)),
    "floor": ("floor(x)", rounded(math.floor)),
    "ceil": ("ceil(x)", rounded(math.ceil)),
    "sqrt": ("sqrt(x)", root),
    "log2": ("log2(x)", binary_log),
    "len": ("len(list)", lambda v: len(items(v))),
    "range": ("range(stop), range(start, stop) or range(start, stop, step)", span),
    "sum": ("sum(list)", total),
    "enumerate": ("enumerate(list)", lambda v: tuple(enumerate(items(v)))),
    "zip": ("zip(a, b, ...)", lambda *v: tuple(zip(*map(items, v), strict=False))),
    "divisible": ("divisible(x) or divisible(x, by=8)", divisible),
}
