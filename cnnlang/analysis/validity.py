"""For which sizes of its free dimensions a network is valid: worked out exactly, and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import lcm

from cnnlang.analysis.sizesets import SizeSet, describe, every, restrict, shrink
from cnnlang.diagnostics.model import Diagnostic, Related, Severity
from cnnlang.graph import Graph, Located
from cnnlang.sizes import Free, Size, free

WORK = 1_000_000
"""Residue classes that one network may ask to be solved."""


def valid_sizes(graph: Graph) -> tuple[dict[str, SizeSet], list[Diagnostic]]:
    """The valid sizes of every free dimension, and errors for conditions that none can meet."""
    sets = {symbol: every(symbol) for symbol in graph.free}
    blame: dict[str, Located] = {}
    errors: list[Diagnostic] = []
    work = 0
    for each in distinct(graph.conditions):
        value = each.condition.value
        if not isinstance(value, Free):
            errors.append(undecided(each))
            continue
        before = sets[value.symbol]
        work += lcm(before.period, value.period)
        if work > WORK:
            errors.append(endless(each))
            break
        after = restrict(before, value, each.condition.zero)
        if after.empty:
            errors.append(impossible(each, before, blame.get(value.symbol)))
            continue
        if after is not before:
            blame[value.symbol] = each
        sets[value.symbol] = after
    sets = {symbol: shrink(sizes) for symbol, sizes in sets.items()}
    return sets, errors or notes(graph, sets, blame)


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


def impossible(each: Located, sizes: SizeSet, earlier: Located | None) -> Diagnostic:
    problem = each.condition.problem
    related = (Related(earlier.span, f"this leaves {shrink(sizes)}"),) if earlier else ()
    label = problem.label or f"holds for no {sizes.symbol}"
    return Diagnostic(problem.code, problem.message, each.span, label, related, help=problem.help)


def endless(each: Located) -> Diagnostic:
    return Diagnostic(
        "E305",
        "the sizes of the free dimensions repeat too seldom to be worked out",
        each.span,
        "many strides without a common factor lead here",
        help="fix the input's size",
    )


def undecided(each: Located) -> Diagnostic:
    problem = each.condition.problem
    return Diagnostic(
        "S120",
        "whether this fits depends on several free dimensions at once",
        each.span,
        f"asks that {each.condition.value} be " + ("0" if each.condition.zero else "at least 0"),
        notes=(problem.message,),
        help="fix all but one of the input's free dimensions",
    )


def notes(graph: Graph, sets: dict[str, SizeSet], blame: dict[str, Located]) -> list[Diagnostic]:
    """One note for all free dimensions that are not free to take every size."""
    limited = {symbol: sizes for symbol, sizes in sets.items() if not sizes.everything}
    if not limited:
        return []
    where = {id(blame[s]): blame[s] for s in limited}
    related = tuple(Related(each.span, each.condition.problem.message) for each in where.values())
    return [
        Diagnostic(
            "V401",
            f"`{graph.name}` takes {together(limited)}",
            graph.root.span,
            "",
            related[:1],
            severity=Severity.NOTE,
        )
    ]


def together(sets: dict[str, SizeSet]) -> str:
    """`H and W in multiples of 16` where all sets are alike, else one after the other."""
    shapes = {replace(sizes, symbol="?") for sizes in sets.values()}
    if len(sets) > 1 and len(shapes) == 1:
        names = list(sets)
        joined = f"{', '.join(names[:-1])} and {names[-1]}"
        first = next(iter(sets.values()))
        words = describe(replace(first, symbol=joined))
        return words.replace("a multiple of", "each a multiple of")
    return "; ".join(map(str, sets.values()))
