"""From findings to diagnostics: each place in the file once, with how many layers it stands for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from itertools import chain

from cnnlang.analysis.lints.net import Net
from cnnlang.analysis.lints.rules import Finding, Rule
from cnnlang.diagnostics.model import Diagnostic, Source, Span
from cnnlang.graph import Graph, Node

Place = tuple[str, int, int]


def examine(graphs: Collection[Graph], rules: Iterable[Rule], home: Source) -> list[Diagnostic]:
    """What rules find in the networks of a file, in the order of the text.

    What is found in a file of the standard library is told only where it is the file itself.
    """
    nets = [Net(graph) for graph in graphs]
    layers = Counter(place(node.span) for graph in graphs for node in graph.nodes)
    found = [
        diagnostic
        for rule in rules
        for diagnostic in told(rule, nets, layers)
        if mine(diagnostic.span, home)
    ]
    return sorted(found, key=order)


def told(rule: Rule, nets: list[Net], layers: Counter[Place]) -> list[Diagnostic]:
    """The findings of one rule, those at one place together."""
    places: dict[Place, list[Finding]] = {}
    for finding in chain.from_iterable(map(rule.check, nets)):
        places.setdefault(place(finding.node.span), []).append(finding)
    return [
        diagnostic(rule, found, layers[where])
        for where, found in places.items()
        if not rule.throughout or len(found) == layers[where]
    ]


def diagnostic(rule: Rule, found: list[Finding], total: int) -> Diagnostic:
    """The first finding of a place, with the number of layers for which it holds.

    What the help says, and its edits, change all the layers that come from the text: they are
    proposed only where all of them are found.
    """
    first, everywhere = found[0], len(found) == total
    notes = (rule.why, *counted(first.node, len(found), total))
    made = Diagnostic(
        rule.code,
        first.message,
        first.place,
        first.label,
        first.related,
        notes,
        first.help,
        severity=rule.severity,
    )
    if not everywhere:
        return replace(made, help=None) if first.edits else made
    return replace(made, edits=first.edits, safe=all(each.safe for each in found))


def counted(node: Node, count: int, total: int) -> tuple[str, ...]:
    """Of how many layers a finding is true, where a text makes several."""
    if total == 1:
        return ()
    name = ".".join(node.path)
    if count == total:
        return (f"so in all {total} layers that are made of this; the first is `{name}`",)
    return (f"so in {count} of the {total} layers that are made of this; the first is `{name}`",)


def place(span: Span) -> Place:
    return span.source.name, span.start, span.end


def mine(span: Span | None, home: Source) -> bool:
    """False in a file of the standard library that is only used."""
    return span is None or span.source.name == home.name or not span.source.name.startswith("std.")


def order(each: Diagnostic) -> tuple[str, int, str]:
    return (each.span.source.name, each.span.start, each.code) if each.span else ("", 0, each.code)
