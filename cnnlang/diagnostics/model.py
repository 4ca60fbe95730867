"""What cnnlang has to say about a file, as plain data: spans, messages, fixes."""

from __future__ import annotations

from bisect import bisect_right
from enum import StrEnum
from functools import cached_property

from cnnlang.records import dataclass


@dataclass(frozen=True, eq=False, repr=False)
class Source:
    """A text and the name by which a person knows it (a path, `<stdin>`, `std.resnet`)."""

    name: str
    text: str

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    @cached_property
    def line_starts(self) -> list[int]:
        """Offset of the first character of every line (`\\n` ends a line)."""
        starts, at = [0], self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1, columns in characters."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its newline."""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text: offsets `start` to `end` (exclusive) in `source`."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def end_line(self) -> int:
        return self.source.position(self.end)[0]

    @property
    def end_column(self) -> int:
        return self.source.position(self.end)[1]

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of `other`."""
        return Span(self.source, self.start, other.end)


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that explains the message."""

    span: Span
    label: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text of `span` by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A way to mend a mistake: what to say of it, and the edits that carry it out.

    It is `safe` where it can change nothing that the author meant.
    """

    help: str
    edits: tuple[Edit, ...]
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message: what was found, what was needed, where, and what would mend it.

    `message` is the headline and stands alone; `label` is written under the primary span;
    `edits`, if any, carry out what `help` says; they are `safe` where they can change nothing that
    the author meant, so that `check --fix` applies them unasked. `fixes` are candidates for both,
    the best one first: `cnnlang.repair` tries them and keeps the first one that mends the mistake.
    `layer` is the path of the layer that it is about, as in the `state_dict`.
    """

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    related: tuple[Related, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    edits: tuple[Edit, ...] = ()
    severity: Severity = Severity.ERROR
    safe: bool = False
    fixes: tuple[Fix, ...] = ()
    layer: str = ""

    def __str__(self) -> str:
        """The message on one line: `net.cnn:4:41: error[S135]: ...`."""
        at = self.span
        place = f"{at.source.name}:{at.line}:{at.column}: " if at else ""
        return f"{place}{self.severity}[{self.code}]: {self.message}"


@dataclass(frozen=True, slots=True)
class Rule:
    """What tools show of a code: a title, and a sentence on what its family is about."""

    title: str
    about: str


def has_errors(diagnostics: list[Diagnostic]) -> bool:
    """True if at least one of `diagnostics` is an error."""
    return any(each.severity is Severity.ERROR for each in diagnostics)
