"""How a figure is to look: the options that a command line or a program gives."""

from __future__ import annotations

import re
from dataclasses import dataclass

STYLES = ("graph", "blocks", "volumes")
THEMES = ("light", "dark", "auto")
DIRECTIONS = ("TB", "LR")
FORMATS = ("svg", "png", "pdf", "dot", "mermaid", "html")
CHANGING = ("svg", "html")
"""Formats that can have both themes in one file."""
MEASURES = ("params", "macs", "memory")
"""Costs by which a figure can be coloured; memory is what autograd saves for training."""
SCALED = ("svg", "png", "pdf")
"""Formats that have a width."""
FIXED = ("depth", "collapse", "expand", "highlight", "width", "columns")
"""Options that a page for the browser has not, for it does the like itself."""
UNITS = {"pt": 1.0, "in": 72.0, "mm": 7.2 / 2.54, "cm": 72 / 2.54}
"""Points in a unit of length."""
WIDEST = 100 * UNITS["cm"]


@dataclass(frozen=True, slots=True)
class Look:
    """The options of a figure; all of them hold for every style and format unless said here.

    `style` is one of `STYLES`, None for the one that fits the network; `direction` is for the style
    `graph`, the theme `auto` for SVG and HTML; without a theme a picture is light, and a page
    follows its surroundings. `only` is the path of the module or layer that is drawn alone. Modules
    deeper than `depth` levels are closed, and those that `collapse` names by their path or block;
    those that `expand` names are open, and what is in them is not folded. `highlight` is the cost
    that gives the colours; `width` is that of the picture in points. `columns` are those of a long
    figure in the style `graph`, as many as suit it unless given.
    """

    style: str | None = None
    theme: str | None = None
    direction: str | None = None
    only: str | None = None
    depth: int | None = None
    collapse: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    highlight: str | None = None
    width: float | None = None
    columns: int | None = None


USUAL = Look()


def checked(look: Look, format: str) -> None:
    """Raises `ValueError` for an option that there is not, or that does not go with another."""
    known("format", format, FORMATS)
    for name, value, values in (
        ("theme", look.theme, THEMES),
        ("style", look.style, STYLES),
        ("direction", look.direction, DIRECTIONS),
        ("highlight", look.highlight, MEASURES),
    ):
        if value is not None:
            known(name, value, values)
    if message := clash(look, format):
        raise ValueError(message)


def clash(look: Look, format: str) -> str | None:
    """What does not go together, if anything."""
    both = sorted({*look.collapse} & {*look.expand})
    if look.style not in (None, "graph") and look.direction is not None:
        return f"the style {look.style} has no direction of its own"
    if look.style not in (None, "graph") and format == "mermaid":
        return f"mermaid is of the style graph, not {look.style}"
    if look.theme == "auto" and format not in CHANGING:
        return f"the theme auto is for svg and html, not for {format}"
    if format == "html" and (name := next(filter(look.__getattribute__, FIXED), None)):
        return f"a page has no {name}: it opens and closes blocks itself"
    if look.width is not None and format not in SCALED:
        return f"a width is for {', '.join(SCALED)}, not for {format}"
    if look.columns is not None and (look.style not in (None, "graph") or look.direction == "LR"):
        return "columns are for the style graph, downwards"
    if look.columns is not None and look.columns < 1:
        return f"there is at least one column, not {look.columns}"
    if look.depth is not None and look.depth < 1:
        return f"a depth is 1 or more, not {look.depth}"
    return f"`{both[0]}` cannot be both collapsed and expanded" if both else None


def known(name: str, value: str, values: tuple[str, ...]) -> None:
    """Raises `ValueError` if an option is none of those that there are."""
    if value not in values:
        raise ValueError(f"a {name} is one of {', '.join(values)}, not {value!r}")


def points(width: str) -> float:
    """A width like `8.5cm`, `85mm`, `3.3in` or `240pt` in points; raises `ValueError` for others.

    >>> points("2in")
    144.0
    """
    found = re.fullmatch(r"([0-9]{1,5}(?:\.[0-9]{1,5})?)\s*(pt|in|mm|cm)", width)
    if found is None:
        raise ValueError(f"'{width}' is not a width: write 8.5cm, 85mm, 3.3in or 240pt")
    size = float(found[1]) * UNITS[found[2]]
    if not 0 < size <= WIDEST:
        raise ValueError(f"'{width}': a width is above 0 and at most 100cm")
    return size
