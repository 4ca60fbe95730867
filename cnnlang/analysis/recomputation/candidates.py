"""The parts of a network that might be recomputed, with what each of them costs and saves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cnnlang.analysis.recomputation.plan import Flow
from cnnlang.analysis.recomputation.profile import Cost

FINE = 24
"""Nodes up to which a part may begin and end anywhere."""
CUTS = 96
"""Places where longer parts may begin and end."""
CALL = 5_000_000
"""What running a part by itself counts, in MACs."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A part: its bytes that stay `stored`, those that are made `again`, and its `work`."""

    start: int
    stop: int
    stored: int
    again: int
    work: int


def candidates(costs: Sequence[Cost], flow: Flow, batch: int) -> list[list[Candidate]]:
    """The parts by the node with which they begin."""
    cuts = set(places(costs, flow))
    users = {index: place for place, cost in enumerate(costs) for index in cost.first}
    found: list[list[Candidate]] = [[] for _ in costs]
    for start in range(len(costs)):
        for each in grown(costs, flow, users, start, batch):
            near = each.stop - start <= FINE
            if near or (start in cuts and each.stop in cuts):
                found[start].append(each)
            if not near and start not in cuts:
                break
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
    """The parts that begin with one node, the shortest first; those that save anything.

    A tensor is stored for them if it comes from before and is saved inside, or never saved but
    read; and if it is saved inside and read after the part.
    """
    stored = again = work = 0
    needed: int | None = None
    leaving: dict[int, int] = defaultdict(int)
    seen: set[int] = set()
    for place in range(start, len(costs)):
        cost = costs[place]
        if not cost.free:
            return
        inner = sum(costs[i].size for i in cost.first if i < start)
        stored += inner
        again += cost.saved - inner
        for index in cost.first:
            if index >= start and flow.last[index] > place:
                stored += costs[index].size
                leaving[flow.last[index]] += costs[index].size
        for index in flow.reads[place]:
            if index < start and index not in users and index not in seen:
                seen.add(index)
                stored += costs[index].size
        stored -= leaving.pop(place, 0)
        before, work = work, work + cost.work
        if cost.saves:
            needed = work if cost.whole else before
        if needed is not None:
            yield Candidate(start, place + 1, stored, max(again, 0), needed * batch + CALL)
