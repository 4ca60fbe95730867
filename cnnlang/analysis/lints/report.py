"""From findings to diagnostics: each place in the file once, with how many layers it stands for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from cnnlang.analysis.lints.net import Net
from cnnlang.analysis.lints.rules import Finding, Rule
from cnnlang.diagnostics.model import Diagnostic, Related, Source, Span
from cnnlang.graph import Graph, Node
from cnnlang.records import replace

Place = tuple[str, int, int]
Places = dict[Place, dict[object, tuple[Net, Finding]]]


def examine(graphs: Collection[Graph], rules: Iterable[Rule], home: Source) -> list[Diagnostic]:
    """What rules find in the networks of a file, in the order of the text.

    What is found in a file of the standard library is told only where it is the file itself. Other
    files that are used may be used elsewhere as well, so edits of them are not proposed.
    """
    nets = [Net(graph) for graph in graphs]
    findings = [(rule, places) for rule in rules if (places := gathered(rule, nets))]
    if not findings:
        return []
    modules = Counter(
        place(span)
        for span, _ in {(n.span, (i, n.path)) for i, g in enumerate(graphs) for n in g.nodes}
    )
    found = [
        each if at_home(each, home) else replace(each, edits=(), safe=False)
        for rule, places in findings
        for each in told(rule, places, modules)
        if at_home(each, home) or not std(each)
    ]
    return sorted(found, key=order)


def gathered(rule: Rule, nets: list[Net]) -> Places:
    """The findings of one rule, those at one place together; each module once."""
    places: Places = {}
    for net in nets:
        for finding in rule.check(net):
            at = places.setdefault(place(finding.node.span), {})
            at.setdefault((id(net), finding.node.path), (net, finding))
    return places


def told(rule: Rule, places: Places, modules: Counter[Place]) -> list[Diagnostic]:
    """What one rule has to say: of each place once."""
    return [
        diagnostic(rule, list(found.values()), modules[where])
        for where, found in places.items()
        if not rule.throughout or len(found) == modules[where]
    ]


def diagnostic(rule: Rule, found: list[tuple[Net, Finding]], total: int) -> Diagnostic:
    """The first finding of a place, with the number of layers for which it holds.

    Edits change all the layers that come from the text, so they are proposed only where all of
    them are found; otherwise the calls that lead to the first are shown.
    """
    net, first = found[0]
    made = Diagnostic(
        rule.code,
        first.message,
        first.place,
        first.label,
        first.related,
        (rule.why, *counted(first.node, len(found), total)),
        first.help,
        severity=rule.severity,
    )
    if len(found) < total:
        calls = tuple(Related(span, "called here") for span in net.calls(first.node)[:2])
        help = None if first.edits else first.help
        return replace(made, related=(*first.related, *calls), help=help)
    return replace(made, edits=first.edits, safe=all(each.safe for _, each in found))


def counted(node: Node, count: int, total: int) -> tuple[str, ...]:
    """Of how many layers a finding is true, where a text makes several."""
    if total == 1:
        return ()
    part = "all" if count == total else f"{count} of the"
    return (f"this holds for {part} {total} layers made here; the first is `{node.address}`",)


def place(span: Span) -> Place:
    return span.source.name, span.start, span.end


def at_home(each: Diagnostic, home: Source) -> bool:
    """True in the file that is checked."""
    return each.span is not None and each.span.source.name == home.name


def std(each: Diagnostic) -> bool:
    """True in the standard library."""
    return each.span is not None and each.span.source.name.startswith("std.")


def order(each: Diagnostic) -> tuple[str, int, str]:
    return (each.span.source.name, each.span.start, each.code) if each.span else ("", 0, each.code)
