"""The choice of what to recompute: as little as possible within some bytes.

A shortest path with two weights, work and memory, over the places between the nodes: from each of
them a node is kept, or a part is recomputed. What it estimates of memory is then checked with the
exact prediction, and the bytes that the path may use are set so that this comes as near to the
limit as it can.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from cnnlang.analysis.recomputation.candidates import Candidate
from cnnlang.analysis.recomputation.plan import Part
from cnnlang.analysis.recomputation.profile import Cost
from cnnlang.records import dataclass

BUCKETS = 48
"""Ways to one place that are followed: the best one for each share of the memory."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to a place: bytes that are stored, work, and its last step."""

    stored: int
    work: int
    before: Way | None = None
    part: Part | None = None

    def parts(self) -> tuple[Part, ...]:
        """The parts that are recomputed along the way."""
        found = []
        way: Way | None = self
        while way is not None:
            if way.part is not None:
                found.append(way.part)
            way = way.before
        return tuple(reversed(found))


def cheapest(
    costs: Sequence[Cost], found: Sequence[Sequence[Candidate]], room: int
) -> tuple[Part, ...] | None:
    """The parts to recompute with the least work within `room` bytes; None if nothing fits."""
    gradients = [*accumulate((c.gradients for c in reversed(costs)), initial=0)][::-1]
    ways: list[dict[int, Way]] = [{} for _ in range(len(costs) + 1)]
    ways[0][0] = Way(0, 0)
    unit = max(room // BUCKETS, 1)
    for place, cost in enumerate(costs):
        left = room - gradients[place]
        for way in undominated(ways[place]):
            stored = way.stored + cost.saved
            if stored + 2 * cost.size <= left:
                offer(ways[place + 1], Way(stored, way.work, way), unit)
            for each in found[place]:
                stored, work = way.stored + each.stored, way.work + each.work
                if stored + each.again > left:
                    continue
                old = ways[each.stop].get(stored // unit)
                if old is None or work < old.work:
                    made = Way(stored, work, way, Part(place, each.stop))
                    ways[each.stop][stored // unit] = made
    last = ways[-1].values()
    return min(last, key=lambda way: way.work).parts() if last else None


def offer(ways: dict[int, Way], way: Way, unit: int) -> None:
    """Keeps a way if it is the best one of its share of the memory."""
    old = ways.get(way.stored // unit)
    if old is None or way.work < old.work:
        ways[way.stored // unit] = way


def undominated(ways: dict[int, Way]) -> list[Way]:
    """The ways that store less than every cheaper one."""
    found: list[Way] = []
    for way in sorted(ways.values(), key=lambda way: (way.stored, way.work)):
        if not found or way.work < found[-1].work:
            found.append(way)
    return found
