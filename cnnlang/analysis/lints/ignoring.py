"""`# ignore: L611 because ...`: lints that the author has looked at."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator
from itertools import accumulate
from math import inf

from cnnlang.analysis.lints.net import Net
from cnnlang.analysis.lints.report import order
from cnnlang.analysis.lints.rules import RULES, Finding, rule
from cnnlang.analysis.lints.selection import named, unknown
from cnnlang.diagnostics.model import Diagnostic, Edit, Source, Span
from cnnlang.graph import Graph
from cnnlang.records import dataclass
from cnnlang.syntax.brackets import Token
from cnnlang.syntax.lexical import scan

COMMENT = re.compile(r"#\s*ignore:(?P<words>[^#]*?)(?:\bbecause\b(?P<reason>[^#]*))?(?=#|$)")
WORD = re.compile(r"[^\s,]+")
ENDS = frozenset(("NEWLINE", "LBRACE", "RBRACE", "BAR", "$END"))
"""What ends a statement, or a part of one."""
Place = tuple[int, int]
UNUSED, UNREASONED, UNKNOWN = "L601", "L602", "L603"


@dataclass(frozen=True, eq=False, slots=True)
class Ignore:
    """A comment that turns some lints off for the statements on its line.

    `start` and `end` are the text that it covers; `words` are the codes and names with their
    places; `alone` is true if the comment says nothing else.
    """

    span: Span
    start: int
    end: int
    words: list[tuple[str, Span]]
    reason: str
    alone: bool


class Ignores:
    """The comments of a text that turn lints off, found by place; those at one place together.

    `used` are the codes for which there was something to turn off, by place.
    """

    def __init__(self, source: Source) -> None:
        self.comments = ignores(source)
        self.named: dict[Place, set[str]] = {}
        self.used: dict[Place, set[str]] = {}
        for each in self.comments:
            codes = {code for word, _ in each.words for code in named(word)}
            self.named.setdefault((each.start, each.end), set()).update(codes)
        self.places = sorted(self.named)
        self.ends = list(accumulate((end for _, end in self.places), max))

    def cover(self, each: Diagnostic) -> bool:
        """True for a finding that begins where a comment turns it off; it counts as used."""
        if each.span is None:
            return False
        start, found = each.span.start, False
        at = bisect_right(self.places, (start, inf)) - 1
        while at >= 0 and self.ends[at] > start:
            place = self.places[at]
            if start < place[1] and each.code in self.named[place]:
                self.used.setdefault(place, set()).add(each.code)
                found = True
            at -= 1
        return found


def settle(
    found: Iterable[Diagnostic], graphs: Collection[Graph], on: Collection[str], home: Source
) -> list[Diagnostic]:
    """The findings that no comment turns off, and what is wrong with the comments of the file."""
    by_source: dict[Source, Ignores] = {home: Ignores(home)}
    kept = []
    for each in found:
        source = each.span.source if each.span else home
        if source not in by_source:
            by_source[source] = Ignores(source)
        if not by_source[source].cover(each):
            kept.append(each)
    made = sorted(n.span.start for g in graphs for n in g.nodes if n.span.source.name == home.name)
    mine = by_source[home]
    for comment in mine.comments:
        used = mine.used.get((comment.start, comment.end), set())
        kept += [each for each in faults(comment, set(on), used, made) if each.code in on]
    return sorted(kept, key=order)


# --- the comments --------------------------------------------------------------------------------


def ignores(source: Source) -> list[Ignore]:
    """The comments of a text that turn lints off."""
    if "ignore:" not in source.text:
        return []
    lexed = scan(source)
    text = Text(source, lexed.tokens)
    return [read(text, span, m) for span in lexed.comments if (m := COMMENT.search(span.text))]


def read(text: Text, span: Span, match: re.Match[str]) -> Ignore:
    start, end = text.covered(span)
    words = [
        (word[0], Span(span.source, span.start + word.start(), span.start + word.end()))
        for word in WORD.finditer(span.text, match.start("words"), match.end("words"))
    ]
    alone = match.start() == 0
    return Ignore(span, start, end, words, (match["reason"] or "").strip(" .:,"), alone)


class Text:
    """The tokens of a text, to find the statements that a comment stands at."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        self.text = source.text
        self.tokens = tokens
        self.starts = [token.start for token in tokens]

    def covered(self, span: Span) -> tuple[int, int]:
        """What a comment covers: its line, or the next one with code where it stands alone.

        A statement that is broken over lines is covered whole.
        """
        line = self.text.rfind("\n", 0, span.start) + 1
        at = bisect_left(self.starts, span.start)
        if self.text[line : span.start].strip():
            first, last = bisect_left(self.starts, line), at - 1
        else:
            first = at + (self.tokens[at].kind == "NEWLINE")
            stop = self.text.find("\n", self.tokens[min(first, len(self.tokens) - 1)].start)
            last = bisect_left(self.starts, stop if stop >= 0 else len(self.text)) - 1
        return self.statement(first, max(first, last))

    def statement(self, first: int, last: int) -> tuple[int, int]:
        """The offsets of some tokens, and of those around them up to the ends of the statement."""
        first = min(first, len(self.tokens) - 1)
        while first > 0 and self.tokens[first - 1].kind not in ENDS:
            first -= 1
        while last < len(self.tokens) - 1 and self.tokens[last].kind not in ENDS:
            last += 1
        return self.tokens[first].start, self.tokens[min(last, len(self.tokens) - 1)].end


