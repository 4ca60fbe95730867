"""What becomes one map: equal blocks in a row, a map made larger with what it is joined to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cnnlang.backends.diagram.volumes.model import Volume


def joined(volumes: list[Volume]) -> list[Volume]:
    """Equal blocks in a row as one; a transposed convolution as part of what it is joined to."""
    users: dict[int, list[Volume]] = {}
    for volume in volumes:
        for each in (*volume.inputs, *volume.joins):
            users.setdefault(id(each), []).append(volume)
    kept: list[Volume] = []
    stands: dict[int, Volume] = {}
    for volume in volumes:
        before = kept[-1] if kept else None
        if before is None or before.outputs or users.get(id(before)) != [volume]:
            kept.append(volume)
        elif same(before, volume):
            absorb(before, volume)
            stands[id(volume)] = before
            users[id(before)] = users.get(id(volume), [])
        elif upward(before, volume):
            volume.units = [*before.units, *volume.units]
            volume.macs += before.macs
            volume.inputs = [
                *before.inputs,
                *(each for each in volume.inputs if each is not before),
            ]
            kept[-1] = volume
        else:
            kept.append(volume)
    return [rewired(volume, stands) for volume in kept]


def absorb(before: Volume, volume: Volume) -> None:
    """Let the first of two equal blocks stand for both."""
    before.times += volume.times
    before.units += volume.units
    before.macs += volume.macs
    before.sample, before.outputs = volume.sample, volume.outputs
    before.residual |= volume.residual


def rewired(volume: Volume, stands: Mapping[int, Volume]) -> Volume:
    """The map, made of maps that are shown."""
    volume.inputs = list(unique(stands, volume.inputs, volume))
    volume.joins = list(unique(stands, volume.joins, volume))
    return volume


def unique(
    stands: Mapping[int, Volume], volumes: Iterable[Volume], own: Volume
) -> Iterator[Volume]:
    seen = {id(own)}
    for each in volumes:
        shown = stands.get(id(each), each)
        if id(shown) not in seen:
            seen.add(id(shown))
            yield shown


def same(a: Volume, b: Volume) -> bool:
    """True for blocks of one kind that make maps of one shape."""
    blocks = bool(a.units[1:] and b.units[1:]) and a.kind == b.kind != ""
    blocks &= not (a.apart or b.apart) and a.mark == b.mark
    alike = (a.channels, a.spatial, len(a.parts)) == (b.channels, b.spatial, len(b.parts))
    return blocks and alike and a.category == b.category == "conv" and not b.parts


def upward(a: Volume, b: Volume) -> bool:
    """True for a map that is made larger only to be joined to another."""
    grown = a.category in ("transposed", "other")
    return grown and b.category == "merge" and bool(b.parts) and a.spatial == b.spatial
