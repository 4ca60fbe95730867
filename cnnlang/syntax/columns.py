"""Tables: numbers of neighbouring lines stay in columns where the writer aligned them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from cnnlang.diagnostics.model import Source
from cnnlang.syntax.layout import WIDTH, Line
from cnnlang.syntax.pieces import Piece, comma_after


class Row(NamedTuple):
    """A line that is one call or one tuple: where its cells begin and end.

    `name` is what is called, behind as many dots as a label before it has letters.
    """

    name: str
    indent: int
    cells: tuple[tuple[int, int], ...]


def align(source: Source, pieces: list[Piece], lines: list[Line]) -> dict[int, int]:
    """Extra blanks before pieces, for all tables whose writer had padded a cell."""
    padding: dict[int, int] = {}
    for run in runs(pieces, lines):
        if any(padded(source, pieces, row) for row in run):
            padding.update(pad(pieces, run))
    for inputs in groups(pieces, lines):
        if any(shifted(pieces, at) for at in inputs):
            widest = max(len(pieces[at + 1].text) for at in inputs)
            padding.update({at + 3: widest - len(pieces[at + 1].text) for at in inputs})
    return padding


def groups(pieces: list[Piece], lines: list[Line]) -> Iterator[list[int]]:
    """Neighbouring lines that declare named inputs, each by its first piece."""
    for named, run in groupby(lines, key=lambda line: names(pieces, line)):
        if named:
            yield [line.first for line in run]


def names(pieces: list[Piece], line: Line) -> bool:
    at = line.first
    return pieces[at].kind == "INPUT" and line.last > at + 2 and pieces[at + 2].kind == "COLON"


def shifted(pieces: list[Piece], at: int) -> bool:
    """True if the shape of an input stands further right than it must."""
    return pieces[at + 3].start - pieces[at + 2].end > 1


def runs(pieces: list[Piece], lines: list[Line]) -> list[list[Row]]:
    """Neighbouring lines that call the same name with as many arguments."""
    found: list[list[Row]] = []
    previous: Row | None = None
    for line in lines:
        row = tabulate(pieces, line)
        if row and previous and alike(row, previous) and not line.blank:
            found[-1].append(row)
        elif row:
            found.append([row])
        previous = row
    return found


def alike(a: Row, b: Row) -> bool:
    return (a.name, a.indent, len(a.cells)) == (b.name, b.indent, len(b.cells))


def tabulate(pieces: list[Piece], line: Line) -> Row | None:
    """The line as a row of cells, if it is one call or one tuple and nothing else."""
    first, last = line.first, line.last
    label = ""
    if last > first + 2 and pieces[first + 1].kind == "COLON":
        label, first = "." * (len(pieces[first].text) + 2), first + 2
    name = pieces[first].text if pieces[first].kind == "NAME" else ""
    opener = first + bool(name)
    if pieces[last].kind == "COMMA":
        last -= 1
    if pieces[opener].kind != "LPAR" or pieces[opener].match != last or opener + 1 == last:
        return None
    cells, begin = [], opener + 1
    while begin < last:
        comma = comma_after(pieces, begin, last)
        cells.append((begin, comma - 1))
        begin = comma + 1
    return Row(label + name, line.indent, tuple(cells))


def padded(source: Source, pieces: list[Piece], row: Row) -> bool:
    """True if the source has more blanks before a cell than one line of text needs."""
    for number, (first, _) in enumerate(row.cells):
        gap = source.text[pieces[first - 1].end : pieces[first].start]
        if "\n" not in gap and len(gap) > (number > 0):
            return True
    return False


def pad(pieces: list[Piece], run: list[Row]) -> dict[int, int]:
    """The blanks that align a table: numbers to the right, all else to the left."""
    padding: dict[int, int] = {}
    columns = list(zip(*(row.cells for row in run), strict=True))
    widest = 0
    for number, column in enumerate(columns):
        widths = [width(pieces, cell) for cell in column]
        widest += max(widths) + 2
        right = all(numeric(pieces, cell) for cell in column)
        if not right and number + 1 == len(columns):
            continue
        for cell, w in zip(column if right else columns[number + 1], widths, strict=True):
            padding[cell[0]] = padding.get(cell[0], 0) + max(widths) - w
    fits = run[0].indent + len(run[0].name) + widest + 1 <= WIDTH
    return padding if fits else {}


def width(pieces: list[Piece], cell: tuple[int, int]) -> int:
    parts = pieces[cell[0] : cell[1] + 1]
    return sum(len(part.text) + part.space for part in parts) - parts[0].space


def numeric(pieces: list[Piece], cell: tuple[int, int]) -> bool:
    """True for a number, with a sign or without."""
    first, last = cell
    signed = pieces[first].kind in ("PLUS", "MINUS")
    return pieces[last].kind == "NUMBER" and last - first == signed
