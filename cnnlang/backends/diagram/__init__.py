"""The figure of a network, as Graphviz text; `cnnlang.backends.rendering` makes pictures of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import graphviz

    from cnnlang.graph import Graph

THEMES = ("light", "dark")
DIRECTIONS = ("TB", "LR")


def diagram(graph: Graph, *, theme: str = "light", direction: str = "TB") -> graphviz.Digraph:
    """Every layer of a network as a graph: fused units, blocks as frames, shapes where they change.

    `theme` is one of `THEMES`, `direction` one of `DIRECTIONS` (downwards, or to the right for
    short networks). Raises `ValueError` for any other.
    """
    from cnnlang.backends.diagram.figure import draw

    if theme not in THEMES:
        raise ValueError(f"a theme is one of {', '.join(THEMES)}, not {theme!r}")
    if direction not in DIRECTIONS:
        raise ValueError(f"a direction is one of {', '.join(DIRECTIONS)}, not {direction!r}")
    return draw(graph, theme, direction)
