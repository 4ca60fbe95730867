"""A long graph in columns: cut where one tensor passes, laid out one by one, put side by side."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from cnnlang.backends.diagram.figure import Column, headed
from cnnlang.backends.diagram.flow import Flow
from cnnlang.backends.diagram.look import Look
from cnnlang.backends.diagram.palette import CHIP, Theme
from cnnlang.backends.diagram.scaling import LEAST, extent
from cnnlang.backends.diagram.scopes import Scene, Scope, Unit

TALL = 1300.0
"""Points up to which a graph is not cut."""
SLIM = 1.5
"""How much higher than wide a figure in columns is, about."""
SPARE = 0.2
"""The share of a column that may stay empty for a cut between modules rather than in one."""
MANY = 150
"""Units up to which a graph is laid out as a whole before it is cut."""
ROW, CARD = 68.0, 150.0
"""About how high and how wide a unit is with the space around it."""
APART = 14.0
"""Points between columns."""
NODE = re.compile(
    r'class="node">\s*<title>(\w+)</title>.*?(?:points="| d="M)[-\d.]+,([-\d.]+)', re.DOTALL
)
PAGE = re.compile(r'<polygon fill="[^"]+" stroke="none"[^>]*/>')
BODY = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cut:
    """A place before the unit number `place`: how far down it is, and in how many modules."""

    place: int
    down: float
    depth: int


@dataclass(frozen=True, slots=True)
class Extent:
    """How large a graph is in one column, and how far down every unit is, by its key."""

    wide: float
    high: float
    places: Mapping[str, float]


def columns(scene: Scene, size: Extent, look: Look) -> list[Column]:
    """The columns of a graph; none if it is to stay whole."""
    order = ordered(scene.units)
    number = look.columns or wished(size.wide, size.high, look.width)
    if number == 1:
        return []
    chosen = best(list(cuts(order, size.places)), size.high, number)
    ends = [0, *(cut.place for cut in chosen), len(order)]
    return [Column(order[a:b], i) for i, (a, b) in enumerate(pairwise(ends))]


def measured(svg: str) -> Extent:
    """The extent of a graph that is laid out."""
    return Extent(*extent(svg), {key: float(y) for key, y in NODE.findall(svg)})


def guessed(scene: Scene) -> Extent:
    """The extent of a graph whose layout as a whole would take long, by the longest path."""
    depth = Flow(scene.units).depth
    places = {unit.key: ROW * depth[unit] for unit in scene.units}
    return Extent(max(Counter(depth.values()).values()) * CARD, max(places.values()) + ROW, places)


def wished(wide: float, high: float, width: float | None) -> int:
    """How many columns suit a graph, and a width at which its letters must still be read."""
    if high <= TALL:
        return 1
    number = max(2, round(sqrt(high / wide / SLIM)))
    return number if width is None else max(1, min(number, int(width * CHIP / LEAST / wide)))


def ordered(units: list[Unit]) -> list[Unit]:
    """The units in order, each that does not lead to the output right after what it hangs on."""
    main = leading(next((unit for unit in units if unit.ends), units[-1]))
    anchors: dict[Unit, Unit | None] = {}
    beside: dict[Unit | None, list[Unit]] = {}
    index = {unit: i for i, unit in enumerate(units)}
    for unit in units:
        near = [each if each in main else anchors[each] for each in unit.inputs]
        anchors[unit] = max(filter(None, near), key=index.__getitem__, default=None)
        if unit not in main:
            beside.setdefault(anchors[unit], []).append(unit)
    found = [each for unit in units if unit in main for each in (unit, *beside.get(unit, ()))]
    return [*beside.get(None, ()), *found]


def leading(end: Unit) -> set[Unit]:
    """The units that lead to one, with itself."""
    todo, found = [end], {end}
    while todo:
        new = [each for each in todo.pop().inputs if each not in found]
        found.update(new)
        todo += new
    return found


def cuts(order: list[Unit], places: Mapping[str, float]) -> Iterator[Cut]:
    """The places where one tensor passes from what is before to what is after."""
    index = {unit: i for i, unit in enumerate(order)}
    last = dict.fromkeys(order, -1)
    for unit in order:
        for each in unit.inputs:
            last[each] = max(last[each], index[unit])
    top = min(places.values())
    alive: set[Unit] = set()
    whole: dict[Scope, bool] = {}
    for i, unit in enumerate(order[:-1]):
        alive = {each for each in alive if last[each] > i} | ({unit} if last[unit] > i else set())
        after = order[i + 1]
        if len(alive) != 1 or not i or after.ends:
            continue
        inside = [each for each in unit.scope.around if each in after.scope.around]
        for scope in inside:
            if scope not in whole:
                whole[scope] = bool(scope.repeat or (scope.title and headed(scope)))
        if not any(whole[scope] for scope in inside):
            yield Cut(i + 1, places.get(after.key, top) - top, len(inside))


def best(found: list[Cut], high: float, number: int) -> list[Cut]:
    """The cuts that make `number` columns, or fewer, the longest of them as short as can be."""
    for step in range(60):
        longest = high / number * (1 + step / 40)
        chosen = filled(found, high, longest)
        if len(chosen) < number and fits(chosen, high, longest):
            return chosen
    return []


def filled(found: list[Cut], high: float, longest: float) -> list[Cut]:
    """Cuts so that no column is longer than `longest`, where possible between modules."""
    chosen: list[Cut] = []
    start = 0.0
    while high - start > longest:
        near = [cut for cut in found if start < cut.down <= start + longest]
        if not near:
            break
        late = [cut for cut in near if cut.down > near[-1].down - SPARE * longest]
        chosen.append(min(late, key=lambda cut: (cut.depth, -cut.down)))
        start = chosen[-1].down
    return chosen


def fits(chosen: list[Cut], high: float, longest: float) -> bool:
    ends = [0.0, *(cut.down for cut in chosen), high]
    return all(b - a <= longest + 1 for a, b in pairwise(ends))


# --- side by side ---------------------------------------------------------------------------------


def composed(heading: str, pictures: list[str], theme: Theme) -> str:
    """The SVG of a heading over those of the columns."""
    sizes = [extent(each) for each in pictures]
    wide = sum(w for w, _ in sizes) + APART * (len(sizes) - 1)
    title = extent(heading)
    wide, top = max(wide, title[0]), title[1]
    high = top + max(h for _, h in sizes)
    parts = [moved(heading, (wide - title[0]) / 2, 0, "t")]
    x = (wide - sum(w for w, _ in sizes) - APART * (len(sizes) - 1)) / 2
    for i, (picture, (w, _)) in enumerate(zip(pictures, sizes, strict=True)):
        parts.append(moved(picture, x, top, f"c{i}"))
        x += w + APART
    corners = f"0,0 {wide:.2f},0 {wide:.2f},{high:.2f} 0,{high:.2f}"
    page = f'<polygon fill="{theme.background.lower()}" stroke="none" points="{corners}"/>'
    sides = f'width="{wide:.2f}pt" height="{high:.2f}pt" viewBox="0 0 {wide:.2f} {high:.2f}"'
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    body = "\n".join([page, *parts])
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<svg {sides} {spaces}>\n{body}\n</svg>\n'


def moved(svg: str, x: float, y: float, prefix: str) -> str:
    """What is in an SVG in another place, without its page, under names of its own."""
    found = BODY.search(svg)
    assert found is not None
    body = PAGE.sub("", found[1], count=1).replace(' id="', f' id="{prefix}_')
    return f'<g transform="translate({x:.2f} {y:.2f})">{body}</g>'
