"""What is not of the language: signs of other languages, characters outside ASCII."""

from __future__ import annotations

import re
import unicodedata

from cnnlang.diagnostics.model import Diagnostic, Edit
from cnnlang.syntax.brackets import Balance, Token

# Signs of other languages: what is read instead, and what to tell the writer.
FOREIGN = {
    "=>": ("ARROW", "->", "layers are chained with `->`"),
    ":=": ("EQUAL", "=", "a value is given with `=`"),
    "&&": ("AND", "and", "conditions are joined with `and`"),
    "||": ("OR", "or", "conditions are joined with `or`"),
    "===": ("EQUALS", "==", "values are compared with `==`"),
    "!==": ("UNEQUAL", "!=", "values are compared with `!=`"),
    "!": ("NOT", "not ", "a condition is turned round with `not`"),
    "^": ("POWER", "**", "a power is written `**`"),
    "→": ("ARROW", "->", "layers are chained with `->`"),
    "≤": ("LESS_EQUAL", "<=", "write `<=`"),
    "≥": ("MORE_EQUAL", ">=", "write `>=`"),
    "≠": ("UNEQUAL", "!=", "write `!=`"),
    "−": ("MINUS", "-", "a minus is the sign `-` of the keyboard"),
}
TIMES = re.compile("[x×]((?:[0-9]+|[A-Z])(?:[x×](?:[0-9]+|[A-Z]))*)(?![A-Za-z0-9_])")
SINGLE = re.compile(r"'[^'\n]*'?")


class Strangers(Balance):
    """Reports such a sign once and reads on with what it most likely stands for."""

    text: str

    def alien(self, match: re.Match[str]) -> None:
        start = match.start("ALIEN")
        times = TIMES.match(self.text, start)
        if times and self.tokens and self.tokens[-1].end == start:
            self.times(times)
        elif match["ALIEN"] in FOREIGN:
            self.replace(match["ALIEN"], start)
        else:
            self.strange(start, match.end())

    def times(self, match: re.Match[str]) -> None:
        """Read `3×3` as `3x3`, and report it."""
        last = self.tokens.pop()
        text = last.text + match[0].replace("×", "x")
        if last.kind not in ("NUMBER", "SIZE") or not last.text.replace("x", "").isalnum():
            text = "1x1"
        token = Token("SIZE", text, last.start, match.end())
        message = f"`{clip(self.text[last.start : match.end()])}` is not a size"
        help = "sizes are joined by the letter `x`: `3x3`"
        edits = (Edit(self.span(token), text),)
        self.record(Diagnostic("P010", message, self.span(token), help=help, edits=edits))
        self.tokens.append(token)
        self.resume_at = token.end

    def strange(self, start: int, end: int) -> None:
        """Report a run with characters outside ASCII; letters are read as a name."""
        while self.text[end] > "\x7f" or self.text[end].isalnum() or self.text[end] == "_":
            end += 1
        token = Token("NAME", self.text[start:end], start, end)
        if not any(char.isalnum() for char in token.text):
            message = f"{describe(token.text)} cannot stand in a program"
            self.report("P006", message, token, help="it may stand in a string or a comment")
        else:
            help = "names are made of A-Z, a-z, 0-9 and _"
            self.report("P006", f"`{clip(token.text)}` is not a name", token, help=help)
            self.emit(token)
        self.resume_at = end

    def foreign(self, match: re.Match[str]) -> None:
        self.replace(match["FOREIGN"], match.start("FOREIGN"))

    def odd(self, match: re.Match[str]) -> None:
        """Read a single sign that the language does not have."""
        text, start = match["ODD"], match.start("ODD")
        if text == ";":
            self.semicolon(start)
        elif text == "'":
            self.single(start)
        else:
            self.replace(text, start)

    def replace(self, text: str, start: int) -> None:
        """Report a foreign sign and read on with what it stands for, if it is known."""
        token = Token("", text, start, start + len(text))
        if text not in FOREIGN:
            self.report("P014", f"`{text}` is not a sign of the language", token)
            return
        kind, instead, help = FOREIGN[text]
        edits = (Edit(self.span(token), instead),)
        message = f"`{text}` is not a sign of the language"
        self.record(Diagnostic("P014", message, self.span(token), help=help, edits=edits))
        self.mark(token._replace(kind=kind, text=instead.strip()))

    def semicolon(self, start: int) -> None:
        """Report a `;` and read it as a comma in brackets, as a new line elsewhere."""
        token = Token("COMMA" if self.inside else "", ";", start, start + 1)
        if self.inside:
            help = "arguments and items are separated by `,`"
            self.report("P014", "`;` does not separate arguments", token, help=help)
            self.mark(token)
            return
        help = "a statement ends with its line"
        self.report("P014", "`;` is not a sign of the language", token, help=help)
        self.pending = start if self.pending < 0 else self.pending

    def single(self, start: int) -> None:
        """Report a string in single quotes and read it as one in double quotes."""
        match = SINGLE.match(self.text, start)
        text = match[0] if match else "'"
        token = Token("STRING", text, start, start + len(text))
        help = 'strings are written `"..."`'
        self.report("P014", "a string stands in double quotes", token, help=help)
        self.emit(token._replace(text='""'))
        self.resume_at = token.end


def describe(text: str) -> str:
    """A run of characters in words: the name of the first, and how many more."""
    name = unicodedata.name(text[0], "control character").lower()
    name = "carriage return without a line feed" if text == "\r" else name
    more = f" and {len(text) - 1} more" if len(text) > 1 else ""
    return f"U+{ord(text[0]):04X} ({name}){more}"


def clip(text: str, longest: int = 40) -> str:
    """`text`, cut short if it is long."""
    return text if len(text) <= longest else text[: longest - 3] + "..."
