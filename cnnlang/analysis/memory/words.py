"""Amounts of memory as a person reads them."""

from __future__ import annotations

UNITS = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def amount(number: int) -> str:
    """Bytes in three digits and a binary unit.

    >>> [amount(n) for n in (0, 950, 1536, 10 * 2**20, 8 * 2**30)]
    ['0 B', '950 B', '1.50 KiB', '10.0 MiB', '8.00 GiB']
    """
    for unit, name in UNITS:
        if number >= unit:
            scaled = number / unit
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:,.{digits}f} {name}"
    return f"{number} B"
