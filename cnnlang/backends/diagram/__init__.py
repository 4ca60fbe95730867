"""The figures of a network; `cnnlang.backends.rendering` makes pictures of Graphviz text.

`graph` shows every operation, `blocks` a card for each block with its share of the costs, `volumes`
is the figure of a paper: feature maps as boxes to scale.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cnnlang.backends.diagram.look import (
    DIRECTIONS,
    FORMATS,
    MEASURES,
    STYLES,
    THEMES,
    USUAL,
    Look,
    checked,
    known,
)
from cnnlang.backends.diagram.scaling import Picture

if TYPE_CHECKING:
    import graphviz

    from cnnlang.backends.diagram.drawing import Drawing
    from cnnlang.backends.diagram.scopes import Scene
    from cnnlang.graph import Graph

__all__ = ["DIRECTIONS", "FORMATS", "MEASURES", "STYLES", "THEMES", "Look", "Picture", "draw"]

MOST = 60
"""Operations up to which all of them are shown unless a style is asked for."""


def draw(graph: Graph, format: str, look: Look = USUAL) -> Picture:
    """A figure as a file of a format, with what one should know about it.

    Without a style, a network of few operations is drawn as `graph`, a large one as `blocks`.
    Raises `ValueError` for options that there are not or that do not go together, `PartError` for
    names of parts that the network has not, `RenderError` if no picture can be made.
    """
    from cnnlang.backends.diagram.excerpt import excerpt

    checked(look, format)
    graph = graph if look.only is None else excerpt(graph, look.only)
    if format == "mermaid":
        return flowchart(graph, look)
    style = look.style or ("graph" if look.direction else usual(graph, look))
    if format == "html":
        from cnnlang.backends.diagram.interactive.document import page

        return Picture(page(graph, style, look.theme or "auto", look.direction or "TB"))
    look = replace(look, style=style)
    if style == "graph":
        return operations(graph, format, look)
    return advised(drawn(graph, format, look), graph, look)


def flowchart(graph: Graph, look: Look) -> Picture:
    """The style `graph` as text for Mermaid."""
    from cnnlang.backends.diagram.mermaid import limits, mermaid

    text = mermaid(graph, look)
    return Picture(text.encode(), limits(text))


def operations(graph: Graph, format: str, look: Look) -> Picture:
    """The style `graph`, laid out by Graphviz; as text for it, however large it is."""
    from cnnlang.backends.diagram.figure import draw as units
    from cnnlang.backends.diagram.parts import scene
    from cnnlang.backends.diagram.tangle import drawable

    found, note = (scene(graph, look), "") if format == "dot" else drawable(graph, look)
    source = units(found, themes(look)[0], look.direction or "TB", look).source
    if format == "dot" or look.direction == "LR":
        picture = laid(source, format, look)
    else:
        picture = finished(wrapped(source, found, look), format, look)
    picture = advised(picture, graph, look)
    return replace(picture, notes=(*picture.notes, note)) if note else picture


def laid(source: str, format: str, look: Look) -> Picture:
    """Graphviz text in the colours of the palette as a file."""
    from cnnlang.backends.rendering import render

    if format == "dot":
        return Picture(source.encode())
    return finished(render(source, "svg").decode(), format, look)


def finished(svg: str, format: str, look: Look) -> Picture:
    """The SVG of Graphviz as a file."""
    from cnnlang.backends.diagram.automatic import automatic, palette
    from cnnlang.backends.diagram.scaling import printed, scaled
    from cnnlang.backends.diagram.tracing import traced

    if format != "svg":
        return printed(traced(svg), format, look)
    return scaled(automatic(svg, palette()) if look.theme == "auto" else svg, look)


def wrapped(source: str, scene: Scene, look: Look) -> str:
    """The SVG of a scene, in columns if it is long; `source` is all of it in one."""
    from cnnlang.backends.diagram.columns import MANY, columns, composed, guessed, measured
    from cnnlang.backends.diagram.figure import split
    from cnnlang.backends.diagram.palette import THEMES
    from cnnlang.backends.rendering import render

    whole = "" if len(scene.units) > MANY else render(source, "svg").decode()
    size, theme = measured(whole) if whole else guessed(scene), themes(look)[0]
    found = columns(scene, size, look)
    if len(found) < 2:
        return whole or render(source, "svg").decode()
    texts = split(scene, theme, found, look)
    heading, *parts = (render(each.source, "svg").decode() for each in texts)
    return composed(heading, parts, THEMES[theme])


def drawn(graph: Graph, format: str, look: Look) -> Picture:
    """The styles `blocks` and `volumes`, laid out here."""
    from cnnlang.backends.diagram.page import cards, volumes

    make = volumes if look.style == "volumes" else cards
    drawings = [make(graph, theme, look) for theme in themes(look)]
    return written(drawings, format, look)


def advised(picture: Picture, graph: Graph, look: Look) -> Picture:
    """The picture; if its letters are small, with the style that has larger ones if any has."""
    from cnnlang.backends.diagram.page import cards
    from cnnlang.backends.diagram.scaling import LEAST, letters
    from cnnlang.backends.diagram.vector import svg

    if not picture.notes:
        return picture
    theme, note = themes(look)[0], picture.notes[0]
    if look.style == "blocks" or letters(svg(cards(graph, theme, look)), look.width or 0) < LEAST:
        return picture
    return replace(picture, notes=(f"{note}; `--style blocks` fits this width",))


def themes(look: Look) -> tuple[str, ...]:
    """The themes in which a figure is drawn: two for the one that follows its surroundings."""
    return ("light", "dark") if look.theme == "auto" else (look.theme or "light",)


def written(drawings: list[Drawing], format: str, look: Look) -> Picture:
    """A drawing as a file; with a second one that takes its place in dark surroundings."""
    from cnnlang.backends.diagram.automatic import automatic, paired
    from cnnlang.backends.diagram.scaling import printed, scaled
    from cnnlang.backends.diagram.vector import svg

    if format != "svg":
        return printed(drawings[0], format, look)
    text = svg(drawings[0])
    return scaled(automatic(text, paired(*drawings)) if drawings[1:] else text, look)


def usual(graph: Graph, look: Look = USUAL, most: int = MOST) -> str:
    """The style for a network: every operation if there are `most` of them in good order."""
    from cnnlang.backends.diagram.parts import scene
    from cnnlang.backends.diagram.tangle import tangled

    found = scene(graph, look)
    return "graph" if len(found.units) <= most and not tangled(found, look) else "blocks"


def diagram(graph: Graph, *, theme: str = "light", direction: str = "TB") -> graphviz.Digraph:
    """Every layer of a network as a graph: fused units, blocks as frames, shapes where they change.

    `theme` is `light` or `dark`, `direction` one of `DIRECTIONS` (downwards, or to the right for
    short networks). Raises `ValueError` for any other.
    """
    from cnnlang.backends.diagram.figure import draw as units
    from cnnlang.backends.diagram.parts import scene

    known("theme", theme, ("light", "dark"))
    known("direction", direction, DIRECTIONS)
    return units(scene(graph, USUAL), theme, direction)
