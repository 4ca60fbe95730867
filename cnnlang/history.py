"""What earlier checks found: a network that still says what it said is not unfolded again.

The outcome for a network depends on its own text and on the texts of what it names, directly or
through others; on every `use`, `let` and `default`; on the files that are used; on the input
shapes set from outside. As long as all of these are the same, the outcome is, wherever in the file
they stand. Only networks without an error are kept: what is said of an error names other things of
the file. What a note says of lines holds while no part of the network has moved to another line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from hashlib import sha256
from typing import TypeAlias

from cnnlang.analysis.lints import lint
from cnnlang.compilation import Checks
from cnnlang.diagnostics.model import Diagnostic, Related, Source, Span, has_errors
from cnnlang.elaborate.files import Program
from cnnlang.elaborate.limits import STEPS
from cnnlang.elaborate.networks import Settings
from cnnlang.elaborate.values import NetworkValue
from cnnlang.graph import Graph
from cnnlang.records import dataclass, field, replace
from cnnlang.syntax import ast
from cnnlang.syntax.parser import parse

ROOM = 2_000_000
"""What all that is kept may cost, in steps taken and characters read."""
LARGEST = STEPS // 8
"""Steps of the largest network that is kept: it never comes near the limit, whatever precedes."""
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Key: TypeAlias = tuple[object, ...]
Muted: TypeAlias = set[tuple[str, int, int]]


@dataclass(frozen=True, slots=True)
class Part:
    """A definition that a network depends on, and where it stands."""

    text: str
    start: int
    line: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found of a network, and which lints find nothing in it."""

    parts: tuple[Part, ...]
    found: tuple[Diagnostic, ...]
    muted: Muted
    steps: int
    quiet: set[str]


@dataclass(eq=False, slots=True)
class History:
    """The outcomes of the networks checked last, for one file or several; bounded in size."""

    outcomes: dict[Key, Outcome] = field(default_factory=dict)
    words: dict[str, frozenset[str]] = field(default_factory=dict)
    whole: dict[str, bool] = field(default_factory=dict)
    cost: int = 0

    def begin(self, program: Program, settings: Settings, found: list[Diagnostic]) -> Checks:
        """The networks of a program, `found` in opening it."""
        for cache in (self.words, self.whole):
            if sum(map(len, cache)) > ROOM:
                cache.clear()
        plain = not settings.parameters and settings.written is None
        cut = any(each.code.startswith("E") for each in found)
        return Recalled(program, settings, self) if plain and not cut else Checks(program, settings)

    def recall(self, key: Key) -> Outcome | None:
        """What is known under a key, which counts as used last."""
        known = self.outcomes.pop(key, None)
        if known is not None:
            self.outcomes[key] = known
        return known

    def keep(self, key: Key, outcome: Outcome) -> None:
        """Keep an outcome, and forget those that were used longest ago where room is short."""
        self.forget(key)
        self.outcomes[key] = outcome
        self.cost += cost(outcome)
        while self.cost > ROOM:
            self.forget(next(iter(self.outcomes)))

    def forget(self, key: Key) -> None:
        known = self.outcomes.pop(key, None)
        self.cost -= cost(known) if known else 0

    def names(self, text: str) -> frozenset[str]:
        """The words of a text, and its capital letters: `H` is a name in `3xH`."""
        if text not in self.words:
            capitals = (letter for letter in text if "A" <= letter <= "Z")
            self.words[text] = frozenset((*WORD.findall(text), *capitals))
        return self.words[text]

    def is_whole(self, text: str) -> bool:
        """True for one definition that is read as it stands, without an error of syntax."""
        if text not in self.whole:
            file, errors = parse(Source("", text))
            self.whole[text] = not errors and len(file.definitions) == 1
        return self.whole[text]


def digest(text: str) -> bytes:
    """What stands for a text, which need not be kept."""
    return sha256(text.encode(errors="surrogatepass")).digest()


