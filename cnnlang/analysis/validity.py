"""For which sizes of its free dimensions a network is valid: worked out exactly, and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import lcm

from cnnlang.analysis.causes import Step, because, places, reasons
from cnnlang.analysis.costs import reached
from cnnlang.analysis.misfits import impossible
from cnnlang.analysis.products import singles
from cnnlang.analysis.sizesets import SizeSet, describe, every, restrict, shrink
from cnnlang.diagnostics.model import Diagnostic, Severity
from cnnlang.graph import Graph, Located
from cnnlang.records import dataclass, field, replace
from cnnlang.sizes import Free, Mixed, Size, free, symbols

WORK = 1_000_000
"""Residue classes that one network may ask to be solved."""
LONGEST = 48
"""The longest words for a set that leave room for the place that sets it."""


@dataclass(slots=True)
class Solution:
    """The valid sizes of every free dimension, what took the others out, and what no size meets."""

    sets: dict[str, SizeSet]
    steps: dict[str, list[Step]]
    errors: list[Diagnostic] = field(default_factory=list)
    work: int = 0


def valid_sizes(graph: Graph) -> tuple[dict[str, SizeSet], list[Diagnostic]]:
    """The valid sizes of every free dimension, and errors for conditions that none can meet."""
    solution = solve(graph)
    return solution.sets, solution.errors or notes(graph, solution)


def solve(graph: Graph, training: bool = True) -> Solution:
    """The valid sizes with what limits them; without what only training needs, if so asked."""
    solution = Solution({s: every(s) for s in graph.free}, {s: [] for s in graph.free})
    needed = None if training else reached(graph, graph.outputs)
    conditions = [c for c in graph.conditions if needed is None or c.node in needed]
    for each in sorted(distinct(conditions), key=lambda c: isinstance(c.condition.value, Mixed)):
        if not add(solution, graph, each):
            break
    solution.sets = {symbol: shrink(sizes) for symbol, sizes in solution.sets.items()}
    return solution


def add(solution: Solution, graph: Graph, each: Located) -> bool:
    """Take out the sizes that do not meet a condition; false if that would be too much work."""
    found = singles(each.condition, solution.sets)
    if found is None:
        solution.errors.append(undecided(graph, each))
        return True
    for value, zero in found:
        before = solution.sets[value.symbol]
        solution.work += lcm(before.period, value.period)
        if solution.work > WORK:
            solution.errors.append(endless(each))
            return False
        after = restrict(before, value, zero)
        if after.empty or (each.condition.alike and value.step):
            steps = solution.steps[value.symbol]
            earlier = steps[-1].located if after.empty and steps else None
            solution.errors.append(impossible(graph, each, before, after, earlier))
            return True
        if after is not before:
            solution.steps[value.symbol].append(Step(each, before, after))
        solution.sets[value.symbol] = after
    return True


def simplified(size: Size, sets: Mapping[str, SizeSet]) -> Size:
    """A size as it is on the valid inputs alone: `16*(H//16)` is `H` where 16 divides H."""
    if not isinstance(size, Free) or size.symbol not in sets or sets[size.symbol].residues != [0]:
        return size
    period = lcm(sets[size.symbol].period, size.period)
    if sets[size.symbol].period % size.period:
        return size
    start, step = size(0), size(period) - size(0)
    x = free(size.symbol)
    if step and step % period == 0:
        return x * (step // period) + start
    if step and period % step == 0:
        return x // (period // step) + start
    return size


def distinct(conditions: Iterable[Located]) -> list[Located]:
    """The conditions, each once, in order."""
    seen: dict[tuple[Size, bool], Located] = {}
    for each in conditions:
        seen.setdefault((each.condition.value, each.condition.zero), each)
    return list(seen.values())


def endless(each: Located) -> Diagnostic:
    return Diagnostic(
        "E305",
        "the sizes of the free dimensions repeat too seldom to be worked out",
        each.span,
        "many strides without a common factor lead here",
        help="fix the input's size",
    )


def undecided(graph: Graph, each: Located) -> Diagnostic:
    problem = each.condition.problem
    several = len(symbols((each.condition.value,))) > 1
    return Diagnostic(
        "S120",
        "whether this fits depends on "
        + ("several free dimensions at once" if several else "a free dimension more than once"),
        each.span,
        f"asks that {each.condition.value} be " + ("0" if each.condition.zero else "at least 0"),
        notes=(problem.message,),
        help="fix all but one of the input's free dimensions"
        if several
        else "fix the input's size",
        layer=graph.nodes[each.node].address,
    )


def notes(graph: Graph, solution: Solution) -> list[Diagnostic]:
    """One note for all free dimensions that are not free to take every size."""
    limited = {symbol: sizes for symbol, sizes in solution.sets.items() if not sizes.everything}
    if not limited:
        return []
    causes = [cause for symbol in limited for cause in reasons(solution.steps[symbol])]
    words = f"`{graph.name}` takes {together(limited)}"
    why = f" ({because(graph, causes[0])})" if len(together(limited)) < LONGEST else ""
    return [
        Diagnostic(
            "V401",
            words + why + in_evaluation(graph, solution),
            graph.root.span,
            "",
            places(graph, causes[0]),
            severity=Severity.NOTE,
        )
    ]


def in_evaluation(graph: Graph, solution: Solution) -> str:
    """What differs where the part that only training needs is left out."""
    if graph.training_outputs is None:
        return ""
    sets = solve(graph, training=False).sets
    if sets == solution.sets:
        return ""
    return f", in evaluation {together(sets)}"


def advice(sets: Mapping[str, SizeSet], given: Mapping[str, int]) -> list[str]:
    """A line for each given size that is not valid: what to crop or pad it to."""
    lines: dict[tuple[int, str], list[str]] = {}
    for symbol, size in given.items():
        if symbol in sets and size not in sets[symbol]:
            lines.setdefault((size, sets[symbol].nearest(size)), []).append(symbol)
    return [
        f"{size} is not valid for {' and '.join(symbols)}; {nearest}"
        for (size, nearest), symbols in lines.items()
    ]


def together(sets: dict[str, SizeSet]) -> str:
    """`H and W in multiples of 16` where all sets are alike, else one after the other."""
    shapes = {replace(sizes, symbol="?") for sizes in sets.values()}
    if len(sets) > 1 and len(shapes) == 1:
        names = list(sets)
        joined = f"{', '.join(names[:-1])} and {names[-1]}"
        first = next(iter(sets.values()))
        if not first.empty and first.least == first.greatest:
            each = [str(sizes) for sizes in sets.values()]
            return f"{', '.join(each[:-1])} and {each[-1]}"
        words = describe(replace(first, symbol=joined))
        return words.replace("a multiple of", "each a multiple of")
    return "; ".join(map(str, sets.values()))
