"""What stands on a card: names, shape, template, shares of branches, parameters and MACs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi, sin

from cnnlang.amounts import count
from cnnlang.backends.diagram.cards.model import Card
from cnnlang.backends.diagram.drawing import Drawing, Group, Point, Polygon, Text
from cnnlang.backends.diagram.letters import width
from cnnlang.backends.diagram.palette import CHIP, DETAIL, NAME, SUBTITLE, Theme
from cnnlang.backends.diagram.tones import SIGNS
from cnnlang.backends.diagram.volumes.solid import colours
from cnnlang.backends.diagram.words import percent

WIDE, TALL, GAP = 300.0, 82.0, 34.0
PAD, BAR, TRACK = 8.0, 7.0, 168.0
ROUND = 9.0
PORT = 26.0
LINE = 17.0


def height(card: Card) -> float:
    """How high a card is."""
    if card.small:
        return PORT
    return TALL - (0 if card.template else LINE) + (1.6 * LINE if card.parts else 0)


@dataclass(frozen=True, slots=True)
class Face:
    """A card in its place."""

    card: Card
    x: float
    top: float
    narrow: bool = False

    @property
    def wide(self) -> float:
        """Cards are equally wide; inputs and outputs as wide as their name needs."""
        if not self.card.small:
            return WIDE
        return width(self.card.name, NAME, bold=True) + 36

    @property
    def left(self) -> float:
        return self.x if self.narrow or not self.card.small else self.centre - self.wide / 2

    @property
    def right(self) -> float:
        return self.left + self.wide

    @property
    def centre(self) -> float:
        return self.x + self.wide / 2 if self.narrow else self.x + WIDE / 2

    @property
    def bottom(self) -> float:
        return self.top + height(self.card)

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    # --- painting --------------------------------------------------------------------------------

    def paint(
        self, drawing: Drawing, theme: Theme, total: tuple[int, int, int], bars: Theme | None = None
    ) -> None:
        """Draw the card; `total` are the costs of all cards, `bars` their colours."""
        if self.card.mark in SIGNS:
            drawing.add(*sign(SIGNS[self.card.mark], self.left - 12, self.top + 10, theme))
        if self.card.small:
            drawing.add(*self.port(theme))
            return
        bars = bars or theme
        marks = [self.frame(theme, ROUND), *self.title(theme)]
        y = self.top + 21
        if self.card.template:
            y += LINE
            marks.append(self.template(theme, y))
        if self.card.parts:
            marks += self.branches(bars, y + 6, theme.secondary)
            y += 1.6 * LINE
        weights = "shared weights" if self.card.again and not self.card.parameters else ""
        fills = bars.line["conv"], bars.line["activation"]
        params, macs = (self.card.parameters, total[0]), (self.card.macs, total[1])
        marks += self.share(theme, y + 6, params, "params", fills[0], weights)
        if self.card.note:
            macs = self.card.value, total[2]
        marks += self.share(theme, y + 6 + LINE, macs, "MACs", fills[1], self.card.note)
        drawing.add(Group(tuple(marks), self.told(), self.card.layers))

    def port(self, theme: Theme) -> Iterator[Polygon | Text]:
        yield self.frame(theme, PORT / 2)
        at = (self.left + self.right) / 2, self.middle + 4
        yield Text(at, self.card.name, NAME, theme.ink, bold=True)

    def frame(self, theme: Theme, radius: float) -> Polygon:
        category = self.card.category
        points = rounded((self.left, self.top, self.right, self.bottom), radius)
        dashed = self.card.mark == "removed"
        thick = 1.6 if self.card.mark in SIGNS else 1
        return Polygon(points, theme.tint[category], theme.line[category], thick, dashed)

    def title(self, theme: Theme) -> Iterator[Polygon | Text]:
        """Name, kind, how often, and the shape at the right."""
        card, x, y = self.card, self.left + PAD, self.top + 17
        shape = lined(card.shape)
        room = WIDE - 3 * PAD - width(shape, SUBTITLE)
        name = fitted(card.name, room, NAME + 1, bold=True)
        yield Text((x, y), name, NAME + 1, theme.ink, bold=True, anchor="start")
        x += width(name, NAME + 1, bold=True) + 8
        badge = f"× {card.times}" if card.times > 1 else ""
        left = self.left + PAD + room - x - (width(badge, SUBTITLE, bold=True) + 20 if badge else 0)
        if card.kind and left > 30:
            kind = fitted(card.kind, left, SUBTITLE)
            yield Text((x, y), kind, SUBTITLE, theme.secondary, anchor="start")
            x += width(kind, SUBTITLE) + 10
        if badge:
            wide = width(badge, SUBTITLE, bold=True) + 12
            yield Polygon(rounded((x, y - 12, x + wide, y + 4), 4), theme.badge, theme.badge, 0)
            yield Text((x + wide / 2, y), badge, SUBTITLE, theme.badge_ink, bold=True)
        yield Text((self.right - PAD, y), shape, SUBTITLE, theme.ink, anchor="end")

    def template(self, theme: Theme, y: float) -> Text:
        text = fitted(self.card.template, WIDE - 2 * PAD, DETAIL)
        return Text((self.left + PAD, y), text, DETAIL, theme.ink, anchor="start")

    def branches(self, theme: Theme, y: float, ink: str) -> Iterator[Polygon | Text]:
        """A bar with a share for every branch, and what the branches are."""
        parts = self.card.parts
        total, x = sum(part.channels for part in parts), self.left + PAD
        for part, colour in zip(parts, colours(parts, theme), strict=True):
            w = (WIDE - 2 * PAD) * part.channels / total
            yield bar(x, y, w, colour)
            x += w
        said = " · ".join(f"{part.name.removeprefix('Conv ')} {part.channels}" for part in parts)
        text = fitted(said, WIDE - 2 * PAD, CHIP)
        at = self.left + PAD, y + BAR + 10
        yield Text(at, text, CHIP, ink, anchor="start")

    def share(
        self,
        theme: Theme,
        y: float,
        cost: tuple[int, int],
        what: str,
        colour: str,
        instead: str = "",
    ) -> Iterator[Polygon | Text]:
        """A bar for a share of the whole, with the number and the percentage."""
        value, total = cost
        share = value / total if total else 0.0
        x = self.left + PAD
        yield bar(x, y, TRACK, theme.background)
        if value:
            yield bar(x, y, max(1.5, TRACK * share), colour)
        text = instead or f"{count(value)} {what} · {percent(share)}"
        at = self.right - PAD, y + BAR
        yield Text(at, text, DETAIL, theme.secondary, anchor="end")

    def told(self) -> str:
        """What a card says when one points at it."""
        card = self.card
        name = " ".join(filter(None, (card.name, card.kind)))
        costs = f"{card.parameters:,} parameters, {card.macs:,} MACs"
        return "\n".join(filter(None, (name, card.template, lined(card.shape), card.sight, costs)))


def sign(text: str, x: float, y: float, theme: Theme) -> tuple[Polygon, Text]:
    """A badge around a point."""
    points = rounded((x - 7, y - 7, x + 7, y + 7), 3)
    badge = Polygon(points, theme.badge, theme.badge, 0)
    return badge, Text((x, y + 4), text, NAME, theme.badge_ink, bold=True)


def bar(x: float, y: float, w: float, colour: str) -> Polygon:
    return Polygon(((x, y), (x + w, y), (x + w, y + BAR), (x, y + BAR)), colour, colour, 0)


def lined(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def fitted(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """The text, cut off where there is no more room."""
    if width(text, size, bold=bold) <= room:
        return text
    while text and width(f"{text}…", size, bold=bold) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def rounded(box: tuple[float, float, float, float], radius: float) -> tuple[Point, ...]:
    """The corners of a box, each a quarter of a circle in small steps."""
    left, top, right, bottom = box
    centres = (
        (right - radius, top + radius, -pi / 2),
        (right - radius, bottom - radius, 0.0),
        (left + radius, bottom - radius, pi / 2),
        (left + radius, top + radius, pi),
    )
    return tuple(
        (x + radius * cos(start + pi / 2 * i / 6), y + radius * sin(start + pi / 2 * i / 6))
        for x, y, start in centres
        for i in range(7)
    )
