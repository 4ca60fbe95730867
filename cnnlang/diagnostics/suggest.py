"""Did you mean: the nearest known name to a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST = 4
"""Letters of the shortest name in which a slip is told from another name."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` most likely stands for, or None.

    At most a third of the letters (and at most three) may be edited, never the only one; a
    difference in case only, or in underscores only, always counts as near.
    """
    limit = min(3, max(1, len(name) // 3), len(name) - 1)
    best: tuple[int, str] | None = None
    for candidate in sorted(set(known)):
        if fold(candidate) == fold(name):
            return candidate
        if abs(len(candidate) - len(name)) > limit:
            continue
        distance = edits(name.lower(), candidate.lower(), limit)
        if distance <= limit and (best is None or distance < best[0]):
            best = distance, candidate
    return best[1] if best else None


def is_slip(name: str, near: str, known: Iterable[str]) -> bool:
    """True if `name` is `near` with one slip of the fingers, and no other name is as near.

    A slip is one letter more, less or wrong in a name of four or more, or two that have changed
    places; a digit is never one. Case and underscores do not count.

    >>> is_slip("con", "conv", ["conv", "cone"]), is_slip("cnv", "conv", ["conv", "relu"])
    (False, True)
    >>> is_slip("stage2", "stage1", ["stage1"]), is_slip("dwconv", "conv", ["conv"])
    (False, False)
    """
    if fold(name) == fold(near):
        return True
    distance = edits(name.lower(), near.lower(), 3)
    if distance > 1 or len(near) < SHORTEST or digits(name) != digits(near):
        return False
    others = {each.lower() for each in known} - {near.lower()}
    return not any(edits(name.lower(), each, distance) <= distance for each in others)


def digits(name: str) -> str:
    return "".join(filter(str.isdigit, name))


def fold(name: str) -> str:
    """A name without case and underscores: `Max_Pool` and `maxpool` fold alike."""
    return name.replace("_", "").lower()


def edits(a: str, b: str, limit: int) -> int:
    """Edit distance with swaps of neighbours (optimal string alignment), cut off above `limit`.

    >>> edits("kernal", "kernel", 3)
    1
    """
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        rows.append(row)
    return rows[-1][-1]
