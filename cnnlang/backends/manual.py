"""The pages of layers as a person reads them: in Markdown, and as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cnnlang.diagnostics.cells import measure, wrap
from cnnlang.layers import REGISTRY
from cnnlang.layers.documentation import ArgumentPage, LayerPage, Source, layer_page

MOST = 96
"""The columns of a page for a terminal that has no width of its own."""


def handbook(pages: Sequence[LayerPage], figures: Mapping[str, str]) -> str:
    """The pages of all layers in Markdown, by family, behind a table that leads to each.

    `figures` are texts to be shown as they stand, by the names of the layers.
    """
    families: dict[str, list[LayerPage]] = {}
    for page in pages:
        families.setdefault(page.family, []).append(page)
    parts = ["\n".join(index(families))]
    for family, members in families.items():
        parts.append(f"### {title(family)}")
        for page in members:
            parts.append(markdown(page))
            parts += [f"```text\n{figures[page.name]}\n```"] if page.name in figures else []
    return "\n\n".join(parts)


def index(families: dict[str, list[LayerPage]]) -> Iterator[str]:
    yield from ("| family | layers |", "|---|---|")
    for family, members in families.items():
        links = " · ".join(f"[{page.name}](#{page.name})" for page in members)
        yield f"| [{family}](#{title(family).lower().replace(' ', '-')}) | {links} |"


def title(family: str) -> str:
    """The heading of a family; `Dense` alone would be that of its first layer too."""
    return f"{family} layers"


# --- markdown ------------------------------------------------------------------------------------


def markdown(page: LayerPage, heading: str = "####") -> str:
    """A page in Markdown, below a heading unless that is empty."""
    return paragraphs(
        f"{heading} {page.name}" if heading else "",
        f"`{page.signature}`" if page.signature != page.name else "",
        f"{page.summary} {page.details}".strip(),
        "\n".join(table(page.arguments)) if page.arguments else "",
        "\n".join(f"- **{head}**: {text}" for head, text in [*rules(page), *linked(page.sources)]),
    )


def table(arguments: tuple[ArgumentPage, ...]) -> Iterator[str]:
    """The arguments, one a row."""
    yield from ("| argument | takes | meaning |", "|---|---|---|")
    for each in arguments:
        cells = (f"`{each.written}`", each.kind, each.text)
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def linked(sources: tuple[Source, ...]) -> list[tuple[str, str]]:
    """The sources as one more rule, if there are any."""
    links = [each.title if each.url is None else f"[{each.title}]({each.url})" for each in sources]
    return [("Source", ", ".join(links))] if links else []


# --- terminal ------------------------------------------------------------------------------------


def explained(name: str, width: int | None = None) -> str | None:
    """The page of the layer that is called so, for a terminal; None if there is no such layer."""
    return text(layer_page(REGISTRY[name]), width) if name in REGISTRY else None


def text(page: LayerPage, width: int | None = None) -> str:
    """A page for a terminal of some columns, without a newline at the end.

    An address stays in one piece, so that a terminal can open it.
    """
    room, told = width or MOST, rules(page)
    margin = max((len(head) for head, _ in told), default=0) + 2
    return paragraphs(
        hung(page.signature, room, "", "    "),
        hung(page.summary, room, "", ""),
        hung(page.details, room, "", ""),
        "\n".join(lines(page.arguments, room)),
        "\n".join(hung(rule, room, head.ljust(margin), " " * margin) for head, rule in told),
        "\n".join(f"{each.title}: {each.url}" if each.url else each.title for each in page.sources),
    )


def lines(arguments: tuple[ArgumentPage, ...], room: int) -> Iterator[str]:
    """The arguments, each with what it takes, and below it what it does."""
    margin = " " * 4
    for each in arguments:
        yield hung(f"{each.written}: {each.kind}", room, "  ", margin * 2)
        yield from [hung(each.text, room, margin, margin)] if each.text else []


def hung(text: str, room: int, first: str, others: str) -> str:
    """A paragraph with something before its first line, and before all others."""
    start, *rest = wrap(text, max(20, room - measure(others)))
    return "\n".join([first + start, *(others + line for line in rest)])


# --- both ----------------------------------------------------------------------------------------


def rules(page: LayerPage) -> list[tuple[str, str]]:
    """The titles and texts of the rules and the example."""
    return [*page.rules, *([("Example", page.example)] if page.example else [])]


def paragraphs(*parts: str) -> str:
    """The parts that there are, with a blank line between them."""
    return "\n\n".join(filter(None, parts))
