"""From text to tokens: words, numbers, strings, comments, and what cannot be in a program."""

from __future__ import annotations

import re

from cnnlang.diagnostics.model import Diagnostic, Edit, Source, Span
from cnnlang.records import dataclass
from cnnlang.syntax.brackets import (
    BRACKETS,
    CLOSERS,
    HEAVY,
    NEVER_IN_BRACKETS,
    TOP_LEVEL,
    Token,
    made,
)
from cnnlang.syntax.foreign import Strangers, clip, describe
from cnnlang.syntax.tables import lexicon

LONGEST = 16 * 1024 * 1024

# Control characters, a byte order mark, marks that reorder text on the screen, halves of pairs.
FORBIDDEN = re.compile(
    "(?:[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff"
    "\ud800-\udfff]|\r(?!\n))+"
)
HOLES = r"(?:\{[^{}\n\"#]{0,200}\}[A-Za-z0-9_]*){1,8}"
LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*" + HOLES + r"(?=[ \t]*:)")
PIECE = re.compile(r"\{([^{}]*)\}|(?:\\.|[^{])[^{]*")
TRAINING = re.compile(r"[ \t]*training[ \t]+[A-Za-z_]")
COLON_NEXT = re.compile(r"[ \t]*:")

SOFT = {"as": ("AS", "USE"), "of": ("OF", "INPUT"), "training": ("TRAINING", "OUTPUT")}
HEADS = frozenset(("USE", "INPUT", "OUTPUT"))


@dataclass(frozen=True)
class Lexed:
    """The tokens of a text, balanced and ended by `$END`, and its comments.

    `fatal` is True where the text cannot be parsed at all (too long, nested too deeply).
    """

    tokens: list[Token]
    comments: list[Span]
    diagnostics: list[Diagnostic]
    fatal: bool


def scan(source: Source) -> Lexed:
    """Cut `source` into tokens."""
    if len(source.text) > LONGEST:
        return Lexed([], [], [refuse(source)], True)
    return Scanner(source).scan()


def refuse(source: Source) -> Diagnostic:
    """The error for a text longer than any program."""
    size = len(source.text) / 1024 / 1024
    message = f"the text is too long: {size:.1f} Mi characters, at most 16 Mi are read"
    return Diagnostic("P013", message, Span(source, 0, 1))


