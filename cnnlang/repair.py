"""Fixes that have been tried: applied to the text in memory, and checked again.

A candidate is kept if the mistake is gone and no other has come, but for what the mistake had
hidden. What is said of it is then true; where none is kept, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from cnnlang.diagnostics.model import Diagnostic, Edit, Fix, Severity, Source
from cnnlang.elaborate.files import Fetch
from cnnlang.elaborate.limits import STEPS, Budget
from cnnlang.records import dataclass, replace
from cnnlang.syntax import ast
from cnnlang.syntax.parser import parse

Inspect: TypeAlias = Callable[[Source, Fetch], tuple[list[Diagnostic], Budget]]
"""Everything that is wrong with a source, and what finding it took."""
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
    budget: Budget
    trials: int = TRIALS
    spent: int = 0

    def mended(self, each: Diagnostic) -> Diagnostic:
        """The diagnostic with the first candidate that mends it as its help and edits."""
        chosen = self.chosen(each)
        if chosen is None:
            return replace(explained(each), fixes=(), edits=(), safe=False)
        help = chosen.help or None
        return replace(each, fixes=(), edits=chosen.edits, help=help, safe=chosen.safe)

    def chosen(self, each: Diagnostic) -> Fix | None:
        """The first candidate after which nothing is new, or else nothing but what was hidden.

        Hidden is what could not be told because of the mistake, and what comes to light elsewhere
        with whichever candidate.
        """
        tried: list[tuple[Fix, set[Key]]] = []
        for fix in candidates(each):
            new = self.new(each, fix)
            if new is not None:
                tried.append((fix, new))
            if new == set():
                return fix
        always = set.intersection(*(new for _, new in tried)) if len(tried) > 1 else set()
        hidden = {error for error in always if error[1:] != key(each)[1:]}
        revealing = [
            (len(new), place)
            for place, (fix, new) in enumerate(tried)
            if all(
                error in hidden or (error[1:] != key(each)[1:] and self.is_muted(error, fix))
                for error in new
            )
        ]
        return tried[min(revealing)[1]][0] if revealing else None

    def new(self, each: Diagnostic, fix: Fix) -> set[Key] | None:
        """The errors that come with a fix, at the places of the text without it.

        None if the mistake is not gone, or too much was spent.
        After a mistake in the syntax only those in the syntax count; of a misspelt name that it
        stands for no such value.
        """
        spent = self.budget.used + self.spent
        if self.trials <= 0 or spent > STEPS or len(self.source.text) > LONGEST:
            return None
        self.trials -= 1
        left = self.left(each, edited(fix.edits))
        before = {moved(key(other), fix.edits) for other in errors(self.found)}
        after = {key(other) for other in errors(left)}
        mine = moved(key(each), fix.edits)
        if mine in after:
            return None
        if fix.safe and each.code in UNCOVERING:
            return after & {("A203", *mine[1:])}
        new = (other for other in after - before if other[0][0] == "P" or each.code[0] != "P")
        return {unmoved(other, fix.edits) for other in new}

    def left(self, each: Diagnostic, changed: Mapping[str, Source]) -> list[Diagnostic]:
        """What is wrong with the changed sources; of a mistake in the syntax, with their syntax."""
        if each.code.startswith("P"):
            return [error for source in changed.values() for error in parse(source)[1]]
        source = changed.get(self.source.name, self.source)
        left, budget = self.inspect(source, using(self.fetch, changed))
        self.spent += budget.used
        return left

    def is_muted(self, error: Key, fix: Fix) -> bool:
        """True if an error stands where nothing could be told, and not in what a fix changes."""
        _, name, at = error
        places = {(e.span.source.name, e.span.start, e.span.end) for e in fix.edits}
        if any(file == name and start <= at <= end for file, start, end in places):
            return False
        return any(file == name and start <= at <= end for file, start, end in self.budget.muted)


UNCOVERING = frozenset({"A202", "N101", "N103", "N106", "N110", "N114", "N121", "N124"})
"""Misspelt names: what depends on them was muted, and may be wrong by itself."""


def repaired(workshop: Workshop) -> list[Diagnostic]:
    """The errors with tried fixes in place of candidates. A correct file costs nothing."""
    found = workshop.found
    return [workshop.mended(e) if e.severity is Severity.ERROR else e for e in found]


def explained(each: Diagnostic) -> Diagnostic:
    """The diagnostic with its help as a note: it was not tried."""
    return replace(each, help=None, notes=(*each.notes, each.help)) if each.help else each


def candidates(each: Diagnostic) -> Iterator[Fix]:
    """The candidates of a diagnostic; edits that it comes with are one."""
    if each.edits:
        signs = each.code.startswith("P") and each.code != "P024"
        yield Fix(each.help or "", each.edits, each.safe or signs)
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


def unmoved(key: Key, edits: Sequence[Edit]) -> Key:
    """Where a diagnostic of the text with the edits would stand without them."""
    code, name, at = key
    here = (edit for edit in edits if edit.span.source.name == name)
    for edit in sorted(here, key=lambda each: each.span.start):
        start, end = edit.span.start, edit.span.end
        if start <= at:
            at = max(start, at - len(edit.text) + end - start)
    return code, name, at


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
