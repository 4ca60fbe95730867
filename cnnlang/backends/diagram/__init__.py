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
THEMES = ("light", "dark")
DIRECTIONS = ("TB", "LR")
MOST = 60
"""Operations up to which all of them are shown unless a style is asked for."""
FORMATS = ("svg", "png", "pdf", "dot")


def draw(
    graph: Graph,
    format: str,
    *,
    style: str | None = None,
    theme: str = "light",
    direction: str | None = None,
) -> bytes:
    """A figure as a file of a format; each option is one of those that are listed above.

    Without a `style`, a network of few operations is drawn as `graph`, a large one as `blocks`.
    `direction` is for the style `graph`, which runs downwards (`TB`) unless it is told to run to
    the right (`LR`). Raises `ValueError` for any other option, `RenderError` if no picture can be
    made.
    """
    from cnnlang.backends.rendering import picture

    style = style or ("graph" if direction else usual(graph))
    known("style", style, STYLES)
    known("format", format, FORMATS)
    known("theme", theme, THEMES)
    if style == "graph":
        return picture(diagram(graph, theme=theme, direction=direction or "TB").source, format)
    if direction is not None:
        raise ValueError(f"the style {style} has no direction of its own")
    from cnnlang.backends.diagram.page import cards, volumes
    from cnnlang.backends.diagram.pinned import pinned
    from cnnlang.backends.diagram.vector import svg

    drawing = (volumes if style == "volumes" else cards)(graph, theme)
    return svg(drawing).encode() if format == "svg" else picture(pinned(drawing).source, format)


def usual(graph: Graph) -> str:
    """The style for a network of this size: every operation if they fit a page."""
    from cnnlang.backends.diagram.repeats import fold
    from cnnlang.backends.diagram.scopes import arrange

    return "graph" if len(fold(arrange(graph)).units) <= MOST else "blocks"


def diagram(graph: Graph, *, theme: str = "light", direction: str = "TB") -> graphviz.Digraph:
    """Every layer of a network as a graph: fused units, blocks as frames, shapes where they change.

    `theme` is one of `THEMES`, `direction` one of `DIRECTIONS` (downwards, or to the right for
    short networks). Raises `ValueError` for any other.
    """
    from cnnlang.backends.diagram.figure import draw as units

    known("theme", theme, THEMES)
    known("direction", direction, DIRECTIONS)
    return units(graph, theme, direction)


def known(name: str, value: str, values: tuple[str, ...]) -> None:
    """Raises `ValueError` if an option is none of those that there are."""
    if value not in values:
        raise ValueError(f"a {name} is one of {', '.join(values)}, not {value!r}")