class Scanner(Strangers):
    """Cuts the text with one pattern; every kind of match has its method."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.words = lexicon()
        self.keywords, self.signs = self.words.keywords, self.words.signs
        self.early: list[Diagnostic] = []
        self.text = self.clean(source.text) + "\n"
        self.head = ""
        self.handlers = {
            "NAME": self.name,
            "SIGN": self.sign,
            "SIZE": self.plain,
            "NUMBER": self.plain,
            "DIGITS": self.digits,
            "LINE": self.line,
            "STRING": self.string,
            "COMMENT": self.comment,
            "OPEN_STRING": self.open_string,
            "ALIEN": self.alien,
            "FOREIGN": self.foreign,
            "ODD": self.odd,
        }

    def scan(self) -> Lexed:
        """Scan the whole text, going back where a bracket turned out to be open."""
        at: int | None = None if self.fatal else 0
        while at is not None:
            at = self.sweep(at, len(self.text))
            if at is None:
                at = self.finish()
        return Lexed(self.tokens, self.comments, self.early + self.diagnostics, self.fatal)

    def sweep(self, at: int, end: int) -> int | None:
        """Scan from `at` to `end`, or to where a handler asks to go on from another place."""
        handlers = self.handlers
        for match in self.words.master.finditer(self.text, at, end):
            handlers[match.lastgroup or ""](match)
            if self.resume_at is not None or self.fatal:
                return self.jump()
        return None

    def jump(self) -> int | None:
        target, self.resume_at = self.resume_at, None
        return None if self.fatal else target

    def finish(self) -> int | None:
        """Close what is open at the end of the file; an offset if scanning goes on from there."""
        size = len(self.source.text)
        end = Token("$END", "", size, size)
        if self.inside and not self.fatal and self.guard(end):
            return self.jump()
        if not self.fatal:
            self.complete(end)
        self.pending = -1
        self.tokens.append(end)
        return None

    def clean(self, text: str) -> str:
        """Blank out the characters that no program can hold; one error for a run of them."""
        for match in FORBIDDEN.finditer(text):
            if self.fatal:
                break
            if match.start() == 0 and match[0] == "\ufeff":
                continue
            message = f"{describe(match[0])} cannot stand in a program"
            span = Span(self.source, match.start(), match.end())
            self.record(
                Diagnostic("P006", message, span, help="delete it", edits=(Edit(span, ""),))
            )
        self.early, self.diagnostics = self.diagnostics, []
        return FORBIDDEN.sub(lambda run: "\n" if run[0] == "\r" else " " * len(run[0]), text)

    # --- words and signs -------------------------------------------------------------------------

    def name(self, match: re.Match[str]) -> None:
        text, end = match["NAME"], match.end()
        start = end - len(text)
        kind = self.keywords.get(text)
        if kind is not None:
            self.keyword(Token(kind, text, start, end))
            return
        after = self.text[end]
        if after == "{" and (label := LABEL.match(self.text, start)):
            self.label(label.start(), label.end(), quoted=False)
        elif after > "\x7f":
            self.strange(start, end)
        else:
            kind = self.soften(text) if text in SOFT else "NAME"
            self.emit(made((kind, text, start, end)))

    def soften(self, text: str) -> str:
        """The kind of `as`, `of` or `training` where it stands."""
        kind, head = SOFT[text]
        if head != self.head or self.inside or not self.tokens or self.pending >= 0:
            return "NAME"
        previous = self.tokens[-1].kind
        if kind == "TRAINING":
            return kind if previous == head and self.named_next() else "NAME"
        if kind == "AS":
            return kind if previous == "NAME" else "NAME"
        return "NAME" if previous in (head, "COLON") else kind

    def named_next(self) -> bool:
        """True if a name follows the word that `soften` looks at."""
        start = self.tokens[-1].end
        return TRAINING.match(self.text, start) is not None

    def keyword(self, token: Token) -> None:
        kind = token.kind
        if self.inside and (kind in NEVER_IN_BRACKETS or self.begins(kind)) and self.guard(token):
            return
        if kind in TOP_LEVEL:
            self.separate(token)
        elif kind in ("ELSE", "SHORTCUT"):
            self.resume(token)
        self.emit(token)
        if kind in HEADS:
            self.head = kind
        if kind in HEAVY:
            self.burden(token)

    def begins(self, kind: str) -> bool:
        """True for `input` and `output` at the start of a line: a statement, not a value."""
        return self.pending >= 0 and kind in ("INPUT", "OUTPUT")

    def sign(self, match: re.Match[str]) -> None:
        text, end = match["SIGN"], match.end()
        kind = self.signs[text]
        token = made((kind, text, end - len(text), end))
        if kind not in BRACKETS:
            self.mark(token)
        elif kind in CLOSERS:
            self.head = "" if kind == "LBRACE" else self.head
            self.open(token)
        elif kind == "RBRACE":
            self.close_brace(token)
        else:
            self.close(token)

    # --- literals --------------------------------------------------------------------------------

    def plain(self, match: re.Match[str]) -> None:
        kind = match.lastgroup or ""
        text, end = match[kind], match.end()
        self.emit(made((kind, text, end - len(text), end)))

    def digits(self, match: re.Match[str]) -> None:
        """Report a word that begins like a number; it is read as the number 1."""
        text, end = match["DIGITS"], match.end()
        token = Token("NUMBER", "1", end - len(text), end)
        self.emit(token)
        if re.fullmatch(r"[0-9]+x[0-9A-Za-z]*", text):
            help = "a size is numbers or single capital letters joined by `x`: `3x3`, `3xHxW`"
            self.report("P010", f"`{clip(text)}` is not a size", token, help=help)
            return
        help = "a name begins with a letter; a number may end in K, M, G, T, KiB, MiB, GiB or TiB"
        self.report("P009", f"`{clip(text)}` is neither a number nor a name", token, help=help)

    def string(self, match: re.Match[str]) -> None:
        text, end = match["STRING"], match.end()
        start = end - len(text)
        if "\\" in text:
            self.check_escapes(text, start)
        if "{" in text and COLON_NEXT.match(self.text, end) and not self.inside:
            self.label(start, end, quoted=True)
            return
        self.emit(Token("STRING", text, start, end))

    def check_escapes(self, text: str, start: int) -> None:
        for match in re.finditer(r"\\(.)", text):
            if match[1] in '"\\n':
                continue
            token = Token("", match[0], start + match.start(), start + match.end())
            help = 'an escape is `\\"`, `\\\\` or `\\n`'
            self.report("P008", f"`{match[0]}` is not an escape", token, help=help)

    def open_string(self, match: re.Match[str]) -> None:
        """Report a string without its end; it takes the rest of its line."""
        end = match.end()
        start = match.start("OPEN_STRING")
        token = Token("STRING", '""', start, end)
        self.report("P007", "this string is not closed on its line", token, 'expected `"`')
        self.emit(token)
        while self.brackets() and self.brackets()[-1].token.start >= self.line_start:
            self.tokens.append(Token(self.closer(), "", end, end))
            self.leave()

    def closer(self) -> str:
        return {"LPAR": "RPAR", "LSQB": "RSQB"}[self.frames[-1].token.kind]

    def label(self, start: int, end: int, *, quoted: bool) -> None:
        """Add a label with holes: its text in pieces, the tokens of its expressions between."""
        inset = 1 if quoted else 0
        for match in PIECE.finditer(self.text, start + inset, end - inset):
            if match[1] is None:
                text = '"' + match[0] if quoted else match[0]
                self.emit(Token("LABEL_TEXT", text, match.start(), match.end()))
            else:
                self.hole(match.start(), match.end(), '"{' if quoted else "{")
        self.resume_at = end

    def hole(self, start: int, end: int, text: str) -> None:
        """Add `{expression}` inside a label."""
        self.open(Token("HOLE_OPEN", text, start, start + 1))
        at: int | None = start + 1
        while at is not None:
            at = self.sweep(at, end - 1)
        while self.brackets():
            self.supply(Token("HOLE_CLOSE", "}", end - 1, end))
        self.emit(Token("HOLE_CLOSE", "}", end - 1, end))
        self.leave()

    # --- lines and comments ----------------------------------------------------------------------

    def line(self, match: re.Match[str]) -> None:
        if self.pending < 0:
            self.pending = match.start("LINE")
        self.line_start = match.end()
        if not self.inside:
            self.head = ""

    def comment(self, match: re.Match[str]) -> None:
        self.comments.append(Span(self.source, match.start("COMMENT"), match.end()))
