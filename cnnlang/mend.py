"""A whole file mended: fixes are applied as long as that makes it better."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from cnnlang.compilation import check_source
from cnnlang.diagnostics.model import Diagnostic, Edit, Source, has_errors
from cnnlang.elaborate.files import Fetch
from cnnlang.records import dataclass
from cnnlang.repair import UNCOVERING, applied, errors, key, moved
from cnnlang.syntax.ast import File
from cnnlang.syntax.compare import same_meaning
from cnnlang.syntax.lexical import Lexed
from cnnlang.syntax.parser import read

ROUNDS = 20
"""How often a file is checked and fixed anew at most."""


@dataclass(frozen=True, slots=True)
class Mended:
    """A source after fixing: how many mistakes were fixed, and what is left."""

    source: Source
    fixed: int
    left: list[Diagnostic]


def mend(
    source: Source, fetch: Fetch, *, unsafe: bool = False, lints: Collection[str] = frozenset()
) -> Mended:
    """The source with its safe fixes applied, and with `unsafe` the others too.

    Every round applies what does not overlap and checks again. A round that would add an error,
    touch a definition in which nothing is fixed, or lose a comment is tried fix by fix, and what
    does harm is left out. A misspelt name may have hidden errors, so that there are more after
    it is mended; unless further rounds fix these, it is left too: no file comes out worse.
    """
    state = best = Mended(source, 0, check_source(source, fetch, lints))
    for _ in range(ROUNDS):
        after = step(state, fetch, unsafe, lints)
        if after is None:
            break
        state = after
        if len(errors(state.left)) <= len(errors(best.left)):
            best = state
    return best


def is_ours(each: Diagnostic, source: Source) -> bool:
    """True if a fix changes this file alone."""
    return bool(each.edits) and all(edit.span.source is source for edit in each.edits)


def apart(diagnostics: Iterator[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics whose edits do not overlap those of an earlier one."""
    taken: list[Edit] = []
    chosen = []
    for each in diagnostics:
        if not any(overlap(edit, other) for edit in each.edits for other in taken):
            taken += each.edits
            chosen.append(each)
    return chosen


def overlap(a: Edit, b: Edit) -> bool:
    """True if two edits touch: of insertions at one place, the order would be a guess."""
    return a.span.start <= b.span.end and b.span.start <= a.span.end


def step(state: Mended, fetch: Fetch, unsafe: bool, lints: Collection[str]) -> Mended | None:
    """The state after all fixes at once, or else after the first that can be applied alone."""
    source = state.source
    chosen = apart(d for d in state.left if is_ours(d, source) and (d.safe or unsafe))
    singly = [[each] for each in chosen] if len(chosen) > 1 else []
    for group in filter(None, [chosen, *singly]):
        edits = [edit for each in group for edit in each.edits]
        changed = applied(source, edits)
        after = Mended(changed, state.fixed + len(group), check_source(changed, fetch, lints))
        if helps(state, after, group, edits) and is_faithful(source, changed, edits):
            return after
    return None


def helps(
    before: Mended, after: Mended, group: Sequence[Diagnostic], edits: Sequence[Edit]
) -> bool:
    """True if what was to be fixed is gone, and nothing is new but what a name has hidden."""
    gone = {moved(key(each), edits) for each in group}
    hiding = all(each.code in UNCOVERING or each.code.startswith("P") for each in group)
    fewer = len(errors(after.left)) <= len(errors(before.left))
    return gone.isdisjoint(map(key, after.left)) and (fewer or hiding)


def is_faithful(before: Source, after: Source, edits: Sequence[Edit]) -> bool:
    """True if comments, and definitions in which nothing is edited, are what they were."""
    tree, lexed, broken = read(before)
    copy, relexed, _ = read(after)
    if comments(lexed, edits) != comments(relexed, ()):
        return False
    return has_errors(broken) or untouched(tree, copy, edits)


def comments(lexed: Lexed, edits: Sequence[Edit]) -> list[str]:
    """The comments of a text, those that are edited left out."""
    kept = (c for c in lexed.comments if not any(overlap(e, Edit(c, "")) for e in edits))
    return [comment.text for comment in kept]


def untouched(tree: File, copy: File, edits: Sequence[Edit]) -> bool:
    """True if every definition without an edit still says the same."""
    if len(tree.definitions) != len(copy.definitions):
        return False
    return all(
        any(overlap(edit, Edit(a.span, "")) for edit in edits) or same_meaning(a, b)
        for a, b in zip(tree.definitions, copy.definitions, strict=True)
    )
