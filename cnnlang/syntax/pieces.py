"""The tokens of a text as the formatter sees them: spacing, comments, and where lines broke."""

from __future__ import annotations

from bisect import bisect_left

from cnnlang.diagnostics.model import Source
from cnnlang.records import dataclass, field
from cnnlang.syntax.brackets import CLOSERS, ENDS_OPERAND, Token, kinds
from cnnlang.syntax.lexical import Lexed

CLOSING = frozenset(CLOSERS.values())
LABELS = frozenset(("LABEL_TEXT", "HOLE_OPEN", "HOLE_CLOSE"))
TIGHT_AFTER = kinds("LPAR LSQB HOLE_OPEN DOT")
TIGHT_BEFORE = kinds("RPAR RSQB HOLE_CLOSE DOT COMMA COLON")
OPERANDS = ENDS_OPERAND | {"OUTPUT"}
DECLARING = kinds("NETWORK BLOCK FN")


@dataclass(slots=True)
class Piece:
    """A token to print.

    `space` asks for a blank before it, `broken` for a new line before it (because the writer had
    one that is kept, or because a comment stands there), `last` marks the end of a statement.
    `leading` are the comments on lines of their own before it, each with True if a blank line
    precedes; `blank` says the same of the piece itself.
    """

    kind: str
    text: str
    start: int
    end: int
    space: bool = True
    broken: bool = False
    last: bool = False
    blank: bool = False
    leading: list[tuple[str, bool]] = field(default_factory=list)
    trailing: str | None = None
    match: int = -1


def prepare(source: Source, lexed: Lexed) -> list[Piece]:
    """The pieces of a text without syntax errors; the last one stands for its end."""
    pieces = gather(lexed.tokens)
    pair(pieces)
    pieces = trim(pieces)
    pair(pieces)
    requote(pieces)
    space(pieces)
    hold(source, pieces)
    Comments(source, pieces).place(lexed)
    return pieces


def gather(tokens: list[Token]) -> list[Piece]:
    """A piece for every token; new lines become a mark on what they end."""
    pieces: list[Piece] = []
    for token in tokens:
        if token.kind == "NEWLINE":
            pieces[-1].last = True
        else:
            pieces.append(Piece(*token))
    return pieces


def pair(pieces: list[Piece]) -> None:
    """Tell every bracket where its partner is."""
    opened: list[int] = []
    for at, piece in enumerate(pieces):
        if piece.kind in CLOSERS:
            opened.append(at)
        elif piece.kind in CLOSING:
            piece.match = opened.pop()
            pieces[piece.match].match = at


def trim(pieces: list[Piece]) -> list[Piece]:
    """Leave out trailing commas, but for those of tuples with one item."""
    kept = []
    for at, piece in enumerate(pieces):
        closer = pieces[at + 1] if piece.kind == "COMMA" else None
        if closer and closer.kind in CLOSING and not single(pieces, closer.match, at):
            continue
        kept.append(piece)
    return kept


def single(pieces: list[Piece], opener: int, comma: int) -> bool:
    """True if the brackets hold one item and a comma, and are those of a tuple."""
    if pieces[opener].kind != "LPAR" or called(pieces, opener):
        return False
    return comma_after(pieces, opener + 1, comma) == comma


def comma_after(pieces: list[Piece], at: int, end: int) -> int:
    """The next comma from `at` on that is in no inner bracket; `end` if there is none."""
    while at < end:
        if pieces[at].kind == "COMMA":
            return at
        at = pieces[at].match + 1 if pieces[at].kind in CLOSERS else at + 1
    return end


def called(pieces: list[Piece], opener: int) -> bool:
    """True for the parentheses of a call or of parameters."""
    return opener > 0 and pieces[opener].kind == "LPAR" and pieces[opener - 1].kind == "NAME"


def of_loop(pieces: list[Piece], opener: int) -> bool:
    """True for parentheses around variables of a loop, which take no trailing comma."""
    at = opener - 1
    while at > 0 and pieces[at].kind in ("NAME", "COMMA", "LPAR", "RPAR"):
        at -= 1
    return pieces[at].kind == "FOR"


def requote(pieces: list[Piece]) -> None:
    """Give quoted labels with holes their quotes back."""
    previous = ""
    for at, piece in enumerate(pieces):
        if piece.kind in ("LABEL_TEXT", "HOLE_OPEN"):
            quoted = piece.text.startswith('"')
            opens = previous not in ("LABEL_TEXT", "HOLE_CLOSE")
            piece.text = piece.text if quoted and opens else piece.text.removeprefix('"')
            closer = piece if piece.kind == "LABEL_TEXT" else pieces[piece.match]
            index = at if piece.kind == "LABEL_TEXT" else piece.match
            if quoted and pieces[index + 1].kind not in ("LABEL_TEXT", "HOLE_OPEN"):
                closer.text += '"'
        previous = piece.kind


# --- spaces --------------------------------------------------------------------------------------


