"""The figures of a network; `cnnlang.backends.rendering` makes pictures of Graphviz text.

`graph` shows every operation, `blocks` a card for each block with its share of the costs, `volumes`
is the figure of a paper: feature maps as boxes to scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import graphviz

    from cnnlang.graph import Graph

STYLES = ("graph", "blocks", "volumes")
THEMES = ("light", "dark", "auto")
DIRECTIONS = ("TB", "LR")
MOST = 60
"""Operations up to which all of them are shown unless a style is asked for."""
FORMATS = ("svg", "png", "pdf", "dot", "html")
CHANGING = ("svg", "html")
"""Formats that can have both themes in one file."""


def draw(
    graph: Graph,
    format: str,
    *,
    style: str | None = None,
    theme: str | None = None,
    direction: str | None = None,
) -> bytes:
    """A figure as a file of a format; each option is one of those that are listed above.

    Without a `style`, a network of few operations is drawn as `graph`, a large one as `blocks`.
    The theme is `light` unless given; `auto` is for SVG and HTML: it turns dark where its
    surroundings are, as an HTML page does by itself. That page holds all styles and opens with the
    one that is asked for. `direction` is for the style `graph`, which runs downwards (`TB`) unless
    it is told to run to the right (`LR`). Raises `ValueError` for any other option, `RenderError`
    if no picture can be made.
    """
    theme = theme or ("auto" if format == "html" else "light")
    style = style or ("graph" if direction else usual(graph))
    known("style", style, STYLES)
    known("format", format, FORMATS)
    known("theme", theme, THEMES)
    if style != "graph" and direction is not None:
        raise ValueError(f"the style {style} has no direction of its own")
    if theme == "auto" and format not in CHANGING:
        raise ValueError(f"the theme auto is for svg and html, not for {format}")
    if format == "html":
        from cnnlang.backends.diagram.interactive.document import page

        return page(graph, style, theme, direction or "TB")
    if style == "graph":
        return operations(graph, format, theme, direction or "TB")
    return drawn(graph, format, style, theme)


def operations(graph: Graph, format: str, theme: str, direction: str) -> bytes:
    """The style `graph`, laid out by Graphviz."""
    from cnnlang.backends.diagram.automatic import automatic, palette
    from cnnlang.backends.rendering import picture

    plain = "light" if theme == "auto" else theme
    data = picture(diagram(graph, theme=plain, direction=direction).source, format)
    return automatic(data.decode(), palette()).encode() if theme == "auto" else data


def drawn(graph: Graph, format: str, style: str, theme: str) -> bytes:
    """The styles `blocks` and `volumes`, laid out here."""
    from cnnlang.backends.diagram.automatic import automatic, paired
    from cnnlang.backends.diagram.page import cards, volumes
    from cnnlang.backends.diagram.pinned import pinned
    from cnnlang.backends.diagram.vector import svg
    from cnnlang.backends.rendering import picture

    make = volumes if style == "volumes" else cards
    drawing = make(graph, "light" if theme == "auto" else theme)
    if format != "svg":
        return picture(pinned(drawing), format)
    text = svg(drawing)
    return (
        automatic(text, paired(drawing, make(graph, "dark"))) if theme == "auto" else text
    ).encode()


def usual(graph: Graph) -> str:
    """The style for a network of this size: every operation if they fit a page."""
    from cnnlang.backends.diagram.repeats import fold
    from cnnlang.backends.diagram.scopes import arrange

    return "graph" if len(fold(arrange(graph)).units) <= MOST else "blocks"


def diagram(graph: Graph, *, theme: str = "light", direction: str = "TB") -> graphviz.Digraph:
    """Every layer of a network as a graph: fused units, blocks as frames, shapes where they change.

    `theme` is `light` or `dark`, `direction` one of `DIRECTIONS` (downwards, or to the right for
    short networks). Raises `ValueError` for any other.
    """
    from cnnlang.backends.diagram.figure import draw as units
    from cnnlang.backends.diagram.repeats import fold
    from cnnlang.backends.diagram.scopes import arrange

    known("theme", theme, ("light", "dark"))
    known("direction", direction, DIRECTIONS)
    return units(fold(arrange(graph)), theme, direction)


def known(name: str, value: str, values: tuple[str, ...]) -> None:
    """Raises `ValueError` if an option is none of those that there are."""
    if value not in values:
        raise ValueError(f"a {name} is one of {', '.join(values)}, not {value!r}")
