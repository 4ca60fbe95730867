"""The sizes that a network takes, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from cnnlang.analysis.causes import because, reasons
from cnnlang.analysis.sizesets import SizeSet
from cnnlang.analysis.validity import Solution, solve, together
from cnnlang.graph import Graph
from cnnlang.layers.tensor import show
from cnnlang.records import dataclass, replace
from cnnlang.sizes import Free

VERSION = 1
SHOWN = 6
"""Sizes of a set that are told one by one."""


@dataclass(frozen=True, slots=True)
class Valid:
    """The sizes of one free dimension, and what sets them.

    `evaluation` has those that it takes where the part that only training needs does not run.
    """

    symbol: str
    sizes: SizeSet
    evaluation: SizeSet
    reasons: tuple[str, ...]
    asked: int | None = None

    @property
    def valid(self) -> bool | None:
        """Whether the size that was asked for is in the set."""
        return None if self.asked is None else self.asked in self.sizes

    def as_dict(self) -> dict[str, Any]:
        """The set as plain data."""
        found: dict[str, Any] = {
            "name": self.symbol,
            "valid": str(self.sizes),
            "evaluation": str(self.evaluation),
            "least": self.sizes.least,
            "greatest": self.sizes.greatest,
            "period": self.sizes.period,
            "residues": [
                {"residue": r, "first": low, "last": high}
                for r, (low, high) in enumerate(self.sizes.intervals)
                if r in self.sizes.residues
            ],
            "reasons": list(self.reasons),
        }
        if self.asked is not None:
            found["size"] = self.asked
            found["is_valid"] = self.valid
            found["below"] = self.sizes.below(self.asked)
            found["above"] = self.sizes.above(self.asked)
        return found


def valid(graph: Graph, asked: Mapping[str, int]) -> list[Valid]:
    """The sizes of every free dimension of a graph, with those that are asked for."""
    solution, evaluation = solve(graph), solve(graph, training=False)
    return [
        Valid(
            symbol, sizes, evaluation.sets[symbol], told(graph, solution, symbol), asked.get(symbol)
        )
        for symbol, sizes in solution.sets.items()
    ]


def told(graph: Graph, solution: Solution, symbol: str) -> tuple[str, ...]:
    found = (because(graph, each) for each in reasons(solution.steps[symbol]))
    return tuple(dict.fromkeys(found))


def as_dict(graph: Graph, found: list[Valid]) -> dict[str, Any]:
    """The sizes as plain data; the schema is `grammar/sizes.schema.json`."""
    return {"version": VERSION, "network": graph.name, "sizes": [each.as_dict() for each in found]}


# --- the words -----------------------------------------------------------------------------------


def text(graph: Graph, found: list[Valid]) -> str:
    """The sizes in words; free dimensions that are alike together."""
    if not found:
        return f"{graph.name}\nno size is free: {', '.join(fixed(graph))}"
    groups: dict[object, list[Valid]] = {}
    for each in found:
        alike = replace(each.sizes, symbol=""), replace(each.evaluation, symbol="")
        groups.setdefault((alike, each.reasons, each.asked), []).append(each)
    return "\n".join([graph.name, *(line for group in groups.values() for line in lines(group))])


def fixed(graph: Graph) -> list[str]:
    """The inputs with their shapes."""
    return [f"{graph.nodes[i].name} {graph.nodes[i].output}" for i in graph.inputs]


def lines(group: list[Valid]) -> Iterator[str]:
    """The set, what sets it, and what there is to say of the size that was asked for."""
    first = group[0]
    yield f"{together({each.symbol: each.sizes for each in group})}{some(first.sizes)}"
    if first.evaluation != first.sizes:
        yield f"  in evaluation {together({each.symbol: each.evaluation for each in group})}"
    yield from (f"  {reason}" for reason in first.reasons)
    if first.asked is not None:
        names = " and ".join(each.symbol for each in group)
        other = "valid in evaluation only" if first.asked in first.evaluation else "not valid"
        nearest = "" if first.valid else f"; {first.sizes.nearest(first.asked)}"
        yield f"  {first.asked} is {'valid' if first.valid else other} for {names}{nearest}"


def some(sizes: SizeSet) -> str:
    """The first sizes of a set that is no plain range: `: 16, 32, 48, ...`."""
    if sizes.period == 1:
        return ""
    shown = list(islice(members(sizes), SHOWN + 1))
    more = ["..."] if len(shown) > SHOWN else []
    return f": {', '.join([*map(str, shown[:SHOWN]), *more])}"


def members(sizes: SizeSet) -> Iterator[int]:
    """The sizes of a set, ascending."""
    size = sizes.above(1)
    while size is not None:
        yield size
        size = sizes.above(size + 1)


def asked(graph: Graph, shapes: Mapping[str | int, tuple[int, ...]]) -> dict[str, int]:
    """The free dimensions as input shapes give them; raises `ValueError` for a shape that is none.

    Shapes are by the name of their input, or by position.
    """
    inputs = {graph.nodes[i].name: graph.nodes[i].output for i in graph.inputs}
    found: dict[str, int] = {}
    for key, shape in shapes.items():
        name = key if isinstance(key, str) else dict(enumerate(inputs)).get(key, str(key))
        if name not in inputs:
            raise ValueError(f"there is no input {name}: there are {', '.join(inputs)}")
        tensor = inputs[name]
        fits = len(shape) == tensor.rank and all(
            found.setdefault(size.symbol, given) == given
            if isinstance(size, Free)
            else size == given
            for size, given in zip(tensor.shape, shape, strict=True)
        )
        if not fits:
            raise ValueError(f"{name} is {tensor}, not {show(shape)}")
    return found
