"""The pictures of the page as elements of HTML, and which layers each of their parts shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from cnnlang.backends.diagram.automatic import paired, palette
from cnnlang.backends.diagram.drawing import Drawing, Group
from cnnlang.backends.diagram.figure import draw
from cnnlang.backends.diagram.interactive.facts import modules
from cnnlang.backends.diagram.look import Look
from cnnlang.backends.diagram.page import cards, volumes
from cnnlang.backends.diagram.palette import FONT
from cnnlang.backends.diagram.repeats import fold
from cnnlang.backends.diagram.scopes import Scene, Scope, Unit, arrange
from cnnlang.backends.diagram.tangle import tangled, verify
from cnnlang.backends.diagram.vector import svg
from cnnlang.backends.rendering import render
from cnnlang.graph import Graph

SVG = "{http://www.w3.org/2000/svg}"
LARGEST = 800
"""Units up to which a picture shows them, unless it is asked for."""
WHOLE = Look(columns=1)
"""A page has no columns."""
TITLES = {"graph": "Layers", "all": "Every repetition", "blocks": "Blocks", "volumes": "Volumes"}


@dataclass(frozen=True, slots=True)
class View:
    """One picture: `links` tells which layers the element with an id shows, and what can be folded.

    `colours` are the light colours with the dark ones that take their places.
    """

    key: str
    svg: str
    links: dict[str, Any]
    colours: dict[str, str]


def views(graph: Graph, style: str, direction: str) -> list[View]:
    """All pictures of a network; that with every repetition only if there are some.

    Of a very large or tangled network there are the overviews, and the layers only if that style is
    asked for. Raises `RenderError` if they are too tangled.
    """
    scene, folded = arrange(graph), fold(arrange(graph))
    found = []
    if style == "graph":
        verify(graph, folded, WHOLE)
    if style == "graph" or fits(folded):
        found.append(operations("graph", folded, direction))
    if len(folded.units) < len(scene.units) and fits(scene):
        found.append(operations("all", scene, direction))
    return [*found, drawn("blocks", graph), drawn("volumes", graph)]


def fits(scene: Scene) -> bool:
    """True for what is shown without being asked for."""
    return len(scene.units) <= LARGEST and not tangled(scene, WHOLE)


def colours(shown: Iterable[View]) -> str:
    """Rules for both themes: CSS goes before attributes, and the scheme of the page decides."""
    found: dict[str, str] = {}
    for view in shown:
        found |= {light.lower(): dark.lower() for light, dark in view.colours.items()}
    return "".join(
        f'svg [{attribute}="{light}" i]{{{attribute}:light-dark({light},{dark})}}\n'
        for light, dark in sorted(found.items())
        for attribute in ("fill", "stroke")
    )


def parsed(data: str | bytes, key: str) -> Element:
    """A picture as an element, without its own size and with the font on its root alone."""
    root = ElementTree.fromstring(data)
    for each in root.iter():
        each.tag = each.tag.removeprefix(SVG)
        each.attrib.pop("font-family", None)
    root.attrib.pop("width", None), root.attrib.pop("height", None)
    root.attrib |= {"id": key, "font-family": FONT, "class": "picture", "role": "group"}
    return root


def written(root: Element, title: str) -> str:
    root.set("aria-label", title)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


# --- drawings ------------------------------------------------------------------------------------


def drawn(key: str, graph: Graph) -> View:
    """A picture that is laid out here."""
    make = volumes if key == "volumes" else cards
    drawing, dark = make(graph, "light"), make(graph, "dark")
    root = parsed(svg(drawing), key)
    parts = {}
    for i, (element, group) in enumerate(zip(root.findall("g"), groups(drawing), strict=True)):
        name = f"{key}-{i}"
        element.attrib |= {"id": name, "class": "node"}
        parts[name] = list(group.layers)
        strip(element)
    strip(root)
    root.remove(root[0])
    links = {"title": TITLES[key], "parts": parts, "frames": {}, "ends": {}}
    return View(key, written(root, TITLES[key]), links, paired(drawing, dark))


def groups(drawing: Drawing) -> Iterator[Group]:
    return (mark for mark in drawing.marks if isinstance(mark, Group))


def strip(element: Element) -> None:
    """Take off what a browser would show beside the details of the page."""
    for title in element.findall("title"):
        element.remove(title)


# --- graphs --------------------------------------------------------------------------------------


def operations(key: str, scene: Scene, direction: str) -> View:
    """A picture that is laid out by Graphviz."""
    root = parsed(render(draw(scene, "light", direction).source, "svg"), key)
    canvas = root.find("g")
    assert canvas is not None
    canvas.attrib.pop("id")
    links = {
        "title": TITLES[key],
        "parts": {f"{key}-{unit.key}": shows(unit, scene) for unit in scene.units},
        "frames": frames(key, scene),
        "ends": flattened(canvas, key),
        "along": direction,
    }
    return View(key, written(root, TITLES[key]), links, palette())


def flattened(canvas: Element, key: str) -> dict[str, list[str]]:
    """Replace the parts of a picture by plain ones; what comes back are the ends of every edge."""
    ends: dict[str, list[str]] = {}
    plain: list[Element] = []
    for part in list(canvas):
        name, kind = part.findtext("title", ""), part.get("class", "")
        if kind == "edge":
            edge = f"{key}-{len(plain)}"
            ends[edge] = [f"{key}-{end}" for end in name.split("->")]
            plain.append(flat(part, kind, edge))
        elif kind:
            shown = "node header" if name.startswith("hs") else kind
            plain.append(flat(part, shown, f"{key}-{name}"))
        elif part.tag == "g":
            plain.append(flat(part, "heading", f"{key}-heading"))
    canvas[:] = plain
    return ends


def flat(part: Element, kind: str, name: str) -> Element:
    """A part without the wrappers of Graphviz; the outline of a frame as a rectangle.

    The heading comes with the background of the picture, which is that of the page here.
    """
    marks = [each for each in part.iter() if each.tag not in ("g", "a", "title")]
    made = Element("g", {"id": name, "class": kind})
    made.extend(marks[1:] if kind == "heading" else marks)
    if kind == "cluster":
        made[0] = rectangle(marks[0])
    return made


def rectangle(outline: Element) -> Element:
    """The box around a closed path, in its colours."""
    numbers = [float(each) for each in re.findall(r"-?[\d.]+", outline.get("d", ""))]
    xs, ys = numbers[::2], numbers[1::2]
    size = {"width": max(xs) - min(xs), "height": max(ys) - min(ys)}
    place = {"x": min(xs), "y": min(ys)} | size | {"rx": 8}
    look = {name: outline.get(name, "none") for name in ("fill", "stroke")}
    return Element("rect", {name: f"{value:g}" for name, value in place.items()} | look)


def shows(unit: Unit, scene: Scene) -> list[int]:
    """The layers that a unit shows, with those of the units for which it stands."""
    return [node.index for each in (unit, *scene.stands.get(unit, ())) for node in each.nodes]


def frames(key: str, scene: Scene) -> dict[str, Any]:
    """The frames by their ids: the module, the frame around, and what is in them."""
    numbers = {id(instance): i for i, instance in enumerate(modules(scene.graph))}
    found: dict[str, Any] = {}
    todo: list[tuple[Scope, str | None]] = [(scene.root, None)]
    while todo:
        scope, outer = todo.pop()
        name = None if scope.outer is None else f"{key}-cluster_{scope.key}"
        if name:
            held = [f"{key}-{item.key}" for item in scope.items if isinstance(item, Unit)]
            found[name] = {
                "module": numbers[id(scope.instance)],
                "outer": outer,
                "header": f"{key}-h{scope.key}",
                "around": f"{key}-cluster_{scope.key}_all",
                "holds": held,
            }
        todo += [(item, name) for item in scope.items if isinstance(item, Scope)]
    return found