def space(pieces: list[Piece]) -> None:
    """Decide where blanks stand when everything is on one line."""
    spaced: list[bool] = [True]
    for at in range(1, len(pieces)):
        piece, before = pieces[at], pieces[at - 1]
        squeezed = "EQUAL" in (piece.kind, before.kind) and not spaced[-1]
        piece.space = not squeezed and not tight(pieces, at)
        if piece.kind in CLOSERS:
            spaced.append(piece.kind == "LBRACE" or declares(pieces, at))
        if piece.kind in CLOSING:
            spaced.pop()


def declares(pieces: list[Piece], at: int) -> bool:
    """True for the parentheses of parameters, where a default is written ` = `."""
    return at > 1 and called(pieces, at) and pieces[at - 2].kind in DECLARING


def tight(pieces: list[Piece], at: int) -> bool:
    """True if no blank stands before this piece."""
    before, kind = pieces[at - 1].kind, pieces[at].kind
    if before in TIGHT_AFTER or kind in TIGHT_BEFORE:
        return True
    if kind == "LPAR":
        return before == "NAME" or prefixes(pieces, at - 1)
    if kind == "LSQB":
        return before in OPERANDS or prefixes(pieces, at - 1)
    if kind in LABELS and before in LABELS:
        return True
    return prefixes(pieces, at - 1)


def prefixes(pieces: list[Piece], at: int) -> bool:
    """True for a sign before a value: `-x`."""
    if pieces[at].kind not in ("PLUS", "MINUS"):
        return False
    return at == 0 or pieces[at - 1].kind not in OPERANDS


# --- line breaks ---------------------------------------------------------------------------------


def hold(source: Source, pieces: list[Piece]) -> None:
    """Mark the line breaks of the writer that are kept."""
    text = source.text
    for at in range(1, len(pieces)):
        piece, before = pieces[at], pieces[at - 1]
        gap = text[before.end : piece.start]
        piece.blank = gap.count("\n") > 1 and blank_line(gap)
        opened = before.kind in CLOSERS and before.match != at
        if before.kind == "LBRACE":
            piece.broken = opened and "\n" in text[before.end : pieces[before.match].start]
        elif opened:
            piece.broken = "\n" in gap
        elif piece.kind == "ARROW":
            after = text[piece.end : pieces[at + 1].start]
            piece.broken = "\n" in gap or "\n" in after


def blank_line(gap: str) -> bool:
    """True if the lines end in a blank one: `gap` is what stands before a piece."""
    lines = gap.split("\n")
    return len(lines) > 2 and not lines[-2].strip()


class Comments:
    """Gives every comment to the piece that it stands by."""

    def __init__(self, source: Source, pieces: list[Piece]) -> None:
        self.text = source.text
        self.pieces = pieces
        self.starts = [piece.start for piece in pieces]

    def place(self, lexed: Lexed) -> None:
        for span in lexed.comments:
            comment = span.text.rstrip()
            following = bisect_left(self.starts, span.start)
            line = self.text.rfind("\n", 0, span.start) + 1
            if following and self.text[line : span.start].strip():
                self.trail(following - 1, comment)
            else:
                self.lead(following, comment, self.is_blank(line))
        self.mark()

    def is_blank(self, line: int) -> bool:
        """True if the line before the one that begins at `line` is blank."""
        if line == 0:
            return False
        before = self.text.rfind("\n", 0, line - 1) + 1
        return not self.text[before : line - 1].strip()

    def trail(self, at: int, comment: str) -> None:
        """Put a comment behind piece `at`, or nearby if it would look lost there."""
        piece = self.pieces[at]
        follower = self.pieces[at + 1] if at + 1 < len(self.pieces) else None
        if piece.kind == "BAR" or (piece.kind == "ARROW" and self.begins(at)):
            piece.leading.append((comment, False))
        elif piece.kind == "ARROW":
            self.trail(at - 1, comment)
        elif follower and follower.kind == "COMMA" and piece.kind not in CLOSERS:
            self.trail(at + 1, comment)
        elif piece.trailing is not None:
            self.lead(at + 1, comment, False)
        else:
            piece.trailing = comment

    def begins(self, at: int) -> bool:
        """True if a piece begins its line."""
        return "\n" in self.text[self.pieces[at - 1].end : self.pieces[at].start]

    def lead(self, at: int, comment: str, blank: bool) -> None:
        """Put a comment on a line of its own before piece `at`, or nearby."""
        before = self.pieces[at - 1].kind if at else ""
        if before in ("ARROW", "BAR"):
            at -= 1
        elif self.pieces[at].kind == "COMMA":
            at += 1
        self.pieces[at].leading.append((comment, blank))

    def mark(self) -> None:
        """Break the lines where comments need it."""
        for at, piece in enumerate(self.pieces):
            if piece.leading:
                piece.broken = True
            if piece.trailing is not None and at + 1 < len(self.pieces):
                self.pieces[at + 1].broken = True
