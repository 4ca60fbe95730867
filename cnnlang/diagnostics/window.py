"""The part of a source line that fits the screen, and where its characters stand there."""

from __future__ import annotations

from collections.abc import Iterable

from cnnlang.diagnostics.cells import cell, measure
from cnnlang.records import dataclass

CUT = "..."


@dataclass(frozen=True, slots=True)
class Window:
    """What is shown of a line.

    `first` is the index in the line of the first character shown. `spots` holds the columns
    (start, end) of what was cut off on the left, of each character shown, and of what was cut off
    on the right (or of the end of the line): a place out of sight is shown at the cut.
    """

    shown: str
    first: int
    spots: list[tuple[int, int]]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The columns of the characters `start` to `end`; at least one column."""
        left = self.spot(start)[0]
        return left, max(self.spot(end - 1)[1], left + 1)

    def spot(self, index: int) -> tuple[int, int]:
        """The columns of one character, or of the cut that hides it."""
        return self.spots[min(max(index - self.first + 1, 0), len(self.spots) - 1)]


def open_window(line: str, wanted: tuple[int, int], room: int) -> Window:
    """The window of at most `room` columns on `line` that shows the characters `wanted`."""
    first, last = crop(line, wanted, room - 1)  # the end of the line can be marked too
    head = CUT if first else ""
    tail = CUT if last < len(line) else ""
    shown, spots = [head], [(0, len(head))]
    for text, width in map(cell, line[first:last]):
        column = spots[-1][1]
        shown.append(text)
        spots.append((column, column + width) if width else spots[-1])
    end = spots[-1][1]
    spots.append((end, end + (len(tail) or 1)))
    return Window("".join([*shown, tail]), first, spots)


def crop(line: str, wanted: tuple[int, int], room: int) -> tuple[int, int]:
    """The range of characters to show: all if they fit, else `wanted` and what is around it.

    The start of `wanted` is always shown; a very long stretch leaves a quarter for its context.
    """
    if len(line) <= 2 * room and measure(line) <= room:
        return 0, len(line)
    room -= 2 * len(CUT)
    start, end = wanted
    count, spare = fit(line[start:end], room * 3 // 4)
    room += spare - room * 3 // 4
    before, spare = fit(reversed(line[:start]), room // 2)
    after, spare = fit(line[start + count :], room - room // 2 + spare)
    more, _ = fit(reversed(line[: start - before]), spare)
    first, last = start - before - more, start + count + after
    return 0 if tiny(line[:first]) else first, len(line) if tiny(line[last:]) else last


def tiny(text: str) -> bool:
    """True if `text` takes no more room than the sign that it is cut off."""
    return len(text) <= len(CUT) and measure(text) <= len(CUT)


def fit(chars: Iterable[str], room: int) -> tuple[int, int]:
    """How many of `chars` fit into `room` columns, and the columns left over.

    Combining marks count as one here, or a million of them would fit.
    """
    count = 0
    for char in chars:
        need = max(cell(char)[1], 1)
        if need > room:
            break
        room -= need
        count += 1
    return count, room
