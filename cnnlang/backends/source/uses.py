"""How often the values of a body are used, and by whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from cnnlang.backends.source.structure import Fork, Part, Ref


def count(parts: Sequence[Part], result: Ref | None = None) -> Counter[Ref]:
    """How often the values are used in some parts."""
    found: Counter[Ref] = Counter()
    for part in parts:
        if isinstance(part, Fork):
            found[part.before] += 1
            found += count(part.then, part.then_result) + count(part.otherwise, part.other_result)
        else:
            found.update(part.inputs)
    if result is not None:
        found[result] += 1
    return found


def users(parts: Sequence[Part]) -> dict[Ref, list[Any]]:
    """Who uses every value."""
    found: dict[Ref, list[Any]] = {}
    for part in parts:
        if isinstance(part, Fork):
            found.setdefault(part.before, []).append(part)
            for side in (part.then, part.otherwise):
                for ref, those in users(side).items():
                    found.setdefault(ref, []).extend(those)
        else:
            for ref in part.inputs:
                found.setdefault(ref, []).append(part)
    return found
