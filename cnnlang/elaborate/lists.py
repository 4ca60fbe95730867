"""Lists within bounds: how much they hold, and how deep they go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnlang.diagnostics.model import Span
from cnnlang.elaborate.faults import fault
from cnnlang.elaborate.limits import ITEMS, NESTED, Budget


def listing(items: Sequence[Any], span: Span, budget: Budget) -> tuple[Any, ...]:
    """The items as a list, if that is not too large; its lists are counted with all they hold."""
    count, depth = weigh(items)
    if count > ITEMS:
        raise fault(
            "E301", f"this list holds more than {ITEMS:,} values", span, help="make it smaller"
        )
    if depth > NESTED:
        raise fault("E301", f"lists are nested more than {NESTED} deep here", span)
    budget.step(span, count)
    return tuple(items)


def weigh(items: Sequence[Any]) -> tuple[int, int]:
    """How many values a list holds, in all depths, and how deep it is nested; cut off at limits."""
    count, depth, level = len(items), 1, [each for each in items if isinstance(each, tuple)]
    while level and depth <= NESTED and count <= ITEMS:
        depth += 1
        count += sum(map(len, level))
        if count <= ITEMS:
            level = [each for inner in level for each in inner if isinstance(each, tuple)]
    return count, depth
