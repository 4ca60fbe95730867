"""Plans for a training step within some memory, judged by the exact prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from cnnlang.analysis.memory import Memory, Setting, memory
from cnnlang.analysis.recomputation.candidates import candidates
from cnnlang.analysis.recomputation.choice import cheapest
from cnnlang.analysis.recomputation.inplace import inplace
from cnnlang.analysis.recomputation.plan import Flow, Part, Plan
from cnnlang.analysis.recomputation.prediction import predict
from cnnlang.analysis.recomputation.profile import Cost, profile
from cnnlang.graph import Graph

ROUNDS = 8
"""How often the bytes that a path may use are halved between too few and too many."""
TRIES = 32
"""Parts that are tried to be left out again."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plan with its memory, and the MACs for one sample that it computes twice."""

    plan: Plan
    memory: Memory
    macs: int
    work: int


@dataclass(frozen=True, slots=True)
class Nothing:
    """No plan fits: the least peak that one has, and the largest batch that fits with any."""

    least: int
    largest: int


def plain(graph: Graph, setting: Setting, overwriting: bool = True) -> Found:
    """The plan that recomputes nothing; raises `Unpredictable`."""
    plan = Plan(inplace=inplace(graph) if overwriting else frozenset())
    return Found(plan, predict(graph, setting, plan, memory(graph, setting)), 0, 0)


def fit(
    graph: Graph, setting: Setting, batch: int, limit: int, overwriting: bool = True
) -> Found | Nothing:
    """The plan with the least work whose peak is at most `limit` bytes; raises `Unpredictable`."""
    first = plain(graph, setting, overwriting)
    if first.memory.peak(batch) <= limit:
        return first
    search = Search(graph, setting, batch, limit, first)
    search.narrow()
    return search.result()


@dataclass(eq=False, slots=True)
class Search:
    """The plans that were tried, by their parts."""

    graph: Graph
    setting: Setting
    batch: int
    limit: int
    first: Found
    costs: list[Cost] = field(init=False)
    tried: dict[tuple[Part, ...], Found] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.costs = profile(self.graph, self.setting, self.batch)

    def narrow(self) -> None:
        """Looks for the room with which a path comes nearest to the limit, from below.

        If there is none, for the least room with which there is a path.
        """
        found = candidates(self.costs, Flow(self.graph), self.batch)
        most = sum(each.saved + each.gradients + 4 * each.size for each in self.costs)
        self.halve(most, lambda room: not self.judge(cheapest(self.costs, found, room)))
        if not any(map(self.fits, self.tried.values())):
            self.halve(most, lambda room: self.possible(cheapest(self.costs, found, room)))

    def halve(self, most: int, too_much: Callable[[int], bool]) -> None:
        """Halves the rooms between too little and too much."""
        least = 0
        for _ in range(ROUNDS):
            room = (least + most) // 2
            if too_much(room):
                most = room
            else:
                least = room

    def possible(self, parts: tuple[Part, ...] | None) -> bool:
        """True if there is a path."""
        return parts is not None and bool(self.measured(parts))

    def judge(self, parts: tuple[Part, ...] | None) -> bool:
        """True if the plan with these parts fits, or there is none."""
        return parts is None or self.fits(self.measured(parts))

    def fits(self, found: Found) -> bool:
        return found.memory.peak(self.batch) <= self.limit

    def measured(self, parts: tuple[Part, ...]) -> Found:
        """A plan with its exact memory."""
        if parts not in self.tried:
            plan = replace(self.first.plan, parts=parts)
            peak = predict(self.graph, self.setting, plan, self.first.memory)
            runs = [self.twice(part) for part in parts]
            macs, work = (sum(self.total(run, name) for run in runs) for name in ("macs", "work"))
            self.tried[parts] = Found(plan, peak, macs, work)
        return self.tried[parts]

    def total(self, nodes: Iterable[int], name: str) -> int:
        return sum(getattr(self.costs[index], name) for index in nodes)

    def twice(self, part: Part) -> range:
        """The nodes of a part that run again: up to the last one that saves anything."""
        last = max(index for index in part.nodes if self.costs[index].saves)
        return range(part.start, last + self.costs[last].whole)

    def result(self) -> Found | Nothing:
        """The plan with the least work of all that fit."""
        fitting = [each for each in self.tried.values() if self.fits(each)]
        if not fitting:
            tried = [each.memory for each in (self.first, *self.tried.values())]
            least = min(each.peak(self.batch) for each in tried)
            return Nothing(least, max(each.largest(self.limit) for each in tried))
        return self.relieved(min(fitting, key=lambda each: each.work))

    def relieved(self, found: Found) -> Found:
        """The plan without the parts that it can do without, the most expensive first."""
        parts = sorted(found.plan.parts, key=lambda p: -self.total(self.twice(p), "work"))
        for part in parts[:TRIES]:
            rest = tuple(each for each in found.plan.parts if each != part)
            less = self.measured(rest)
            if self.fits(less):
                found = less
        return found
