"""`cnnlang explain`: what a code means, or what a layer does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click
from click.shell_completion import CompletionItem

from cnnlang.backends.manual import explained
from cnnlang.diagnostics.cells import wrap
from cnnlang.diagnostics.model import Diagnostic
from cnnlang.diagnostics.suggest import nearest
from cnnlang.diagnostics.text import render
from cnnlang.explanations import Page, Program, pages, titles
from cnnlang.explanations.examples import told
from cnnlang.layers import REGISTRY

WIDTH = 88
EPILOG = """\b
Examples:
  cnnlang explain         all codes with their titles
  cnnlang explain S101    what this one means, an example, and how it is mended
  cnnlang explain conv    what a layer does: its arguments, shapes, weights and MACs

Exit codes: 0 if all is well, 2 for a code or layer that there is not, or a wrong call.
"""


def complete(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    found = [CompletionItem(code, help=title) for code, title in titles().items()]
    found += [CompletionItem(layer) for layer in REGISTRY]
    return [each for each in found if each.value.startswith(incomplete)]


@click.command(epilog=EPILOG, short_help="Explain a code, or a layer.")
@click.argument("name", required=False, shell_complete=complete)
def command(name: str | None) -> None:
    """Explain NAME: a code, as in S101, or a layer; without one, list all codes with titles."""
    if name is None:
        click.echo("\n".join(listed()))
        return
    text = next(filter(None, (topic(name) for topic in TOPICS)), None)
    if text is None:
        near = nearest(name.upper(), titles()) or nearest(name, REGISTRY)
        hint = f"did you mean '{near}'?" if near else "`cnnlang explain` lists the codes"
        raise click.UsageError(f"there is no code or layer '{name}': {hint}")
    click.echo(text)


def listed() -> Iterator[str]:
    """Every code with its title."""
    return (f"{code}  {title}" for code, title in sorted(titles().items()))


def code_page(code: str) -> str | None:
    """The page of a code as text, None if there is no such code."""
    page = pages().get(code.upper())
    return "\n".join(lines(page)) if page else None


TOPICS: tuple[Callable[[str], str | None], ...] = (code_page, explained)
"""What can be explained, by name: each gives the text, or None for what it does not know."""


def lines(page: Page) -> Iterator[str]:
    """Title, meaning, the example with what is told of it, and how it is mended."""
    yield f"{page.code}: {page.title[:1].upper()}{page.title[1:]}"
    yield from ("", *prose(page.meaning))
    for program in page.examples:
        yield from ("", *code(program))
    if page.examples:
        told_of = render(shown(page), width=WIDTH - 4)
        yield from ("", "cnnlang says:", "", *indented(told_of))
    if page.cure:
        yield from ("", *prose(page.cure))
    if page.mended:
        yield from ("", *code(page.mended))


def shown(page: Page) -> list[Diagnostic]:
    """What is told of the example; of a mistake that is repeated, the first and the last time."""
    found = told(page.examples)
    return found if len(found) <= 2 else [found[0], found[-1]]


def prose(text: str) -> list[str]:
    """Markdown paragraphs as lines of a terminal."""
    return wrap(" ".join(text.split("\n")), WIDTH)


def code(program: Program) -> Iterator[str]:
    """A program, with its file or what is set from outside above it."""
    if program.words:
        yield f"    # {' '.join(program.words)}" if program.language == "cnn" else ""
    yield from indented(program.text.rstrip("\n"))


def indented(text: str) -> Iterator[str]:
    return (f"    {line}".rstrip() for line in text.split("\n"))