# --- what is wrong with them ---------------------------------------------------------------------


def faults(ignore: Ignore, on: set[str], used: set[str], made: list[int]) -> Iterator[Diagnostic]:
    """What is wrong with a comment.

    `used` are the lints that it turned off, `made` the places in order of which layers are made.
    """
    if not ignore.words:
        yield told(UNKNOWN, "`# ignore:` names no lint", ignore.span)
    elif not ignore.reason:
        yield told(UNREASONED, "`# ignore:` gives no reason", ignore.span)
    reached = bisect_left(made, ignore.start) < bisect_left(made, ignore.end)
    for word, span in ignore.words:
        codes = named(word)
        if not codes:
            yield told(UNKNOWN, stranger(word), span)
        elif reached and codes & on and not codes & used:
            message = f"`{word}` finds nothing here: there is nothing to ignore"
            yield told(UNUSED, message, span, gone(ignore))


def stranger(word: str) -> str:
    """What to say of a word that names no single lint."""
    if re.fullmatch(r"[A-Z][0-9]{3}", word) and not word.startswith("L"):
        return f"`{word}` is no lint: errors cannot be ignored"
    return unknown(word) or f"`{word}` is more than one lint: name the one that is meant"


def gone(ignore: Ignore) -> tuple[Edit, ...]:
    """The edit that takes a comment away, if it holds nothing else."""
    source, start, end = ignore.span.source, ignore.span.start, ignore.span.end
    if not ignore.alone or len(ignore.words) != 1:
        return ()
    line = source.text.rfind("\n", 0, start) + 1
    if source.text[line:start].strip():
        start = line + len(source.text[line:start].rstrip())
    else:
        start, end = line, min(end + 1, len(source.text))
    return (Edit(Span(source, start, end), ""),)


def told(code: str, message: str, span: Span, edits: tuple[Edit, ...] = ()) -> Diagnostic:
    rule = RULES[code]
    help = "take the comment out" if edits else HELP[code]
    return Diagnostic(
        code,
        message,
        span,
        notes=(rule.why,),
        help=help,
        edits=edits,
        severity=rule.severity,
        safe=bool(edits),
    )


HELP = {
    UNUSED: "take it out of the comment",
    UNREASONED: "write `# ignore: L611 because ...`",
    UNKNOWN: "write `# ignore: L611 because ...`, with a code or name from the reference",
}


@rule(
    UNUSED,
    "unused-ignore",
    why="a comment that turns nothing off hides the next mistake on its line",
    example="""
network N {
    input 8
    dense(2)  # ignore: L611 because the published weights have it
}
""",
)
def unused(net: Net) -> Iterator[Finding]:
    """A comment that turns off a lint that finds nothing there

    `# ignore:` names a rule that is on and finds nothing on a line of which some layer is made.
    """
    return iter(())  # found by `settle`


@rule(
    UNREASONED,
    "ignore-without-reason",
    why="who reads it later must know whether it still holds",
    example="""
network N {
    input 3x8x8
    conv(8, 3x3) -> batchnorm  # ignore: L611
}
""",
)
def unreasoned(net: Net) -> Iterator[Finding]:
    """A comment that turns off a lint and does not say why

    `# ignore:` without `because` and some words after it.
    """
    return iter(())  # found by `settle`


@rule(
    UNKNOWN,
    "unknown-ignore",
    why="the comment has no effect; only lints can be turned off, one by one",
    example="""
network N {
    input 8
    dense(2)  # ignore: bias-befor-norm because the published weights have it
}
""",
)
def unlisted(net: Net) -> Iterator[Finding]:
    """A comment that turns off something that is no lint

    `# ignore:` names no rule by its whole code or name.
    """
    return iter(())  # found by `settle`
