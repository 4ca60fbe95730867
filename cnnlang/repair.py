"""Fixes that have been tried: applied to the text in memory, and checked again.

A candidate is kept if the mistake is gone and no other has come. What is said of it is then true;
where none is kept, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from cnnlang.diagnostics.model import Diagnostic, Edit, Fix, Severity, Source
from cnnlang.elaborate.files import Fetch
from cnnlang.elaborate.limits import STEPS
from cnnlang.syntax import ast

Inspect: TypeAlias = Callable[[Source, Fetch], tuple[list[Diagnostic], int]]
"""Everything that is wrong with a source, and the steps that it took to find."""
Key: TypeAlias = tuple[str, str, int]
"""Code, file and offset: what makes two diagnostics of two versions of a text one."""

TRIALS = 40
"""Candidates that one run tries at most."""
LONGEST = 200_000
"""Characters of the longest text for which candidates are tried."""


@dataclass(slots=True)
class Workshop:
    """A source with what is wrong with it, and how to check it again; `spent` bounds the work."""

    source: Source
    fetch: Fetch
    inspect: Inspect
    found: list[Diagnostic]
    trials: int = TRIALS
    spent: int = 0

    def mended(self, each: Diagnostic) -> Diagnostic:
        """The diagnostic with the first candidate that mends it as its help and edits."""
        chosen = next((fix for fix in candidates(each) if self.succeeds(each, fix)), None)
        if chosen is None:
            return replace(explained(each), fixes=(), edits=(), safe=False)
        help = chosen.help or None
        return replace(each, fixes=(), edits=chosen.edits, help=help, safe=chosen.safe)

    def succeeds(self, each: Diagnostic, fix: Fix) -> bool:
        """True if the mistake is gone with the fix, and all that is left was there before."""
        if self.trials <= 0 or self.spent > STEPS or len(self.source.text) > LONGEST:
            return False
        self.trials -= 1
        changed = edited(fix.edits)
        source = changed.get(self.source.name, self.source)
        left, steps = self.inspect(source, using(self.fetch, changed))
        self.spent += steps
        before = {moved(key(other), fix.edits) for other in errors(self.found)}
        after = {key(other) for other in errors(left)}
        mine = moved(key(each), fix.edits)
        new = after - before
        if mine[0].startswith("P"):
            new = {other for other in new if other[0].startswith("P")}
        return mine not in after and (not new or (fix.safe and mine[0] in UNCOVERING))


UNCOVERING = frozenset({"A202", "N101", "N103", "N106", "N110", "N114", "N121", "N124"})
"""Misspelt names: what depends on them was muted, and may be wrong by itself."""


def repaired(
    source: Source, fetch: Fetch, inspect: Inspect, found: list[Diagnostic], spent: int
) -> list[Diagnostic]:
    """The errors with tried fixes in place of candidates. A correct file costs nothing."""
    workshop = Workshop(source, fetch, inspect, found, spent=spent)
    return [workshop.mended(e) if e.severity is Severity.ERROR else e for e in found]


def explained(each: Diagnostic) -> Diagnostic:
    """The diagnostic with its help as a note: it was not tried."""
    return replace(each, help=None, notes=(*each.notes, each.help)) if each.help else each


def candidates(each: Diagnostic) -> Iterator[Fix]:
    """The candidates of a diagnostic; edits that it comes with are one."""
    if each.edits:
        yield Fix(each.help or "", each.edits, each.safe or each.code.startswith("P"))
    yield from each.fixes


def errors(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [each for each in diagnostics if each.severity is Severity.ERROR]


def key(each: Diagnostic) -> Key:
    span = each.span
    return (each.code, span.source.name, span.start) if span else (each.code, "", 0)


# --- edits ---------------------------------------------------------------------------------------


def moved(key: Key, edits: Sequence[Edit]) -> Key:
    """Where a diagnostic stands once the edits are made."""
    code, name, at = key
    shift = sum(
        len(edit.text) - (edit.span.end - edit.span.start)
        for edit in edits
        if edit.span.source.name == name and edit.span.end <= at and edit.span.start <= at
    )
    inside = [e for e in edits if e.span.source.name == name and e.span.start < at < e.span.end]
    return code, name, (inside[0].span.start if inside else at) + shift


def edited(edits: Iterable[Edit]) -> dict[str, Source]:
    """The sources that edits change, as they are afterwards, by name."""
    by_source: dict[Source, list[Edit]] = {}
    for edit in edits:
        by_source.setdefault(edit.span.source, []).append(edit)
    return {source.name: applied(source, each) for source, each in by_source.items()}


def applied(source: Source, edits: Iterable[Edit]) -> Source:
    """The source with edits made that do not overlap.

    >>> from cnnlang.diagnostics.model import Span
    >>> net = Source("net.cnn", "conv(8, 3)")
    >>> applied(net, [Edit(Span(net, 5, 6), "16")]).text
    'conv(16, 3)'
    """
    text = source.text
    for edit in sorted(edits, key=lambda e: (e.span.start, e.span.end), reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return Source(source.name, text)


def using(fetch: Fetch, changed: Mapping[str, Source]) -> Fetch:
    """`fetch` with some sources changed."""

    def find(node: ast.Use) -> Source | str:
        found = fetch(node)
        return changed.get(found.name, found) if isinstance(found, Source) else found

    return find
