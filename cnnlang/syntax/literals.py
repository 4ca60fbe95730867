"""What a number, a size or a string stands for."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from cnnlang.amounts import MAGNITUDES

DIGITS = 30
PARTS = re.compile(r"([0-9_.]+(?:[eE][+-]?[0-9]+)?)([KMGT](?:iB)?)?")
ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


def read_number(text: str) -> int | float | None:
    """The value of a number, its magnitude multiplied out; None if it is too large.

    >>> read_number("4.2G"), read_number("8GiB"), read_number("1e-6"), read_number("1_000")
    (4200000000, 8589934592, 1e-06, 1000)
    """
    match = PARTS.fullmatch(text.replace("_", ""))
    assert match is not None
    plain, magnitude = match[1], match[2]
    if magnitude is None and plain.isdigit():
        return int(plain) if len(plain) <= DIGITS else None
    value = float(plain) * MAGNITUDES.get(magnitude, 1)
    if not math.isfinite(value) or (magnitude and value >= 10.0**DIGITS):
        return None
    return multiply(plain, magnitude, value) if magnitude else value


def multiply(plain: str, magnitude: str, rounded: float) -> int | float:
    """`plain` times its magnitude, an integer if that is exact."""
    if rounded < 1:
        return rounded
    if plain.isdigit():
        return int(plain) * MAGNITUDES[magnitude]
    from decimal import Decimal

    exact = Decimal(plain) * MAGNITUDES[magnitude]
    return int(exact) if exact == exact.to_integral_value() else float(exact)


@lru_cache(1024)
def read_size(text: str) -> tuple[int | str, ...] | None:
    """The parts of a size; None if one of them is too large.

    >>> read_size("3xHx32")
    (3, 'H', 32)
    """
    parts = text.split("x")
    if max(map(len, parts)) > DIGITS:
        return None
    return tuple(int(part) if part.isdigit() else part for part in parts)


def unescape(text: str) -> str:
    """The characters that the inside of a string stands for; unknown escapes stay as they are."""
    if "\\" not in text:
        return text
    return re.sub(r"\\.", lambda match: ESCAPES.get(match[0], match[0]), text)
