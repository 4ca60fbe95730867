"""Where lines end and how far they are indented: from pieces to lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate, pairwise

from cnnlang.diagnostics.model import Source
from cnnlang.records import dataclass, field
from cnnlang.syntax.brackets import CLOSERS
from cnnlang.syntax.pieces import CLOSING, OPERANDS, Piece, called, comma_after, of_loop

WIDTH = 100
STEP = 4
BRANCHING = frozenset(("FOR", "REPEAT", "IF"))


@dataclass(slots=True)
class Line:
    """The pieces `first` to `last` on one line; `comma` adds a trailing comma.

    `blank` asks for an empty line before it.
    """

    first: int
    last: int
    indent: int
    comma: bool = False
    blank: bool = False


Task = Callable[[], None]


@dataclass(slots=True)
class Layout:
    """Cuts statements into lines; what is left to do stands on a stack, so depth is no matter."""

    source: Source
    pieces: list[Piece]
    lines: list[Line] = field(default_factory=list)
    todo: list[Task] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)

    def run(self) -> list[Line]:
        """The lines of the whole file."""
        self.ends = list(accumulate(len(p.text) + p.space for p in self.pieces))
        self.breaks = list(accumulate(p.broken for p in self.pieces))
        self.body(-1, len(self.pieces) - 1, 0)
        while self.todo:
            self.todo.pop()()
        end = len(self.pieces) - 1
        if self.pieces[end].leading:
            self.add(end, end, 0)
        return self.lines

    def push(self, tasks: list[Task]) -> None:
        """Do `tasks` next, in their order."""
        self.todo.extend(reversed(tasks))

    # --- measures --------------------------------------------------------------------------------

    def width(self, first: int, last: int) -> int:
        piece = self.pieces[first]
        return self.ends[last] - self.ends[first] + len(piece.text)

    def holds(self, first: int, last: int) -> bool:
        """True if a break is needed before one of the pieces after `first`, up to `last`."""
        return self.breaks[last] > self.breaks[first]

    def fits(self, first: int, last: int, indent: int, more: int = 0) -> bool:
        return not self.holds(first, last) and indent + self.width(first, last) + more <= WIDTH

    def top(self, first: int, last: int) -> Iterator[int]:
        """The pieces from `first` to `last` that stand in no bracket, and the brackets."""
        at = first
        while at <= last:
            yield at
            piece = self.pieces[at]
            at = piece.match if piece.kind in CLOSERS and at < piece.match <= last else at + 1

    def pairs(self, first: int, last: int, braces: bool) -> list[tuple[int, int]]:
        """The bracket pairs that hold something, outermost only."""
        found = []
        for at in self.top(first, last):
            kind, match = self.pieces[at].kind, self.pieces[at].match
            if kind in CLOSERS and kind != "HOLE_OPEN" and at + 1 < match <= last:
                found.append((at, match))
        return [each for each in found if (self.pieces[each[0]].kind == "LBRACE") is braces]

    # --- bodies and statements -------------------------------------------------------------------

    def body(self, opener: int, closer: int, indent: int) -> None:
        """Lay out the statements between two pieces, one after the other."""
        tasks: list[Task] = []
        in_branch = False
        for first, last in self.statements(opener + 1, closer - 1):
            starts = self.pieces[first].kind == "BAR"
            in_branch = starts or (in_branch and not self.branches(first, last))
            shift = 2 if in_branch and not starts else 0
            tasks.append(partial(self.statement, first, last, indent + shift))
        self.push(tasks)

    def statements(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The statements from `first` to `last`; every `|` begins one."""
        begin = first
        for at in self.top(first, last):
            if self.pieces[at].kind == "BAR" and at > begin:
                yield begin, at - 1
                begin = at
            if self.pieces[at].last:
                yield begin, at
                begin = at + 1
        if begin <= last:
            yield begin, last

    def branches(self, first: int, last: int) -> bool:
        """True for a loop or choice whose braces hold branches."""
        if self.pieces[first].kind not in BRANCHING:
            return False
        marks = [p.kind == "BAR" for p in self.pieces[first : last + 1]]
        if not any(marks):
            return False
        return any(self.grouped(opener, closer) for opener, closer in self.pairs(first, last, True))

    def grouped(self, opener: int, closer: int) -> bool:
        """True if branches stand between these braces, perhaps in further loops and choices."""
        waiting = [(opener, closer)]
        while waiting:
            opener, closer = waiting.pop()
            for first, last in self.statements(opener + 1, closer - 1):
                if self.pieces[first].kind == "BAR":
                    return True
                if self.pieces[first].kind in BRANCHING:
                    waiting.extend(self.pairs(first, last, True))
        return False

    def statement(self, first: int, last: int, indent: int) -> None:
        """Lay out one statement."""
        if self.fits(first, last, indent):
            self.add(first, last, indent)
            return
        opened = {pair for pair in self.pairs(first, last, True) if self.holds(*pair)}
        arrows = {at for at in self.top(first, last) if self.is_broken(at)}
        self.relieve(first, last, indent, opened, arrows)
        tasks: list[Task] = []
        for a, b, deep, pair in self.stretches(first, last, indent, opened, arrows):
            tasks.append(partial(self.line, a, b, deep))
            if pair:
                tasks.append(partial(self.body, *pair, deep + STEP))
        self.push(tasks)

    def is_broken(self, at: int) -> bool:
        return self.pieces[at].broken and self.pieces[at].kind == "ARROW"

    def relieve(
        self,
        first: int,
        last: int,
        indent: int,
        opened: set[tuple[int, int]],
        arrows: set[int],
    ) -> None:
        """Where lines are too long, open their braces; where that is not enough, break chains."""
        for a, b, deep, _ in list(self.stretches(first, last, indent, opened, arrows)):
            if deep + self.width(a, b) > WIDTH and not self.holds(a, b):
                opened.update(self.pairs(a, b, True))
        for a, b, deep, _ in list(self.stretches(first, last, indent, opened, arrows)):
            if deep + self.width(a, b) > WIDTH and not self.holds(a, b):
                arrows.update(self.fill(a, b, deep, indent + STEP))

    def fill(self, first: int, last: int, indent: int, further: int) -> Iterator[int]:
        """The arrows before which a chain breaks so that its lines are full but not too long."""
        arrows = [at for at in self.top(first, last) if self.pieces[at].kind == "ARROW"]
        begin = first
        for arrow, following in pairwise([*arrows, last + 1]):
            if indent + self.width(begin, following - 1) > WIDTH and arrow > begin:
                yield arrow
                begin, indent = arrow, further

    def stretches(
        self,
        first: int,
        last: int,
        indent: int,
        opened: set[tuple[int, int]],
        arrows: set[int],
    ) -> Iterator[tuple[int, int, int, tuple[int, int] | None]]:
        """The lines of a statement: first and last piece, indent, and the braces opened there."""
        begin, deep = first, indent
        closers = dict(opened)
        for at in self.top(first, last):
            if at in arrows and at > begin:
                yield begin, at - 1, deep, None
                begin, deep = at, indent + STEP
            elif self.apart(at, begin):
                yield begin, at - 1, deep, None
                begin = at
            if at in closers:
                yield begin, at, deep, (at, closers[at])
                begin = closers[at]
        yield begin, last, deep, None

    def apart(self, at: int, begin: int) -> bool:
        """True for an `else` or `shortcut` that a comment keeps from its brace."""
        piece = self.pieces[at]
        return piece.broken and piece.kind in ("ELSE", "SHORTCUT") and at > begin

    # --- lines and brackets ----------------------------------------------------------------------

    def line(self, first: int, last: int, indent: int, comma: bool = False) -> None:
        """Put a range of pieces on one line, or on more where that must be."""
        if self.fits(first, last, indent, comma):
            self.add(first, last, indent, comma)
            return
        for at in self.top(first, last):
            if at > first and self.pieces[at].broken and not self.partner(at, first):
                self.line(first, at - 1, indent)
                self.todo.append(partial(self.line, at, last, indent + STEP, comma))
                return
        pairs = self.pairs(first, last, False)
        held = [pair for pair in pairs if self.holds(*pair)]
        if not pairs or not (held or self.width(first, last) + indent > WIDTH - comma):
            self.add(first, last, indent, comma)
            return
        opener, closer = held[0] if held else max(pairs, key=lambda pair: self.width(*pair))
        self.unfold(first, opener, closer, last, indent, comma)

    def partner(self, at: int, first: int) -> bool:
        """True for a closing bracket whose opening one stands in the same range."""
        return self.pieces[at].kind in CLOSING and self.pieces[at].match >= first

    def unfold(
        self, first: int, opener: int, closer: int, last: int, indent: int, comma: bool
    ) -> None:
        """Give the content of a bracket lines of its own."""
        tasks: list[Task] = [partial(self.line, first, opener, indent)]
        rows = list(self.rows(opener, closer, indent + STEP))
        for a, b in rows:
            ends = b == closer - 1 and self.pieces[b].kind != "COMMA" and self.lists(opener, closer)
            tasks.append(partial(self.line, a, b, indent + STEP, ends))
        tasks.append(partial(self.line, closer, last, indent, comma))
        self.push(tasks)

    def lists(self, opener: int, closer: int) -> bool:
        """True if a trailing comma changes nothing in these brackets."""
        if self.pieces[opener].kind == "LSQB":
            return self.pieces[opener - 1].kind not in OPERANDS
        if of_loop(self.pieces, opener):
            return False
        return called(self.pieces, opener) or comma_after(self.pieces, opener + 1, closer) < closer

    def rows(self, opener: int, closer: int, indent: int) -> Iterator[tuple[int, int]]:
        """The rows of a broken bracket: as the writer had them if they fit, else one item each."""
        items = list(self.items(opener, closer))
        if not self.pieces[opener + 1].broken:
            yield from items
            return
        rows: list[list[tuple[int, int]]] = []
        for item in items:
            if rows and self.beside(rows[-1][-1][1], item[0]):
                rows[-1].append(item)
            else:
                rows.append([item])
        for row in rows:
            if self.fits(row[0][0], row[-1][1], indent, 1):
                yield row[0][0], row[-1][1]
            else:
                yield from row

    def items(self, opener: int, closer: int) -> Iterator[tuple[int, int]]:
        """The items between two brackets, each with its comma."""
        begin = opener + 1
        while begin < closer:
            comma = comma_after(self.pieces, begin, closer)
            yield begin, min(comma, closer - 1)
            begin = comma + 1

    def beside(self, last: int, first: int) -> bool:
        """True if two pieces stand on one line of the source."""
        between = self.source.text[self.pieces[last].end : self.pieces[first].start]
        return "\n" not in between

    def add(self, first: int, last: int, indent: int, comma: bool = False) -> None:
        """Add a line, with an empty one before it where the writer had one and it may stand."""
        piece = self.pieces[first]
        wanted = piece.leading[0][1] if piece.leading else piece.blank
        opens = bool(self.lines) and self.pieces[self.lines[-1].last].kind in CLOSERS
        closes = piece.kind in CLOSING or piece.kind in ("ARROW", "ELSE", "SHORTCUT")
        blank = wanted and bool(self.lines) and not opens and not closes
        self.lines.append(Line(first, last, indent, comma, blank))


def separate(pieces: list[Piece], lines: list[Line]) -> None:
    """Put an empty line between definitions one of which takes several lines."""
    begins = [at for at, line in enumerate(lines) if begins_definition(pieces, line)]
    sizes = [after - at for at, after in pairwise([*begins, len(lines)])]
    for number in range(1, len(begins)):
        if max(sizes[number - 1 : number + 1]) > 1:
            lines[begins[number]].blank = True


def begins_definition(pieces: list[Piece], line: Line) -> bool:
    """True if a line begins a definition of the file."""
    if line.indent or pieces[line.first].kind in ("ELSE", "SHORTCUT", "ARROW", "$END"):
        return False
    return line.first == 0 or pieces[line.first - 1].last
