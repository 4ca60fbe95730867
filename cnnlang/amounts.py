"""Numbers as a person reads them: in three digits, in binary units, with their nouns."""

from __future__ import annotations

import re

DECIMAL = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
MAGNITUDES = {
    "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
"""What a number of the language may end in."""
GREATEST = 10**30
BINARY = ((2**40, " TiB"), (2**30, " GiB"), (2**20, " MiB"), (2**10, " KiB"))


def count(number: float) -> str:
    """A large number in three digits and a magnitude.

    >>> [count(n) for n in (0, 950, 61_706, 11_689_512, 1_814_073_344)]
    ['0', '950', '61.7k', '11.7M', '1.81G']
    """
    for unit, letter in DECIMAL:
        if number >= 0.9995 * unit:
            return digits(number / unit) + letter
    return f"{number:.0f}"


def memory(number: int) -> str:
    """Bytes in three digits and a binary unit.

    >>> [memory(n) for n in (0, 950, 1536, 10 * 2**20, 8 * 2**30)]
    ['0 B', '950 B', '1.50 KiB', '10.0 MiB', '8.00 GiB']
    """
    for unit, name in BINARY:
        if number >= unit:
            return digits(number / unit) + name
    return f"{number} B"


def read(text: str) -> int | None:
    """The bytes of an amount as the language writes it, None if it is none.

    >>> read("24GiB"), read("1.5K"), read("much")
    (25769803776, 1500, None)
    """
    from decimal import Decimal

    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMGT](?:iB)?)?", text)
    if match is None:
        return None
    found = Decimal(match[1]) * MAGNITUDES.get(match[2], 1)
    return int(found) if found == int(found) and 1 <= found < GREATEST else None


def digits(scaled: float) -> str:
    """Three digits of a number; all of them before the point if there are more."""
    return f"{scaled:,.{2 if scaled < 9.995 else 1 if scaled < 99.95 else 0}f}"


def plural(number: int, noun: str) -> str:
    """A noun with its number.

    >>> plural(1, "file"), plural(1200, "file")
    ('1 file', '1,200 files')
    """
    return f"{number:,} {inflect(number, noun)}"


def inflect(number: int, noun: str) -> str:
    """The form of a noun that goes with a number."""
    return noun if abs(number) == 1 else f"{noun}s"
