"""The words of a syntax error: what was found, what was expected, and what to do."""

from __future__ import annotations

from collections.abc import Callable

from cnnlang.diagnostics.model import Diagnostic, Edit, Related, Source, Span
from cnnlang.diagnostics.suggest import is_slip, nearest
from cnnlang.records import dataclass
from cnnlang.syntax.brackets import CLOSERS, SPELLING, Token, kinds
from cnnlang.syntax.tables import lexicon

SHAPES = {
    "NETWORK": "a network is written `network Name { ... }` or `network Name = Base(...)`",
    "BLOCK": "a block is written `block Name(parameters) { ... }`",
    "USE": 'a use is written `use Name from "file.cnn"` or `use Name from std.resnet`',
    "EXTERN": 'an extern is written `extern Name: [C, H, W] -> [C, H, W] from "package:Class"`',
    "LET": "a let is written `let name = value`",
    "FN": "a function is written `fn name(parameters) = value`",
    "DEFAULT": "a default is written `default conv(bias=false)`",
    "INPUT": "an input is written `input 3x224x224` or `input name: 3x224x224`",
    "OUTPUT": "an output is written `output name, name`",
    "REQUIRE": "a requirement is written `require params <= 5M`",
    "SHARED": "a shared piece is written `shared name { ... }` or `shared name = Block(...)`",
    "REPEAT": "a repetition is written `repeat 3 { ... }`",
    "FOR": "a loop is written `for name in values { ... }`",
    "IF": "a choice is written `if condition { ... } else { ... }`",
    "STACK": "a stack is written `stack { ... }`",
    "RESIDUAL": "a residual is written `residual { ... }` or `residual { ... } shortcut { ... }`",
}
DEFINITIONS = ("network", "block", "use", "extern", "let", "fn", "default")
ELSE_IF = ("elif", "elseif", "elsif")
STATEMENTS = (
    "input", "output", "shared", "stack", "residual", "repeat",
    "for", "if", "let", "fn", "default", "require",
)  # fmt: skip
OPERATORS = kinds(
    "OR AND NOT EQUALS UNEQUAL LESS LESS_EQUAL MORE MORE_EQUAL PLUS MINUS STAR SLASH FLOOR "
    "PERCENT POWER EQUAL IF IN"
)
EXPECTED = {
    "LBRACE": "`{`", "LPAR": "`(`", "EQUAL": "`=`", "COLON": "`:`",
    "IN": "`in`", "FROM": "`from`", "DOT": "`.`",
}  # fmt: skip
JOINS = {"PLUS": "add", "MINUS": "subtract", "STAR": "multiply", "SLASH": "divide"}
"""Signs between numbers, and the layers that do the same with tensors."""
ENDS = {"NEWLINE": "the end of the line", "$END": "the end of the file"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Where the parser stopped: the token found, its neighbours, and what encloses them.

    `head` is the token that begins the unfinished statement, `opener` the bracket open in it.
    """

    source: Source
    before: Token | None
    found: Token
    after: Token
    head: Token | None
    opener: Token | None
    accepts: Callable[[str], bool]

    @property
    def span(self) -> Span:
        """The token found; at the end of a line, the place where it ends."""
        if self.found.kind in ENDS:
            at = self.before.end if self.before else self.found.start
            return Span(self.source, at, at)
        return Span(self.source, self.found.start, self.found.end)

    @property
    def named(self) -> str:
        """The token found, in words."""
        return ENDS.get(self.found.kind) or quote(self.found)

    @property
    def shape(self) -> str | None:
        """How the statement at hand is written."""
        return SHAPES.get(self.head.kind) if self.head else None

    @property
    def is_outside(self) -> bool:
        """True where a definition of the file would begin."""
        return self.head is None and self.accepts("NETWORK")

    @property
    def is_reserved(self) -> bool:
        return self.found.text in lexicon().keywords


def quote(token: Token) -> str:
    text = token.text if len(token.text) <= 40 else token.text[:37] + "..."
    return f"`{text}`"


def explain(trouble: Trouble) -> Diagnostic:
    """The message for a token that cannot stand where it does."""
    for rule in RULES:
        if (diagnostic := rule(trouble)) is not None:
            return diagnostic
    return unexpected(trouble)


def misplaced(t: Trouble) -> Diagnostic | None:
    """A definition inside braces, an `else` without its `if`."""
    if t.found.text in ("network", "block", "use", "extern") and t.head is None:
        message = f"`{t.found.text}` stands inside braces"
        help = "it belongs at the top of the file, outside every `{ ... }`"
        return Diagnostic("P018", message, t.span, help=help)
    if t.found.text in ("else", "shortcut"):
        article, owner = ("an", "if") if t.found.text == "else" else ("a", "residual")
        message = f"`{t.found.text}` does not follow {article} `{owner}`"
        help = f"`{t.found.text}` stands right after the `}}` of `{owner} ... {{ ... }}`"
        return Diagnostic("P018", message, t.span, help=help)
    return None


def outside(t: Trouble) -> Diagnostic | None:
    """A statement at the top of the file, or a definition whose first word is misspelt."""
    if not t.is_outside:
        return None
    meant = nearest(t.found.text, DEFINITIONS) if t.found.kind == "NAME" else None
    if meant and t.after.kind == "NAME":
        return suggest(t, t.found, meant)
    message = f"expected a definition, found {t.named}"
    help = "layers and statements stand inside `network Name { ... }` or `block Name { ... }`"
    return Diagnostic("P018", message, t.span, help=help)


def misspelt(t: Trouble) -> Diagnostic | None:
    """A statement whose first word is nearly a reserved one: `reapeat 3 { ... }`."""
    if t.found.text in ELSE_IF and t.before is not None and t.before.kind == "RBRACE":
        return suggest(t, t.found, "else if")
    if t.head is None or t.head is not t.before or t.head.kind != "NAME" or t.found.kind in ENDS:
        return None
    meant = nearest(t.head.text, STATEMENTS)
    return suggest(t, t.head, meant) if meant and meant != t.head.text else None


def suggest(t: Trouble, word: Token, meant: str) -> Diagnostic:
    span = Span(t.source, word.start, word.end)
    message = f"`{word.text}` does not begin a definition or statement"
    help = f"did you mean `{meant}`?"
    safe = word.text in ELSE_IF or is_slip(word.text, meant, (*DEFINITIONS, *STATEMENTS))
    return Diagnostic("P024", message, span, help=help, edits=(Edit(span, meant),), safe=safe)


def reserved(t: Trouble) -> Diagnostic | None:
    """A reserved word where a name belongs."""
    if t.before is None or t.before.kind == "COMMA":
        return None
    same_line = "\n" not in t.source.text[t.before.end : t.found.start]
    if not (t.is_reserved and same_line and t.accepts("NAME")):
        return None
    message = f"`{t.found.text}` is a reserved word and cannot be a name"
    return Diagnostic("P011", message, t.span, "choose another name", help=t.shape)


def mixed(t: Trouble) -> Diagnostic | None:
    """`=` for `==`, `:` for `=`, and a `:` before a brace."""
    pairs = (("EQUAL", "EQUALS", "=="), ("COLON", "EQUAL", "="), ("EQUALS", "EQUAL", "="))
    if t.found.kind == "COLON" and t.after.kind in ("LBRACE", "NEWLINE"):
        help = "a group begins with `{`, without a `:`"
        return Diagnostic("P021", "expected `{`, found `:`", t.span, help=help)
    for kind, needed, text in pairs:
        if t.found.kind == kind and t.accepts(needed):
            what = "a comparison is written with" if text == "==" else "a value is given with"
            message = f"expected `{text}`, found {t.named}"
            edits = (Edit(t.span, text),)
            return Diagnostic("P021", message, t.span, help=f"{what} `{text}`", edits=edits)
    return None


def missing(t: Trouble) -> Diagnostic | None:
    """A value, a layer or a name that should stand here."""
    what = needed(t)
    if t.before is None or what is None:
        return None
    if t.before.kind == "NEWLINE" or (t.before.kind == "LBRACE" and t.head is None):
        return None
    message = f"expected {what} after `{t.before.text}`, found {t.named}"
    help = None if t.before.kind in OPERATORS | {"ARROW"} else t.shape
    return Diagnostic("P015", message, t.span, help=help)


def needed(t: Trouble) -> str | None:
    """What may stand here, if it is one thing."""
    if t.accepts("NUMBER"):
        return "a value"
    if t.accepts("STACK"):
        return "a layer" if t.before and t.before.kind != "BAR" else "a branch"
    if t.accepts("NAME"):
        return "a name"
    return 'a string in `"`' if t.accepts("STRING") else None


def separated(t: Trouble) -> Diagnostic | None:
    """A comma missing between arguments or items."""
    if t.opener is None or not t.accepts("COMMA"):
        return None
    closer = SPELLING[CLOSERS[t.opener.kind]]
    opened = Span(t.source, t.opener.start, t.opener.end)
    related = (Related(opened, f"inside this `{t.opener.text}`"),)
    message = f"expected `,` or `{closer}` before {t.named}"
    if t.before is None or t.found.kind in ENDS:
        return Diagnostic("P020", message, t.span, related=related)
    edits = (Edit(Span(t.source, t.before.end, t.before.end), ","),)
    help = "arguments and items are separated by `,`"
    return Diagnostic("P020", message, t.span, related=related, help=help, edits=edits)


def framed(t: Trouble) -> Diagnostic | None:
    """The sign that the form of a statement needs next."""
    words = [text for kind, text in EXPECTED.items() if t.accepts(kind)]
    if t.shape is None or not words or t.accepts("NEWLINE"):
        return None
    if t.found.kind == "NEWLINE" and t.after.kind == "LBRACE" and "`{`" in words:
        help = "the `{` stands on the line that it belongs to"
        return Diagnostic("P001", "expected `{` before the end of the line", t.span, help=help)
    message = f"expected {join(words)}, found {t.named}"
    return Diagnostic("P001", message, t.span, help=t.shape)


def ended(t: Trouble) -> Diagnostic | None:
    """Something behind a whole statement."""
    if not t.accepts("NEWLINE"):
        return None
    if t.found.kind in ("NAME", "STACK", "RESIDUAL") and t.accepts("ARROW"):
        help = "layers of one line are chained with `->`"
        message = f"expected `->` or a new line before {t.named}"
        return Diagnostic("P020", message, t.span, help=help)
    if t.found.kind == "EQUAL" and t.before is t.head and t.before is not None:
        help = f"a name gets its value with `let {t.before.text} = ...`"
        return Diagnostic("P001", "`=` cannot stand in a chain", t.span, help=help)
    if t.found.text in STATEMENTS:
        return Diagnostic("P020", f"expected a new line before {t.named}", t.span)
    message = f"expected the end of the statement, found {t.named}"
    if t.found.kind in JOINS and t.after.kind == "NAME":
        merge = JOINS[t.found.kind]
        help = f"tensors are joined by a layer: `{merge}({t.after.text})`"
        return Diagnostic("P001", message, t.span, help=help)
    return Diagnostic("P001", message, t.span, help=t.shape)


def unexpected(t: Trouble) -> Diagnostic:
    words = [text for kind, text in EXPECTED.items() if t.accepts(kind)]
    closers = [f"`{sign}`" for kind, sign in SPELLING.items() if sign in ")]" and t.accepts(kind)]
    if found := join((words + closers)[:3]):
        return Diagnostic("P001", f"expected {found}, found {t.named}", t.span, help=t.shape)
    return Diagnostic("P001", f"{t.named} cannot stand here", t.span, help=t.shape)


def join(words: list[str]) -> str:
    """Words as a person lists alternatives: `a, b or c`."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


RULES: tuple[Callable[[Trouble], Diagnostic | None], ...] = (
    misplaced,
    outside,
    mixed,
    reserved,
    misspelt,
    missing,
    separated,
    framed,
    ended,
)
