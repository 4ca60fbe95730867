"""Two ways to do the same, timed in turns, and tables of what was found."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median

LEAST = 5
"""Rounds at the least."""
Work = Callable[[], object]


def ratios(first: Work, second: Work, budget: float) -> list[float]:
    """The time of the first to that of the second, round by round until the budget is spent."""
    found: list[float] = []
    end = time.monotonic() + budget
    while len(found) < LEAST or time.monotonic() < end:
        order = (first, second) if len(found) % 2 else (second, first)
        took = {work: seconds(work) for work in order}
        found.append(took[first] / took[second])
    return found


def seconds(work: Work) -> float:
    """The CPU time of the process, all its threads included."""
    start = time.process_time()
    work()
    return time.process_time() - start


def shown(found: Sequence[float]) -> str:
    """The median, the interval of its order statistics (about 95 %), and the number of rounds."""
    ranked, count = sorted(found), len(found)
    off = min(count // 2, round(0.98 * count**0.5 + 0.5))
    low, high = ranked[max(0, count // 2 - off)], ranked[min(count - 1, (count - 1) // 2 + off)]
    return f"{median(found):.3f} ({low:.3f}-{high:.3f}, {count})"


def printed(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def headed(cells: Sequence[str]) -> None:
    printed(cells)
    printed(["---"] + ["---:"] * (len(cells) - 1))
