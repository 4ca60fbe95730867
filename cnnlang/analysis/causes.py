"""Why a network does not take every size: the layer that sets a bound, the paths that must meet."""

from __future__ import annotations

from cnnlang.analysis.costs import reached
from cnnlang.analysis.sizesets import SizeSet
from cnnlang.diagnostics.model import Related, Span
from cnnlang.graph import Graph, Located, Node
from cnnlang.records import dataclass
from cnnlang.sizes import Free


@dataclass(frozen=True, slots=True)
class Step:
    """A condition that took sizes out of a set."""

    located: Located
    before: SizeSet
    after: SizeSet


def reasons(steps: list[Step]) -> list[Located]:
    """What makes a set what it is: for the rests of a division, then for the largest and the least.

    Of several conditions on the rests it is the equality that repeats most seldom; of several
    bounds the last one, which is the tightest.
    """
    rests = [each for each in steps if len(each.after.residues) < each.after.period]
    found = [max(rests, key=lambda each: seldom(each.located)).located] if rests else []
    above = [s for s in steps if s.after.greatest != s.before.greatest]
    below = [s for s in steps if s.after.least != s.before.least and not smallest(steps[-1].after)]
    found += [each[-1].located for each in (above, below) if each]
    return list({id(each): each for each in found}.values())


def smallest(sizes: SizeSet) -> bool:
    """True if a set begins with the first number that has one of its rests."""
    return sizes.period > 1 and sizes.least == min(r or sizes.period for r in sizes.residues)


def seldom(each: Located) -> tuple[bool, int]:
    value = each.condition.value
    return each.condition.zero, value.period if isinstance(value, Free) else 1


def because(graph: Graph, each: Located) -> str:
    """The place in words: `concat` at line 12 joins line 7."""
    node = graph.nodes[each.node]
    words = f"`{node.kind}` at {line(node.span, graph)}"
    other = skip(graph, node)
    if other is None or other.span.line == node.span.line:
        return words
    return f"{words} joins {line(other.span, graph)}"


def line(span: Span, graph: Graph) -> str:
    here = span.source is graph.root.span.source
    return f"line {span.line}" + ("" if here else f" of {span.source.name}")


def skip(graph: Graph, node: Node) -> Node | None:
    """The operand of a merge that was made first."""
    return graph.nodes[min(node.inputs)] if len(set(node.inputs)) > 1 else None


def places(graph: Graph, each: Located) -> tuple[Related, ...]:
    """The layer, and for a merge what it joins and the first layer after the paths have parted."""
    node = graph.nodes[each.node]
    found = [Related(each.span, each.condition.problem.message)]
    if skip(graph, node) is not None:
        found += [
            Related(graph.nodes[i].span, f"this is {graph.nodes[i].output}") for i in node.inputs
        ]
        parted = parting(graph, node)
        found += [Related(parted.span, "the paths part here")] if parted else []
    spans: dict[tuple[int, int], Related] = {}
    for one in found:
        spans.setdefault((one.span.start, one.span.end), one)
    return tuple(spans.values())


def parting(graph: Graph, node: Node) -> Node | None:
    """The first layer on the longer path after the last one that both paths have in common."""
    first, last = min(node.inputs), max(node.inputs)
    mine = reached(graph, (last,))
    common = max(mine & reached(graph, (first,)), default=None)
    after = (i for i in sorted(mine) if common in graph.nodes[i].inputs)
    return graph.nodes[next(after, last)] if common is not None else None
