"""The front end in order: text, tree, program, graph, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeAlias

from cnnlang.analysis.lints import lint
from cnnlang.analysis.requirements import check_requirements
from cnnlang.analysis.validity import advice, solve, valid_sizes
from cnnlang.diagnostics.model import Diagnostic, Severity, Source, Span, has_errors
from cnnlang.diagnostics.suggest import nearest
from cnnlang.elaborate.files import Fetch, Library, Program
from cnnlang.elaborate.limits import STEPS, Budget
from cnnlang.elaborate.networks import AS_WRITTEN, Settings, elaborate, is_template
from cnnlang.elaborate.values import NetworkValue
from cnnlang.graph import Graph
from cnnlang.records import replace
from cnnlang.repair import Workshop, repaired


def open_program(source: Source, fetch: Fetch) -> tuple[Program, list[Diagnostic]]:
    """The names that a source defines, and every problem in it and in what it uses."""
    library = Library(fetch)
    library.opening.append((source.name, Span(source, 0, 0)))
    program = library.open(source)
    return program, [each for file in program.files.values() for each in file.diagnostics]


class Checks:
    """The networks of a program that were looked at, with their graphs."""

    def __init__(self, program: Program, settings: Settings) -> None:
        self.program = program
        self.settings = settings
        self.looked: list[NetworkValue] = []
        self.graphs: dict[str, Graph | None] = {}

    def look(self, network: NetworkValue) -> list[Diagnostic]:
        """What is wrong with a network."""
        self.looked.append(network)
        return self.compile(network)

    def compile(self, network: NetworkValue) -> list[Diagnostic]:
        self.graphs[network.name], found = compile_network(self.program, network, self.settings)
        return found

    def lint(self, codes: Collection[str], source: Source) -> list[Diagnostic]:
        """What lints find in the networks."""
        return lint([graph for graph in self.graphs.values() if graph], codes, source)


Begin: TypeAlias = Callable[[Program, Settings, list[Diagnostic]], Checks]
"""Begins the checks of a program in opening which something may have been found."""


def afresh(program: Program, settings: Settings, found: list[Diagnostic]) -> Checks:
    return Checks(program, settings)


def check_source(
    source: Source,
    fetch: Fetch,
    lints: Collection[str] = frozenset(),
    settings: Settings = AS_WRITTEN,
    only: str | None = None,
    begin: Begin = afresh,
) -> list[Diagnostic]:
    """Everything that is wrong with a file, each network, or one only, checked for all its sizes.

    `lints` are the codes of the rules that a file without errors is looked at with. Input shapes
    in `settings` stand in every network for those that it declares. With `History.begin` of
    `cnnlang.history` the answer is the same, and comes sooner where little has changed.
    """
    found, budget = inspect(source, fetch, lints, settings, only, begin)

    def again(source: Source, fetch: Fetch) -> tuple[list[Diagnostic], Budget]:
        return inspect(source, fetch, (), settings, only, begin)

    return repaired(Workshop(source, fetch, again, found, budget))


def inspect(
    source: Source,
    fetch: Fetch,
    lints: Collection[str],
    settings: Settings,
    only: str | None = None,
    begin: Begin = afresh,
) -> tuple[list[Diagnostic], Budget]:
    """As `check_source`, with candidates for fixes, and what was spent and muted."""
    program, found = open_program(source, fetch)
    if only is not None and only not in program.networks and not has_errors(found):
        found.append(absent(program, only))
    checks = begin(program, settings, found)
    chosen = [each for name, each in program.networks.items() if only in (None, name)]
    ready = [each for each in chosen if only is not None or not is_template(each)]
    for network in ready:
        if program.budget.spent:
            found += stopped(network, found)
            break
        found += checks.look(network)
    if not ready and not has_errors(found):
        found.append(unchecked(program))
    if lints and not has_errors(found):
        found += checks.lint(lints, source)
    return distinct(found), program.budget


def stopped(network: NetworkValue, found: list[Diagnostic]) -> list[Diagnostic]:
    """That a network and those after it were not looked at, unless it was told why before."""
    if any(each.code == "E302" for each in found):
        return []
    message = f"checking stops here: what stands before took {STEPS:,} steps"
    help = "mend the errors before it, and check again"
    return [Diagnostic("E302", message, network.definition.name_span, help=help)]


def unchecked(program: Program) -> Diagnostic:
    """What is said of a file without a network that stands by itself: it was read, no more."""
    name, start = program.source.name, next(iter(program.defined.values()), None)
    if start is None:
        message, severity = f"{name} defines nothing: there is nothing to check", Severity.WARNING
        return Diagnostic("N133", message, Span(program.source, 0, 0), severity=severity)
    return Diagnostic(
        "N133",
        f"{name} has no network to check",
        start,
        notes=("a block is checked where a network uses it, a template through its variants",),
        severity=Severity.NOTE,
    )


def compile_network(
    program: Program, network: NetworkValue, settings: Settings
) -> tuple[Graph | None, list[Diagnostic]]:
    """The graph of a network, shapes and budgets checked; None if there are errors."""
    span = network.definition.name_span
    graph, found = elaborate(network, settings, span)
    if graph is None:
        return None, advised(network, settings, found)
    for analysis in ANALYSES:
        found += analysis(graph)
    return (None if has_errors(found) else graph), found


def advised(network: NetworkValue, settings: Settings, found: list[Diagnostic]) -> list[Diagnostic]:
    """Errors of shape with the nearest sizes of the input for which there are none."""
    first = next((i for i, each in enumerate(found) if each.code.startswith("S")), None)
    if first is None or settings.written is not None or network.budget.spent:
        return found
    with network.budget.aside():
        graph, written, _ = open_network(network, settings)
    if graph is None:
        return found
    lines = tuple(advice(solve(graph).sets, written))
    told = replace(found[first], notes=(*found[first].notes, *lines))
    return [*found[:first], told, *found[first + 1 :]]


def open_network(
    network: NetworkValue, settings: Settings
) -> tuple[Graph | None, dict[str, int], list[Diagnostic]]:
    """The graph with all spatial sizes of the inputs free, and the sizes that were numbers."""
    written: dict[str, int] = {}
    span = network.definition.name_span
    graph, found = elaborate(network, replace(settings, written=written), span)
    if graph is not None:
        found += solve(graph).errors
    return (None if has_errors(found) else graph), written, found


ANALYSES: tuple[Callable[[Graph], list[Diagnostic]], ...] = (
    lambda graph: valid_sizes(graph)[1],
    check_requirements,
)


def compile_source(
    source: Source, fetch: Fetch, network: str | None, settings: Settings
) -> tuple[Graph | None, list[Diagnostic]]:
    """The graph of one network of a file, by name, or of the only one there is."""
    graph, found, budget = compiled(source, fetch, network, settings)

    def again(source: Source, fetch: Fetch) -> tuple[list[Diagnostic], Budget]:
        return compiled(source, fetch, network, settings)[1:]

    return graph, repaired(Workshop(source, fetch, again, found, budget))


def compiled(
    source: Source, fetch: Fetch, network: str | None, settings: Settings
) -> tuple[Graph | None, list[Diagnostic], Budget]:
    """As `compile_source`, with candidates for fixes, and what was spent and muted."""
    program, found = open_program(source, fetch)
    if has_errors(found):
        return None, distinct(found), program.budget
    chosen = choose(program, network, settings)
    if isinstance(chosen, Diagnostic):
        return None, [*found, chosen], program.budget
    graph, more = compile_network(program, chosen, settings)
    return graph, distinct([*found, *more]), program.budget


def open_source(
    source: Source, fetch: Fetch, network: str | None, settings: Settings
) -> tuple[Graph | None, list[Diagnostic]]:
    """The graph of one network with all spatial sizes free, as far as it can stand so."""
    program, found = open_program(source, fetch)
    if has_errors(found):
        return None, distinct(found)
    chosen = choose(program, network, settings)
    if isinstance(chosen, Diagnostic):
        return None, [*found, chosen]
    with chosen.budget.aside():
        graph, _, problems = open_network(chosen, settings)
    if graph is not None:
        return graph, found
    why = [replace(each, severity=Severity.NOTE) for each in problems[:1]]
    graph, more = compile_network(program, chosen, settings)
    return graph, distinct([*found, *more, *(why if graph else ())])


def choose(program: Program, name: str | None, settings: Settings) -> NetworkValue | Diagnostic:
    """The network that is meant; a diagnostic if that is not clear."""
    networks = program.networks
    if name is not None:
        return networks[name] if name in networks else absent(program, name)
    ready = [n for n in networks.values() if not is_template(n)]
    if len(ready) == 1:
        return ready[0]
    if not ready and len(networks) == 1:
        return next(iter(networks.values()))
    where = program.source.name
    if not networks:
        return Diagnostic("N128", f"{where} has no network", help="write `network Name { ... }`")
    names = [n.name for n in ready] or list(networks)
    return Diagnostic("N129", f"{where} has several networks: name one", notes=(", ".join(names),))


def absent(program: Program, name: str) -> Diagnostic:
    near = nearest(name, program.networks)
    known = ", ".join(program.networks) or "none"
    help = f"did you mean `{near}`?" if near else f"there are: {known}"
    return Diagnostic("N128", f"{program.source.name} has no network `{name}`", help=help)


def distinct(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Each mistake once: variants of one network share their blocks, and so their mistakes."""
    seen: dict[object, Diagnostic] = {}
    for each in diagnostics:
        seen.setdefault(identity(each), each)
    return list(seen.values())


def identity(each: Diagnostic) -> object:
    """What makes two diagnostics one: the place; of a note on valid sizes also what it says.

    The name of the network, which such a note begins with, does not count.
    """
    span = each.span
    place = (span.source.name, span.start, span.end) if span else None
    if place and not each.code.startswith("V"):
        return each.code, place
    return each.code, place, each.message.split("` ", 1)[-1]


__all__ = ["Settings", "check_source", "compile_source", "open_program", "open_source"]
