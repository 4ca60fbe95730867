"""A comparison in Markdown, as a comment on a pull request.

https://github.github.com/gfm/
"""

from __future__ import annotations

from cnnlang.analysis.comparison import Comparison
from cnnlang.backends.comparison import lines
from cnnlang.diagnostics.cells import clean

MOST = 60
"""Rows of layers, and names of weights of a kind; a comment has at most 65,536 characters."""
LONGEST = 300
"""Characters in a cell."""


def render(comparison: Comparison, sides: tuple[str, str]) -> str:
    """A heading, the totals, the layers, and what loads."""
    if comparison.equal:
        return plain(lines.same(comparison.before, comparison.after)) + "."
    parts = [
        [f"### {code(lines.title(comparison, sides))}"],
        totals(comparison),
        layers(comparison),
        [f"**Weights:** {lines.verdict(comparison)}."],
        weights(comparison),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def totals(comparison: Comparison) -> list[str]:
    """The numbers of both networks."""
    rows = [
        f"| {row.name} | {plain(row.before)} | {plain(row.after)} | {row.difference} |"
        for row in lines.quantities(comparison)
    ]
    why = lines.unknown(comparison)
    return [
        "| | before | after | difference |",
        "|---|--:|--:|--:|",
        *rows,
        *(["", why] if why else []),
    ]


def layers(comparison: Comparison) -> list[str]:
    """The changes, and what follows from them."""
    entries = lines.entries(comparison)
    rows = [f"| {e.sign} | {code(e.name)} | {code(e.detail)} |" for e in entries[:MOST]]
    if len(entries) > MOST:
        rows.append(f"| | | {len(entries) - MOST:,} more |")
    table = ["| | layer | change |", "|---|---|---|", *rows] if rows else []
    rest = [*lines.ports(comparison), lines.followers(comparison)]
    return table + [f"\n{plain(each)}." for each in rest if each]


def weights(comparison: Comparison) -> list[str]:
    """What does not load, each kind folded away."""
    found = []
    for title, number, names in lines.losses(comparison.weights):
        more = [f"- {len(names) - MOST:,} more"] if len(names) > MOST else []
        items = [*(f"- {code(name)}" for name in names[:MOST]), *more]
        summary = f"<details><summary>{title}: {number:,}</summary>"
        found += [summary, "", *items, "", "</details>"]
    return found


def code(text: str) -> str:
    """A text as code that fits into a cell of a table, whatever is in it."""
    short = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    return f"`{clean(short).replace('`', chr(39)).replace('|', chr(92) + '|')}`" if text else ""


def plain(text: str) -> str:
    """A text in which nothing is markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|~" else c for c in clean(text))