def cost(outcome: Outcome) -> int:
    return outcome.steps + sum(len(part.text) for part in outcome.parts)


class Recalled(Checks):
    """The networks of a program, those left out that are known."""

    def __init__(self, program: Program, settings: Settings, history: History) -> None:
        super().__init__(program, settings)
        self.history = history
        self.definitions = program.definitions
        self.texts = [node.span.text for node in self.definitions]
        self.homes: dict[str, list[int]] = {}
        for at, node in enumerate(self.definitions):
            if not isinstance(node, ast.Use):
                self.homes.setdefault(node.name, []).append(at)
        always = (ast.Use, ast.Let, ast.Default)
        self.always = self.reached(
            at for at, node in enumerate(self.definitions) if isinstance(node, always)
        )
        others = tuple((f.source.name, digest(f.source.text)) for f in self.others())
        self.outside = (program.source.name, repr(settings.shapes), others)
        self.needs: dict[str, list[int]] = {}
        self.keys: dict[str, Key] = {}

    def others(self) -> list[Program]:
        """The files that are used."""
        home = self.program.source.name
        return [file for name, file in self.program.files.items() if name != home]

    def reached(self, first: Iterable[int]) -> set[int]:
        """Some definitions, and those that they name, directly or through others."""
        todo, found = list(first), set()
        while todo:
            at = todo.pop()
            if at not in found:
                found.add(at)
                todo += [
                    n for w in self.history.names(self.texts[at]) for n in self.homes.get(w, ())
                ]
        return found

    def look(self, network: NetworkValue) -> list[Diagnostic]:
        """What is wrong with a network, from memory if it is known."""
        self.looked.append(network)
        budget = network.budget
        if budget.steps < STEPS // 2 or not self.traced(network):
            return self.compile(network)
        known = self.history.recall(self.keys[network.name])
        if known is not None and self.holds(known, network):
            budget.steps -= known.steps
            found, muted = self.placed(known, network)
            budget.muted |= muted
            return found
        return self.learn(network)

    def traced(self, network: NetworkValue) -> bool:
        """Work out what a network depends on; false if that cannot be said for certain."""
        at = next(i for i, node in enumerate(self.definitions) if node is network.definition)
        needs = sorted(self.always | self.reached((at,)))
        if not all(map(self.is_sure, needs)):
            return False
        self.needs[network.name] = needs
        texts = tuple(self.texts[i] for i in needs)
        self.keys[network.name] = (network.name, *self.outside, texts)
        return True

    def is_sure(self, at: int) -> bool:
        """True for a definition that its text says whole: no error of syntax touches it."""
        if not has_errors(self.program.diagnostics):
            return True
        name, span = self.program.source.name, self.definitions[at].span
        lines = range(span.line, span.end_line + 1)
        touched = any(file == name and line in lines for file, line in self.program.budget.unread)
        return not touched and self.history.is_whole(self.texts[at])

    def learn(self, network: NetworkValue) -> list[Diagnostic]:
        """What is wrong with a network, kept for later checks."""
        budget = network.budget
        steps, muted = budget.steps, budget.muted
        budget.muted = set()
        found = self.compile(network)
        told = tuple(moved(each, bare) for each in found)
        outcome = Outcome(self.parts(network), told, budget.muted, steps - budget.steps, set())
        budget.muted = muted | budget.muted
        if outcome.steps <= LARGEST and not has_errors(found) and self.is_movable(outcome):
            self.history.keep(self.keys[network.name], outcome)
        return found

    def parts(self, network: NetworkValue) -> tuple[Part, ...]:
        spans = [self.definitions[at].span for at in self.needs[network.name]]
        return tuple(Part(span.text, span.start, span.line) for span in spans)

    # --- places that have moved ------------------------------------------------------------------

    def is_movable(self, outcome: Outcome) -> bool:
        """True if all that was found stands in the parts of the network, and proposes no edits."""
        spans = [span for each in outcome.found for span in spans_of(each)]
        places = [(span.source.name, span.start) for span in spans]
        places += [(name, start) for name, start, _ in outcome.muted]
        edits = any(each.edits or each.fixes or not each.span for each in outcome.found)
        home = self.program.source.name
        return not edits and all(
            name in self.program.files and (name != home or part_at(outcome.parts, at) is not None)
            for name, at in places
        )

    def holds(self, known: Outcome, network: NetworkValue) -> bool:
        """True unless something is said of lines that have moved."""
        now = self.parts(network)
        return not known.found or [p.line for p in now] == [p.line for p in known.parts]

    def placed(self, known: Outcome, network: NetworkValue) -> tuple[list[Diagnostic], Muted]:
        """What is known of a network, where it is now."""
        now, home = self.parts(network), self.program.source.name

        def by(name: str, start: int) -> int:
            at = part_at(known.parts, start) if name == home else None
            return 0 if at is None else now[at].start - known.parts[at].start

        def move(span: Span) -> Span:
            source = self.program.files[span.source.name].source
            shift = by(source.name, span.start)
            return Span(source, span.start + shift, span.end + shift)

        muted = {(n, start + by(n, start), end + by(n, start)) for n, start, end in known.muted}
        return [moved(each, move) for each in known.found], muted

    # --- lints -----------------------------------------------------------------------------------

    def lint(self, codes: Collection[str], source: Source) -> list[Diagnostic]:
        """What lints find: a network in which they find nothing adds nothing to the others.

        Comments that turn lints off are judged by all that the file makes.
        """
        ignoring = any("ignore:" in file.source.text for file in self.program.files.values())
        loud = [each for each in self.looked if ignoring or not self.is_quiet(each, codes, source)]
        chosen = [each for each in self.looked if any(self.touch(each, other) for other in loud)]
        graphs = [self.graph(each) for each in chosen]
        return lint([graph for graph in graphs if graph], codes, source) if graphs else []

    def is_quiet(self, network: NetworkValue, codes: Collection[str], source: Source) -> bool:
        """True if lints find nothing in a network alone."""
        known = self.history.outcomes.get(self.keys.get(network.name, ()))
        if known is not None and known.quiet >= set(codes):
            return True
        graph = self.graph(network)
        quiet = graph is not None and not lint([graph], codes, source)
        if quiet and known is not None:
            known.quiet.update(codes)
        return quiet

    def graph(self, network: NetworkValue) -> Graph | None:
        """The graph of a network, unfolded now if it was known without; that costs no steps."""
        if network.name not in self.graphs:
            budget = network.budget
            steps, muted = budget.steps, set(budget.muted)
            budget.steps = STEPS
            try:
                self.compile(network)
            finally:
                budget.steps, budget.muted = steps, muted
        return self.graphs[network.name]

    def touch(self, one: NetworkValue, other: NetworkValue) -> bool:
        """True for networks that may have a block in common: its layers are judged as one."""
        if one is other or self.others() or not {one.name, other.name} <= self.needs.keys():
            return True
        return bool(set(self.needs[one.name]) & set(self.needs[other.name]) - self.always)


def part_at(parts: tuple[Part, ...], place: int) -> int | None:
    """The part in which an offset lies."""
    inside = (i for i, p in enumerate(parts) if p.start <= place <= p.start + len(p.text))
    return next(inside, None)


def bare(span: Span) -> Span:
    """A place by the name of its file, whose text need not be kept."""
    return Span(Source(span.source.name, ""), span.start, span.end)


def spans_of(each: Diagnostic) -> list[Span]:
    return [*([each.span] if each.span else []), *(related.span for related in each.related)]


def moved(each: Diagnostic, move: Callable[[Span], Span]) -> Diagnostic:
    """A diagnostic with its places moved."""
    related = tuple(Related(move(other.span), other.label) for other in each.related)
    return replace(each, span=move(each.span) if each.span else None, related=related)
