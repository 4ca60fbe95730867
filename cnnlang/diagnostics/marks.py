"""Underlines and their labels: the rows of a snippet under a source line."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from cnnlang.diagnostics.cells import clean, measure, wrap
from cnnlang.diagnostics.colours import Paint
from cnnlang.diagnostics.model import Source, Span
from cnnlang.diagnostics.window import Window
from cnnlang.records import dataclass

LABEL_WIDTH = 40
"""A label moves to the left of its underline rather than be wrapped narrower than this."""

Row = dict[int, tuple[str, str]]
"""Text and style by the column where it starts; a label is always the last."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch to underline on one line: characters `start` to `end`, counted from 0."""

    line: int
    start: int
    end: int
    label: str
    style: str
    sign: str

    @property
    def primary(self) -> bool:
        return self.sign == "^"


@dataclass(frozen=True, slots=True)
class Placed:
    """A mark and the columns it takes in the window."""

    left: int
    right: int
    mark: Mark


def line_text(source: Source, number: int) -> str:
    """A line as it is shown: without the carriage return of a CRLF file."""
    return source.line(number).removesuffix("\r")


def split(span: Span, label: str, style: str, sign: str) -> list[Mark]:
    """The marks of a span: one for each of its lines that is shown, the label at the first.

    Of a span over more than three lines the first and the last are shown.
    """
    first, start, last, end = limits(span)
    if first == last:
        return [Mark(first, start, end, label, style, sign)]
    marks = [Mark(first, start, extent(span.source, first), label, style, sign)]
    between = [first + 1] if last == first + 2 and extent(span.source, first + 1) else []
    for line, stop in [(line, extent(span.source, line)) for line in between] + [(last, end)]:
        text = line_text(span.source, line)
        indent = len(text) - len(text.lstrip())
        marks.append(Mark(line, min(indent, stop), stop, "", style, sign))
    return marks


def limits(span: Span) -> tuple[int, int, int, int]:
    """First line, index in it, last line, index in it; a newline at the end is left out."""
    text = span.source.text
    start = min(max(span.start, 0), len(text))
    end = min(max(span.end, start), len(text))
    if end > start and text[end - 1] == "\n":
        end -= 1
    return *spot(span.source, start), *spot(span.source, end)


def spot(source: Source, offset: int) -> tuple[int, int]:
    """Line and index in what is shown of it."""
    line, column = source.position(offset)
    return line, min(column - 1, len(line_text(source, line)))


def extent(source: Source, number: int) -> int:
    """The characters of a line without the white space at its end."""
    return len(line_text(source, number).rstrip())


def underline(window: Window, marks: list[Mark], room: int) -> list[Row]:
    """The rows under a line: underlines and their labels, layer upon layer."""
    placed = [Placed(*window.place(mark.start, mark.end), mark) for mark in marks]
    return [row for layer in layers(placed) for row in annotate(layer, room)]


def layers(placed: list[Placed]) -> list[list[Placed]]:
    """The marks in layers without overlap: the primary one in the first, then the narrow ones."""
    found: list[list[Placed]] = []
    for each in sorted(placed, key=lambda p: (not p.mark.primary, p.right - p.left)):
        free = (layer for layer in found if not any(overlap(each, other) for other in layer))
        layer = next(free, None)
        if layer is None:
            found.append([each])
        else:
            layer.append(each)
    return found


def overlap(one: Placed, other: Placed) -> bool:
    """True if two underlines share a column."""
    return one.left < other.right and other.left < one.right


def annotate(layer: list[Placed], room: int) -> list[Row]:
    """A row of underlines, and the labels that find no place beside the last one.

    conv(32) -> add(left)
    --------    ^^^^^^^^^ channels differ
    |
    this is 32x32x32
    """
    row: Row = {}
    for each in layer:
        row |= dict.fromkeys(range(each.left, each.right), (each.mark.sign, each.mark.style))
    beside = label_beside(layer, room)
    if beside:
        row[beside.right + 1] = clean(beside.mark.label), beside.mark.style
    return [row, *hang([p for p in layer if p.mark.label and p is not beside], room)]


def label_beside(layer: list[Placed], room: int) -> Placed | None:
    """The last underline, if its label is a single line and there is room for it."""
    last = max(layer, key=lambda p: p.left)
    text = last.mark.label
    fits = last.right + 1 + measure(clean(text)) <= room
    return last if text and fits and "\n" not in text else None


def hang(layer: list[Placed], room: int) -> list[Row]:
    """Rows with the labels hung below their underlines, the last underline first."""
    layer = sorted(layer, key=lambda p: -p.left)
    rows = [pipes(layer)] if layer else []
    for index, each in enumerate(layer):
        lines = wrap(each.mark.label, max(room - each.left, min(room, LABEL_WIDTH)))
        column = min(each.left, room - max(map(measure, lines)))
        rest = [p for p in layer[index + 1 :] if p.left < column]
        rows += [pipes(rest) | {column: (line, each.mark.style)} for line in lines]
    return rows


def pipes(layer: Iterable[Placed]) -> Row:
    """A row of the lines on which labels hang."""
    return {each.left: ("|", each.mark.style) for each in layer}


def draw(row: Row, paint: Paint) -> str:
    """A row as text."""
    parts, at = [], 0
    for column, (text, style) in sorted(row.items()):
        parts += [(" " * (column - at), "")] if column > at else []
        parts.append((text, style))
        at = column + measure(text)
    runs = groupby(parts, key=lambda part: part[1])
    return "".join(paint("".join(text for text, _ in run), style) for style, run in runs)
