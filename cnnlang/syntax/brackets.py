"""The token stream as it grows: meaningful newlines only, brackets always balanced."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from cnnlang.diagnostics.model import Diagnostic, Edit, Related, Source, Span
from cnnlang.records import dataclass

NESTING = 200
REWINDS = 50
MOST = 500  # errors, after which a text is not taken for a program

CLOSERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE", "HOLE_OPEN": "HOLE_CLOSE"}
SPELLING = {
    "LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]",
    "LBRACE": "{", "RBRACE": "}", "HOLE_OPEN": "{", "HOLE_CLOSE": "}",
}  # fmt: skip

BRACKETS = frozenset(SPELLING)


def kinds(text: str) -> frozenset[str]:
    """A set of kinds of tokens, written as one text."""
    return frozenset(text.split())


ENDS_OPERAND = kinds("NAME NUMBER SIZE STRING TRUE FALSE RPAR RSQB")
STARTS_STATEMENT = kinds("NAME STRING LABEL_TEXT")
HIDES_NEXT_LINE = kinds("START ARROW LBRACE BAR COMMA")
HIDES_LAST_LINE = kinds("ARROW RBRACE $END")
NEVER_IN_BRACKETS = kinds(
    "LBRACE RBRACE ARROW BAR NETWORK BLOCK SHARED STACK RESIDUAL SHORTCUT REPEAT FOR LET FN "
    "DEFAULT USE FROM EXTERN REQUIRE HOLE_CLOSE $END"
)
ENDS_BRACKETS = kinds("ARROW BAR COLON")
TOP_LEVEL = kinds("NETWORK BLOCK USE EXTERN")
HEAVY = kinds(
    "OR AND NOT IF EQUALS UNEQUAL LESS LESS_EQUAL MORE MORE_EQUAL PLUS MINUS STAR SLASH FLOOR "
    "PERCENT POWER"
)
RESETS = kinds("COMMA ARROW COLON EQUAL BAR")


class Token(NamedTuple):
    """A word or sign: its kind, its text and its offsets."""

    kind: str
    text: str
    start: int
    end: int


made: Callable[[tuple[str, str, int, int]], Token] = partial(tuple.__new__, Token)
"""A token of its four values, made without a call into Python."""


@dataclass(slots=True)
class Frame:
    """An open bracket. `resume` is where its content looks like the next statement, if it does."""

    token: Token
    weight: int
    indent: int
    resume: tuple[int, int] | None = None


class Balance:
    """Takes tokens one by one and keeps the stream fit for the parser.

    A newline is emitted only where it ends a statement. A bracket that is not closed is reported
    and closed where it most likely should be: at the end of the line after which its content
    looks like a new statement, else just before the token that cannot stand in brackets.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens: list[Token] = []
        self.comments: list[Span] = []
        self.diagnostics: list[Diagnostic] = []
        self.frames: list[Frame] = []
        self.inside = False  # the innermost open bracket is not a brace
        self.pending = -1  # offset of the first newline since the last token
        self.line_start = 0
        self.indent = 0
        self.weight = 0  # depth of the tree that the text written so far stands for
        self.base = 0
        self.fatal = False
        self.rewinds = 0
        self.resume_at: int | None = None  # where scanning goes on, after a jump
        self.suspect: Token | None = None

    def emit(self, token: Token) -> None:
        """Add `token`, after the newline before it if that one counts."""
        if self.pending >= 0:
            self.settle(token)
        self.tokens.append(token)

    def settle(self, token: Token) -> None:
        """Decide what the newlines before `token` mean."""
        offset, self.pending = self.pending, -1
        self.indent = token.start - self.line_start
        previous = self.tokens[-1].kind if self.tokens else "START"
        if self.inside:
            self.notice(previous, token, offset)
            return
        if previous in HIDES_NEXT_LINE or token.kind in HIDES_LAST_LINE:
            return
        if previous == "RBRACE" and token.kind in ("ELSE", "SHORTCUT"):
            return
        self.weight = self.base
        self.tokens.append(Token("NEWLINE", "\n", offset, offset + 1))

    def notice(self, previous: str, token: Token, offset: int) -> None:
        """Remember the first line inside a bracket after which a statement may have begun."""
        if previous not in ENDS_OPERAND or token.kind not in STARTS_STATEMENT:
            return
        self.weight = self.base
        if self.frames[-1].resume is None:
            self.frames[-1].resume = len(self.tokens), offset

    # --- signs -----------------------------------------------------------------------------------

    def mark(self, token: Token) -> None:
        """Add a sign that is no bracket."""
        kind = token.kind
        if self.inside and kind in ENDS_BRACKETS and self.strays(token):
            return
        self.emit(token)
        if kind in RESETS:
            self.weight = self.base
        elif kind in HEAVY:
            self.burden(token)

    def strays(self, token: Token) -> bool:
        """Close the brackets that `token` shows to be open; True if the scan goes back."""
        if token.kind != "COLON":
            return self.guard(token)
        return any(frame.resume for frame in self.brackets()) and self.guard(token)

    # --- opening and closing ---------------------------------------------------------------------

    def open(self, token: Token) -> None:
        """Add an opening bracket."""
        if token.kind == "LBRACE" and self.inside and self.guard(token):
            return
        self.emit(token)
        self.frames.append(Frame(token, self.weight, self.indent))
        self.enter()
        self.burden(token)

    def enter(self) -> None:
        """Take note of what the innermost open bracket is now."""
        self.inside = bool(self.frames) and self.frames[-1].token.kind != "LBRACE"
        self.base = self.frames[-1].weight + 1 if self.frames else 0

    def burden(self, token: Token) -> None:
        """Count one level of the tree more; too many end the scan."""
        self.weight += 1
        if self.weight <= NESTING or self.fatal:
            return
        self.fatal = True
        message = f"this is nested more than {NESTING} levels deep"
        self.report("P012", message, token, help="give an inner part a name with `let` or `block`")

    def leave(self) -> Frame:
        """Forget the innermost open bracket, which has been closed."""
        frame = self.frames.pop()
        self.weight = frame.weight + 1
        self.enter()
        return frame

    def close(self, token: Token) -> None:
        """Add a `)` or `]`."""
        if self.inside and CLOSERS[self.frames[-1].token.kind] == token.kind:
            self.emit(token)
            self.leave()
        else:
            self.mend(token)

    def mend(self, token: Token) -> None:
        """Add a `)` or `]` that does not close the innermost open bracket."""
        wanted = self.brackets()
        if not wanted:
            self.stray(token, "no bracket is open here")
            return
        needed = CLOSERS[self.frames[-1].token.kind]
        if self.source.text[token.end : token.end + 1] == SPELLING[needed]:
            self.stray(token, f"`{SPELLING[needed]}` alone is needed here")
            return
        if all(CLOSERS[frame.token.kind] != token.kind for frame in wanted):
            self.mistake(token)
            token = token._replace(kind=needed)
        while CLOSERS[self.frames[-1].token.kind] != token.kind:
            self.supply(token)
        self.emit(token)
        self.leave()

    def stray(self, token: Token, label: str) -> None:
        """Report a closing bracket too many; the parser steps over it without a word."""
        span = self.span(token)
        message, edits = f"`{token.text}` closes nothing", (Edit(span, ""),)
        self.record(Diagnostic("P004", message, span, label, help="delete it", edits=edits))
        self.emit(Token("STRAY", "", token.start, token.end))

    def mistake(self, token: Token) -> None:
        """Report a bracket closed by one of another kind."""
        opener = self.frames[-1].token
        closer = SPELLING[CLOSERS[opener.kind]]
        line = self.source.position(opener.start)[0]
        span = self.span(token)
        self.record(
            Diagnostic(
                "P005",
                f"expected `{closer}` to close the `{opener.text}` at line {line}, "
                f"found `{token.text}`",
                span,
                f"write `{closer}` here",
                related=(Related(self.span(opener), f"this `{opener.text}` is open"),),
                edits=(Edit(span, closer),),
            )
        )

    def close_brace(self, token: Token) -> None:
        """Add a `}`; brackets that are still open inside it are closed first."""
        if self.inside and self.guard(token):
            return
        if not self.frames:
            self.stray(token, "no `{` is open here")
            return
        own_line = self.pending >= 0
        self.emit(token)
        frame = self.leave()
        if own_line and self.indent != frame.indent and self.suspect is None:
            self.suspect = frame.token

    def brackets(self) -> list[Frame]:
        """The open brackets above the innermost brace, outermost first."""
        at = len(self.frames)
        while at and self.frames[at - 1].token.kind not in ("LBRACE", "HOLE_OPEN"):
            at -= 1
        return self.frames[at:]

    # --- repairs ---------------------------------------------------------------------------------

    def guard(self, token: Token) -> bool:
        """Close the brackets that `token` cannot stand in; True if the scan jumps back instead."""
        for frame in self.brackets():
            if frame.resume and self.rewinds < REWINDS:
                self.rewind(frame)
                return True
        while self.brackets():
            self.supply(token)
        return False

    def supply(self, found: Token) -> None:
        """Close the innermost bracket just after the last token, and report it."""
        opener = self.frames[-1].token
        kind = CLOSERS[opener.kind]
        at = self.tokens[-1].end
        self.unclosed(opener, kind, at, found)
        self.tokens.append(Token(kind, "", at, at))
        self.leave()

    def unclosed(self, opener: Token, kind: str, at: int, found: Token | None) -> None:
        line, closer = self.source.position(opener.start)[0], SPELLING[kind]
        before = f" before `{found.text}`" if found and found.text else ""
        self.record(
            Diagnostic(
                "P003" if closer == "}" else "P002",
                f"expected `{closer}` to close the `{opener.text}` at line {line}{before}",
                Span(self.source, at, at),
                f"`{closer}` is missing here",
                related=(Related(self.span(opener), f"this `{opener.text}` is never closed"),),
                edits=(Edit(Span(self.source, at, at), closer),) if closer != "}" else (),
            )
        )

    def rewind(self, frame: Frame) -> None:
        """Close `frame` at the line where its content stops looking like its own, and rescan."""
        assert frame.resume is not None
        self.rewinds += 1
        index, offset = frame.resume
        del self.tokens[index:]
        self.forget(offset)
        while self.frames[-1] is not frame:
            self.frames.pop()
        self.pending = -1
        self.supply(Token("NEWLINE", "", offset, offset))
        self.resume_at = offset

    def forget(self, offset: int) -> None:
        """Drop what was recorded from `offset` on: it will be scanned again."""
        while self.comments and self.comments[-1].start >= offset:
            self.comments.pop()
        self.diagnostics = [d for d in self.diagnostics if d.span and d.span.start < offset]

    def separate(self, keyword: Token) -> None:
        """Close open braces before a definition that starts a line no deeper than they do."""
        if not self.frames or self.pending < 0:
            return
        if keyword.start - self.line_start <= self.frames[0].indent:
            self.complete(keyword)

    def resume(self, keyword: Token) -> None:
        """Close a body before an `else` or `shortcut` that begins a line where the body did."""
        begins = self.pending >= 0 and bool(self.frames) and not self.inside
        if not begins or self.tokens[-1].kind in ("LBRACE", "RBRACE"):
            return
        if keyword.start - self.line_start == self.frames[-1].indent:
            at = self.tokens[-1].end
            self.unclosed(self.frames[-1].token, "RBRACE", at, keyword)
            self.tokens.append(Token("RBRACE", "", at, at))
            self.leave()

    def complete(self, found: Token) -> None:
        """Close every open brace before `found`; one message tells of them all."""
        openers = [frame.token for frame in self.frames]
        if not openers:
            return
        blamed = self.suspect or openers[-1]
        at = self.tokens[-1].end
        self.unclosed(blamed, "RBRACE", at, found)
        for _ in openers:
            self.tokens.append(Token("RBRACE", "", at, at))
            self.leave()
        self.suspect = None

    # --- messages --------------------------------------------------------------------------------

    def span(self, token: Token) -> Span:
        return Span(self.source, token.start, token.end)

    def record(self, diagnostic: Diagnostic) -> None:
        """Add an error; with too many of them the scan ends."""
        self.diagnostics.append(diagnostic)
        if len(self.diagnostics) == MOST:
            self.fatal = True
            self.diagnostics.append(surfeit(diagnostic.span))

    def report(
        self, code: str, message: str, token: Token, label: str = "", help: str | None = None
    ) -> None:
        """Add an error at `token`."""
        self.record(Diagnostic(code, message, self.span(token), label, help=help))


def surfeit(span: Span | None) -> Diagnostic:
    """The last error of a text with too many."""
    message = f"there are more than {MOST} errors; the rest of the text was not read"
    return Diagnostic("P023", message, span)
