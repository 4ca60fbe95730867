"""Conditions on free sizes that no size meets, or too few: told as those on numbers are."""

from __future__ import annotations

from cnnlang.analysis.sizesets import SizeSet, shrink
from cnnlang.diagnostics.model import Diagnostic, Related, Span
from cnnlang.elaborate.builder import called_from
from cnnlang.elaborate.mistakes import diagnostic, pointed, traced
from cnnlang.elaborate.sites import site_of
from cnnlang.graph import Enter, Graph, Located, walk
from cnnlang.records import replace


def impossible(
    graph: Graph, each: Located, before: SizeSet, after: SizeSet, earlier: Located | None
) -> Diagnostic:
    """The error where of the sizes `before` none is left, or only a few of maps that are joined.

    `earlier` is the last condition that took sizes out.
    """
    problem, node = each.condition.problem, graph.nodes[each.node]
    site = site_of(graph.nodes, node)
    made = diagnostic(problem, pointed(problem, site) if site else each.span, site)
    made = traced(graph.nodes, made, node.inputs, each.span)
    left = (Related(earlier.span, f"this leaves {shrink(before)}"),) if earlier else ()
    few = () if after.empty else (f"they agree for {shrink(after)} only",)
    told = replace(
        made,
        label=problem.label or f"holds for no {before.symbol}",
        related=(*made.related, *left),
        notes=(*made.notes, *few),
        layer=node.address,
    )
    return called_from(told, calls(graph, each.node))


def calls(graph: Graph, index: int) -> list[Span]:
    """The calls of the blocks that a layer stands in, the outermost first."""
    within: list[Span | None] = []
    for level, item in walk(graph.root):
        del within[level:]
        if isinstance(item, Enter):
            within.append(item.instance.span if item.instance.kind == "block" else None)
        elif item.node == index:
            return [span for span in within if span is not None]
    return []
