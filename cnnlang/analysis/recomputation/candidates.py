"""The parts of a network that might be recomputed, with what each of them costs and saves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from cnnlang.analysis.recomputation.plan import Flow
from cnnlang.analysis.recomputation.profile import Cost
from cnnlang.records import dataclass, field

FINE = 24
"""Nodes up to which a part may begin and end anywhere."""
CUTS = 96
"""Places where longer parts may begin and end."""
WORTH = 0.95
"""Share of the bytes otherwise kept that a part may leave stored, to be worth it."""
CALL = 5_000_000
"""What running a part by itself counts, in MACs."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A part: its bytes that stay `stored`, those that it takes when it runs `again`, its `work`.

    `kept` are the bytes that would be kept of its nodes otherwise.
    """

    stop: int
    stored: int
    kept: int
    again: int
    work: int


def candidates(costs: Sequence[Cost], flow: Flow, batch: int) -> list[list[Candidate]]:
    """The parts that save memory, by the node with which they begin."""
    cuts = set(places(costs, flow))
    users = {index: place for place, cost in enumerate(costs) for index in cost.first}
    found: list[list[Candidate]] = [[] for _ in costs]
    for start in range(len(costs)):
        for each in grown(costs, flow, users, start, batch):
            near = each.stop - start <= FINE
            if not near and start not in cuts:
                break
            if (near or each.stop in cuts) and each.stored < WORTH * each.kept:
                found[start].append(each)
    return found


def places(costs: Sequence[Cost], flow: Flow) -> list[int]:
    """Where the least flows from the nodes before a place to those from it on."""
    ends: dict[int, int] = defaultdict(int)
    crossing, sizes = 0, []
    for index, cost in enumerate(costs):
        sizes.append(crossing)
        if flow.last[index] > index:
            crossing += cost.size
            ends[flow.last[index]] += cost.size
        crossing -= ends[index]
    sizes.append(0)
    low = [i for i in range(1, len(sizes)) if sizes[i] <= min(sizes[i - 1 : i + 2])]
    found = low if len(costs) > CUTS else range(1, len(sizes))
    step = -(-len(found) // CUTS)
    return [*found[:: max(step, 1)], len(costs)]


def grown(
    costs: Sequence[Cost], flow: Flow, users: dict[int, int], start: int, batch: int
) -> Iterator[Candidate]:
    """The parts that begin with one node, the shortest first."""
    kept = inner = work = largest = 0
    needed: int | None = None
    crossing = Crossing(costs, flow, users, start)
    for place in range(start, len(costs)):
        cost = costs[place]
        if not cost.free:
            return
        kept += cost.saved
        inner += cost.saved - sum(costs[i].size for i in cost.first if i < start)
        largest = max(largest, cost.size)
        crossing.add(place)
        before, work = work, work + cost.work
        if cost.saves:
            needed = work if cost.whole else before
        if needed is not None:
            again = max(inner, 0) + 2 * largest
            yield Candidate(place + 1, crossing.stored, kept, again, needed * batch + CALL)


@dataclass(slots=True)
class Crossing:
    """What a growing part leaves stored.

    A tensor is if it comes from before and is saved inside, or is never saved but read; and if it
    is saved inside and read after the part.
    """

    costs: Sequence[Cost]
    flow: Flow
    users: dict[int, int]
    start: int
    stored: int = 0
    leaving: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    seen: set[int] = field(default_factory=set)

    def add(self, place: int) -> None:
        """The part grows by one node."""
        for index in self.costs[place].first:
            size, last = self.costs[index].size, self.flow.last[index]
            if index < self.start or last > place:
                self.stored += size
            if index >= self.start and last > place:
                self.leaving[last] += size
        for index in self.flow.reads[place]:
            if index < self.start and index not in self.users and index not in self.seen:
                self.seen.add(index)
                self.stored += self.costs[index].size
        self.stored -= self.leaving.pop(place, 0)
