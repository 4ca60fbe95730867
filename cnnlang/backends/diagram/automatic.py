"""One SVG for light and dark surroundings: a style sheet turns the light colours into the dark."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from itertools import chain

from cnnlang.backends.diagram.drawing import Drawing, Polygon
from cnnlang.backends.diagram.palette import DARK, LIGHT


def automatic(svg: str, colours: Mapping[str, str]) -> str:
    """The light picture with rules for dark surroundings: CSS goes before attributes."""
    rules = "".join(
        f'[{attribute}="{light}" i]{{{attribute}:{dark}}}'
        for light, dark in sorted(colours.items())
        for attribute in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    return re.sub(r"(<svg\b[^>]*>)", lambda match: match[1] + style, svg, count=1)


def palette() -> dict[str, str]:
    """The light colours of the palette with the dark ones that take their places."""
    found: dict[str, str] = {}
    for field in fields(LIGHT):
        pair = getattr(LIGHT, field.name), getattr(DARK, field.name)
        found.update(zip(*map(listed, pair), strict=True))
    return found


def listed(value: str | tuple[str, ...] | Mapping[str, str]) -> list[str]:
    """One colour, or several."""
    if isinstance(value, str):
        return [value]
    return list(value.values()) if isinstance(value, Mapping) else list(value)


def paired(light: Drawing, dark: Drawing) -> dict[str, str]:
    """The colours of one drawing in two themes, mark by mark."""
    return dict(zip(colours(light), colours(dark), strict=True))


def colours(drawing: Drawing) -> Iterator[str]:
    """The colours of a drawing from back to front."""
    marks = (
        (each.fill, each.line) if isinstance(each, Polygon) else (each.colour,)
        for each in drawing.flat
    )
    yield from chain([drawing.background], *marks)
