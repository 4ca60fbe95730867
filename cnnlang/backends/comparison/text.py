"""A comparison as text for a terminal."""

from __future__ import annotations

from cnnlang.analysis.comparison import Comparison
from cnnlang.backends.comparison import lines
from cnnlang.backends.comparison.lines import Entry, Quantity
from cnnlang.backends.summary import paint
from cnnlang.diagnostics.cells import clean, measure, wrap

COLOURS = {"+": "32", "-": "31", "~": "33"}
NAME, ROOM, MOST = 36, 40, 8
"""Columns for the names of layers, and at least for what is said of them; names of weights."""


def render(
    comparison: Comparison,
    sides: tuple[str, str],
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """Totals, changed layers and what loads; a line where nothing differs."""
    if comparison.equal:
        return clean(lines.same(comparison.before, comparison.after))
    parts = [
        [paint(clean(lines.title(comparison, sides)), "1", colour)],
        totals(comparison),
        layers(comparison, colour, width),
        checkpoint(comparison, colour, width),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def totals(comparison: Comparison) -> list[str]:
    """A row a number."""
    rows = lines.quantities(comparison)
    widths = [max(len(cell(row)[k]) for row in rows) for k in range(3)]
    found = []
    for row in rows:
        name, before, after = (f"{c:<{w}}" for c, w in zip(cell(row), widths, strict=True))
        then = f"{lines.ARROW}{after}" if row.before != row.after else ""
        found.append(f"{name}  {before}{then}  {row.difference}".rstrip())
    why = lines.unknown(comparison)
    return [*found, why] if why else found


def cell(row: Quantity) -> tuple[str, str, str]:
    return row.name, row.before, row.after if row.before != row.after else ""


def layers(comparison: Comparison, colour: bool, width: int | None) -> list[str]:
    """A line a change, and what follows from them."""
    entries = lines.entries(comparison)
    widths = [measure(clean(entry.name)) for entry in entries]
    column = max((width for width in widths if width <= NAME), default=0)
    found = [line for entry in entries for line in told(entry, column, colour, width)]
    rest = [*lines.ports(comparison), lines.followers(comparison)]
    return found + [line for each in rest if each for line in wrapped(each, "", "", width)]


def told(entry: Entry, column: int, colour: bool, width: int | None) -> list[str]:
    """A sign, a name, and what is said of it beside or, after a long name, below."""
    name = clean(entry.name)
    pad = " " * (column - measure(name))
    head, hang = f"{entry.sign} {name}{pad}  ", " " * (column + 4)
    own = measure(name) > column
    body = wrapped(entry.detail, hang if own else head, hang, width)
    found = [f"{entry.sign} {name}", *body] if own else body
    return [paint(line.rstrip(), COLOURS[entry.sign], colour) for line in found]


def checkpoint(comparison: Comparison, colour: bool, width: int | None) -> list[str]:
    """What of the weights loads, and what does not."""
    losses = lines.losses(comparison.weights)
    column = max((len(title) for title, _, _ in losses), default=0)
    found = [f"{paint('Weights', '1', colour)}  {lines.verdict(comparison)}"]
    for title, number, names in losses:
        head = f"  {title:<{column}}  {number:>5,}  "
        found += wrapped(lines.listed(names, MOST), head, " " * len(head), width)
    return found


def wrapped(text: str, head: str, hang: str, width: int | None) -> list[str]:
    """A text after a head, its further lines below its beginning."""
    if width is None:
        return [head + clean(text)]
    first, *rest = wrap(text, max(width - measure(hang or head), ROOM))
    return [head + first, *(hang + line for line in rest)]
