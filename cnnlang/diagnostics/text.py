"""Diagnostics for a person at a terminal: headline, snippets, notes, help."""

from __future__ import annotations

from collections.abc import Iterator

from cnnlang.diagnostics.cells import clean, wrap
from cnnlang.diagnostics.colours import Paint, painter
from cnnlang.diagnostics.marks import Mark, draw, line_text, split, underline
from cnnlang.diagnostics.model import Diagnostic, Source, Span
from cnnlang.diagnostics.window import CUT, open_window
from cnnlang.records import dataclass

MIN_WIDTH = 40
MIN_PROSE = 20


@dataclass(frozen=True, slots=True)
class Section:
    """What is shown of one file: the place named in `-->`, and the marks on its lines."""

    span: Span
    marks: list[Mark]

    @property
    def source(self) -> Source:
        return self.span.source


@dataclass(frozen=True, slots=True)
class Page:
    """The sheet that one diagnostic is written on."""

    paint: Paint
    width: int
    digits: int

    @property
    def room(self) -> int:
        """Columns for the source, after ` 3 | `."""
        return self.width - self.digits - 4

    def gutter(self, number: object, content: str = "") -> str:
        """A line of a snippet: its number (or nothing), the bar, the content."""
        return f"{self.paint(f' {number:>{self.digits}} |', 'gutter')} {content}".rstrip(" ")


def render(diagnostics: list[Diagnostic], *, colour: bool = False, width: int = 100) -> str:
    """The diagnostics, a blank line between two, without a newline at the end.

    No line is wider than `width` columns (taken as 40 if less), but for the `-->` line of a file
    with a long name. `colour` adds ANSI escapes; without it, nothing but text and newlines.
    """
    paint = painter(colour)
    pages = [write(each, paint, max(width, MIN_WIDTH)) for each in diagnostics]
    return "\n\n".join("\n".join(lines) for lines in pages)


def write(diagnostic: Diagnostic, paint: Paint, width: int) -> list[str]:
    """The lines of one diagnostic."""
    sections = arrange(diagnostic)
    last = max((mark.line for section in sections for mark in section.marks), default=0)
    page = Page(paint, width, len(str(last)))
    kind = diagnostic.severity.value
    lines = prose(page, f"{kind}[{clean(diagnostic.code)}]", kind, ": ", diagnostic.message)
    for section in sections:
        lines += snippet(page, section, diagnostic.layer if section is sections[0] else "")
    remarks = [("note", text) for text in diagnostic.notes]
    remarks += [("help", diagnostic.help)] if diagnostic.help else []
    for name, text in remarks:
        lines += prose(page, " " * (page.digits + 2) + "=", "gutter", f" {name}: ", text)
    return lines


def prose(page: Page, head: str, style: str, lead: str, text: str) -> list[str]:
    """`head` in its colour, then `text`, its further lines under its first."""
    indent = len(head) + len(lead)
    first, *rest = wrap(text, max(page.width - indent, MIN_PROSE))
    lines = [page.paint(head, style) + lead + first, *(" " * indent + line for line in rest)]
    return [line.rstrip(" ") for line in lines]


def arrange(diagnostic: Diagnostic) -> list[Section]:
    """The files to show, that of the primary span first, each with its marks."""
    sections: dict[Source, Section] = {}
    if diagnostic.span:
        marks = split(diagnostic.span, diagnostic.label, diagnostic.severity.value, "^")
        sections[diagnostic.span.source] = Section(diagnostic.span, marks)
    for related in diagnostic.related:
        section = sections.setdefault(related.span.source, Section(related.span, []))
        section.marks.extend(split(related.span, related.label, "related", "-"))
    return list(sections.values())


def snippet(page: Page, section: Section, layer: str) -> list[str]:
    """The arrow to the place, then every line with a mark, and its underlines."""
    name, span = clean(section.source.name), section.span
    arrow = page.paint(" " * (page.digits + 1) + "-->", "gutter")
    place = f"{name}:{span.line}:{span.column}" + (f", layer {clean(layer)}" if layer else "")
    lines = [f"{arrow} {place}", page.gutter("")]
    for number in numbers(section):
        if number is None:
            lines.append(page.paint(CUT, "gutter"))
            continue
        marks = [mark for mark in section.marks if mark.line == number]
        lines += marked(page, section.source, number, marks)
    return lines


def numbers(section: Section) -> Iterator[int | None]:
    """The numbers of the lines to show, None where some are left out.

    One line alone is not left out, unless it is blank: then nothing is missed.
    """
    before = None
    for number in sorted({mark.line for mark in section.marks}):
        if before and number == before + 2:
            yield from [before + 1] if line_text(section.source, before + 1).strip() else []
        elif before and number > before + 2:
            yield None
        yield number
        before = number


def marked(page: Page, source: Source, number: int, marks: list[Mark]) -> list[str]:
    """A source line and the rows under it."""
    window = open_window(line_text(source, number), focus(marks, page.room), page.room)
    rows = underline(window, marks, page.room) if marks else []
    below = [page.gutter("", draw(row, page.paint)) for row in rows]
    return [page.gutter(number, window.shown), *below]


def focus(marks: list[Mark], room: int) -> tuple[int, int]:
    """The characters that must be in sight: all marks if that can be, else the primary one."""
    start = min((mark.start for mark in marks), default=0)
    end = max((mark.end for mark in marks), default=0)
    if end - start <= room // 2:
        return start, end
    mark = max(marks, key=lambda mark: mark.primary)
    return mark.start, mark.end
