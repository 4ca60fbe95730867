"""The overview of a network as a drawing: cards below one another, in columns, or in a U."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlang.backends.diagram.cards.face import GAP, TALL, WIDE, Face, height, lined
from cnnlang.backends.diagram.cards.model import Card, Edge
from cnnlang.backends.diagram.drawing import Drawing, Point, Text
from cnnlang.backends.diagram.palette import DETAIL, Theme
from cnnlang.backends.diagram.tones import Heat, heated, marked
from cnnlang.backends.diagram.volumes.rows import lanes, places
from cnnlang.backends.diagram.volumes.stairs import descends
from cnnlang.backends.diagram.words import percent

COLUMN = 1150.0
"""Points after which a chain goes on in the next column."""
AISLE = 90.0
"""Space between columns."""


class Overview:
    """Places and draws the cards."""

    def __init__(
        self,
        cards: Sequence[Card],
        theme: Theme,
        drawing: Drawing,
        heat: Heat | None = None,
        room: float | None = None,
    ) -> None:
        self.cards = cards
        self.most = None if room is None else max(1, int((room + AISLE) / (WIDE + AISLE)))
        self.theme = theme
        self.heat = heat
        self.drawing = drawing
        self.places: dict[Card, Face] = {}
        self.paths = lanes(cards)
        self.homes = places(self.paths)
        self.said: set[Point] = set()

    def draw(self) -> None:
        """Edges behind, cards in front."""
        body = [card for card in self.cards if card.category != "port"]
        u = bool(body) and descends(body)
        if u:
            self.bend(body)
        else:
            self.stack()
        costs = [(card.parameters, card.macs, card.value) for card in self.cards]
        a, b, c = (sum(each) for each in zip(*costs, strict=True))
        total = a, b, c
        for card in self.cards:
            for edge in card.edges:
                self.edge(edge, card, u)
        for face in self.places.values():
            face.paint(self.drawing, self.tone(face.card, total), total, self.bars(face.card))

    # --- colours ---------------------------------------------------------------------------------

    def tone(self, card: Card, total: tuple[int, int, int]) -> Theme:
        """The colours of a card: by its category, its share of a cost, or what becomes of it."""
        if self.heat is None:
            return marked(self.theme, card.mark)
        if self.heat.measure == "memory" and card.value:
            card.note = f"{self.heat.number(card.value)} · {percent(card.value / total[2])}"
        return heated(self.theme, card.value / total[2] if total[2] else 0.0)

    def bars(self, card: Card) -> Theme | None:
        """The colours of the bars on a card where they are not those of the card."""
        return self.theme if self.heat else None

    # --- places ----------------------------------------------------------------------------------

    def stack(self) -> None:
        """A column for every path, or several for a long chain."""
        paths = self.paths
        columns = split(paths[0], self.most) if len(paths) == 1 else paths
        homes = {card: i for i, column in enumerate(columns) for card in column}
        ends: dict[int, float] = {}
        for card in self.cards:
            home = homes[card]
            stops = [ends.get(home, 0.0)]
            if len(paths) > 1:
                stops += [self.places[each].bottom + GAP for each in card.inputs]
            top = max(stops)
            self.places[card] = Face(card, home * (WIDE + AISLE), top)
            ends[home] = top + height(card) + GAP

    def bend(self, body: list[Card]) -> None:
        """Down the left, up the right, a row for every resolution."""
        sizes = sorted({card.spatial for card in body}, reverse=True)
        low = next(i for i, card in enumerate(body) if card.spatial == sizes[-1])
        rows = {spatial: i * (TALL + 1.6 * GAP) for i, spatial in enumerate(sizes)}
        used: dict[tuple[tuple[int, ...], int], int] = {}
        for i, card in enumerate(body):
            side = 0 if i < low else 1
            place = used.setdefault((card.spatial, side), 0)
            used[card.spatial, side] += 1
            x = (side + place * (1 if side else -1)) * (WIDE + AISLE)
            if card.spatial == sizes[-1]:
                x = (WIDE + AISLE) / 2 + place * (WIDE + AISLE)
            self.places[card] = Face(card, x, rows[card.spatial])
        self.outside()

    def outside(self) -> None:
        """Inputs to the left of everything, outputs to the right."""
        for card in self.cards:
            if card.category == "port":
                near = card.inputs or [c for c in self.cards if card in c.inputs]
                face = self.places[near[0]]
                x = face.right + AISLE if card.inputs else face.left - AISLE - WIDE / 3
                self.places[card] = Face(card, x, face.top + TALL / 3, narrow=True)

    # --- edges -----------------------------------------------------------------------------------

    def edge(self, edge: Edge, card: Card, u: bool) -> None:
        """The line from one card to another, and what lies on it."""
        a, b = self.places[edge.source], self.places[card]
        if self.leaps(edge.source, card):
            self.skip(a, b, edge, u)
        elif abs(a.top - b.top) < TALL / 2 and a.left != b.left:
            points = [(a.right, b.middle), (b.left, b.middle)]
            self.arrow(points, self.theme.edge)
        elif u:
            self.level(a, b, edge)
        elif a.left == b.left:
            self.arrow([(a.centre, a.bottom), (b.centre, b.top)], self.theme.edge)
            self.told(edge, (a.centre + 8, b.top - 0.38 * GAP))
        else:
            self.change(a, b, edge)

    def leaps(self, source: Card, card: Card) -> bool:
        """True if other cards of one path lie between two."""
        (path, place), (other, start) = self.homes[card], self.homes[source]
        return path == other and place - start > 1

    def level(self, a: Face, b: Face, edge: Edge) -> None:
        """Down to a lower resolution, or up to a higher one."""
        down = b.top > a.top
        colour = self.theme.line["pool" if down else "transposed"]
        ends = (
            ((a.centre, a.bottom), (b.centre, b.top))
            if down
            else ((a.centre, a.top), (b.centre, b.bottom))
        )
        if a.left != b.left:
            shift = WIDE / 4 * (1 if b.left > a.left else -1)
            ends = (ends[0][0] + shift / 2, ends[0][1]), (ends[1][0] - shift, ends[1][1])
        self.arrow(list(ends), colour, 1.6)
        self.told(edge, ((ends[0][0] + ends[1][0]) / 2 + 8, (ends[0][1] + ends[1][1]) / 2 + 3))

    def change(self, a: Face, b: Face, edge: Edge) -> None:
        """From one column to another: from below the card to above the other."""
        if b.top <= a.top:
            x = (a.right + b.left) / 2
            points = [(a.centre, a.bottom), (a.centre, a.bottom + 14), (x, a.bottom + 14)]
            points += [(x, b.top - 16), (b.centre, b.top - 16), (b.centre, b.top)]
        else:
            y = b.top - 0.75 * GAP
            start = [(a.centre, a.bottom), (a.centre, y)]
            if any(f.left == a.left and a.bottom < f.top < y for f in self.places.values()):
                x = a.right + 0.3 * AISLE
                start = [(a.right, a.middle), (x, a.middle), (x, y)]
            points = [*start, (b.centre, y), (b.centre, b.top)]
        self.arrow(points, self.theme.edge)
        self.told(edge, (b.centre + 8, b.top - 0.38 * GAP))

    def skip(self, a: Face, b: Face, edge: Edge, u: bool) -> None:
        """What goes around other cards."""
        text = f"skip · {edge.source.shape[0]} ch"
        if u:
            points = [(a.right, a.middle), (b.left, a.middle)]
            self.drawing.arrow(points, self.theme.skip, 1.5, dashed=True)
            at = (a.right + b.left) / 2, a.middle - 6
            self.drawing.add(Text(at, text, DETAIL, self.theme.skip_ink))
            return
        x = max(a.right, b.right) + 34
        points = [(a.right, a.middle), (x, a.middle), (x, b.middle), (b.right, b.middle)]
        self.drawing.arrow(points, self.theme.skip, 1.5, curved=True)

    def told(self, edge: Edge, at: Point) -> None:
        """The layers on an edge, and the shape that they leave; once where edges come together."""
        shape = lined(edge.shape)
        first = edge.source.category == "port"
        words = " › ".join([*filter(None, edge.words), shape]) if edge.words or first else ""
        if words and at not in self.said:
            self.said.add(at)
            self.drawing.add(Text(at, words, DETAIL, self.theme.secondary, anchor="start"))

    def arrow(self, points: list[Point], colour: str, thick: float = 1.2) -> None:
        self.drawing.arrow(points, colour, thick)


def split(chain: list[Card], most: int | None = None) -> list[list[Card]]:
    """A long chain in columns of about one height, `most` of them."""
    total = sum(height(card) + GAP for card in chain)
    number = min(int(total // COLUMN) + 1, most or len(chain))
    columns: list[list[Card]] = [[]]
    filled = 0.0
    for card in chain:
        if filled > len(columns) * total / number and len(columns) < number:
            columns.append([])
        columns[-1].append(card)
        filled += height(card) + GAP
    return columns
