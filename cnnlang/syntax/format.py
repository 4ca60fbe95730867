"""`format_source`: the one canonical layout of a text, proved to say the same."""

from __future__ import annotations

from cnnlang.diagnostics.model import Diagnostic, Source, Span, has_errors
from cnnlang.syntax.ast import File
from cnnlang.syntax.columns import align
from cnnlang.syntax.compare import same_meaning
from cnnlang.syntax.layout import STEP, Layout, Line, separate
from cnnlang.syntax.lexical import Lexed
from cnnlang.syntax.parser import read
from cnnlang.syntax.pieces import CLOSING, Piece, prepare


def format_source(source: Source) -> tuple[str | None, list[Diagnostic]]:
    """The text in its canonical layout, or None and the reasons if it does not parse.

    The result is parsed and formatted once more: unless it has the same tree and the same
    comments and stays as it is, it is withheld and an internal error (P022) is given instead.

    >>> format_source(Source("net.cnn", "let  a=1+2 # three"))
    ('let a = 1 + 2  # three\\n', [])
    """
    file, lexed, diagnostics = read(source)
    if has_errors(diagnostics):
        return None, diagnostics
    text = render(source, lexed)
    if fault := doubt(file, lexed, text):
        message = f"the formatter would have changed the program: {fault}"
        help = "the text is left as it is; please report this file as a bug of cnnlang"
        return None, [Diagnostic("P022", message, Span(source, 0, 0), help=help)]
    return text, diagnostics


def render(source: Source, lexed: Lexed) -> str:
    """The canonical text."""
    pieces = prepare(source, lexed)
    lines = Layout(source, pieces).run()
    separate(pieces, lines)
    padding = align(source, pieces, lines)
    return "".join(write(pieces, line, padding) for line in lines)


def write(pieces: list[Piece], line: Line, padding: dict[int, int]) -> str:
    """One line with the comments that belong to it."""
    first = pieces[line.first]
    lines = ["\n"] if line.blank else []
    deeper = STEP if first.kind in CLOSING else 0
    for number, (comment, blank) in enumerate(first.leading):
        lines.append("\n" if blank and number else "")
        lines.append(" " * (line.indent + deeper) + comment + "\n")
    if first.leading and first.blank and first.kind not in CLOSING and first.kind != "$END":
        lines.append("\n")
    if first.kind != "$END":
        text = "".join(spell(pieces, at, line, padding) for at in range(line.first, line.last + 1))
        trailing = pieces[line.last].trailing
        note = f"  {trailing}" if trailing is not None else ""
        lines.append(" " * line.indent + text + "," * line.comma + note + "\n")
    return "".join(lines)


def spell(pieces: list[Piece], at: int, line: Line, padding: dict[int, int]) -> str:
    """A piece with the blanks before it."""
    piece = pieces[at]
    blanks = (piece.space and at > line.first) + padding.get(at, 0)
    return " " * blanks + piece.text


def doubt(file: File, lexed: Lexed, text: str) -> str | None:
    """What is wrong with the formatted text, None if nothing is."""
    again = Source("formatted", text)
    copy, relexed, diagnostics = read(again)
    if diagnostics:
        return f"it no longer parses ({diagnostics[0].message})"
    if not same_meaning(file, copy):
        return "the tree differs"
    if comments(lexed) != comments(relexed):
        return "a comment is lost or moved"
    return None if render(again, relexed) == text else "a second run gives another text"


def comments(lexed: Lexed) -> list[str]:
    return [span.text.rstrip() for span in lexed.comments]
