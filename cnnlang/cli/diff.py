"""`cnnlang diff`: what changes from one version of a network to another."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from cnnlang.backends.diagram.look import THEMES, Look
from cnnlang.cli.draw import drawn, measured, suffix, tell, verify
from cnnlang.cli.files import write
from cnnlang.cli.options import (
    complete_file,
    input_option,
    networks,
    output_option,
    set_option,
)
from cnnlang.cli.terminal import colourful, report, room

if TYPE_CHECKING:
    from cnnlang.elaborate.networks import Settings
    from cnnlang.graph import Graph

FORMATS = ("text", "markdown", "json")
STYLES = ("graph", "blocks")
PICTURES = ("svg", "png", "pdf", "dot")

EPILOG = """\b
Examples:
  cnnlang diff old.cnn new.cnn
  cnnlang diff main:net.cnn net.cnn --input 3x224x224
  cnnlang diff HEAD~3:nets/resnet.cnn HEAD:nets/resnet.cnn ResNet50
  cnnlang diff resnet.cnn resnet.cnn ResNet18 ResNet34
  cnnlang diff resnet.cnn resnet.cnn ResNet18 ResNet34 --draw -o diff.pdf
  cnnlang diff zoo:resnet18 resnet.cnn ResNet18 --format markdown > comment.md

Exit codes: 0 if they could be compared, 1 with errors, 2 for a wrong call. With --exit-code as
of diff(1): 0 if they are the same network, 1 if they differ, 2 for everything else.
"""


def complete(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    side = "before" if parameter.name == "network" else "after"
    return networks(ctx.params.get(side), incomplete)


@click.command(epilog=EPILOG, short_help="Tell what changes from one network to another.")
@click.argument("before", metavar="A", shell_complete=complete_file)
@click.argument("after", metavar="B", shell_complete=complete_file)
@click.argument("network", required=False, shell_complete=complete)
@click.argument("other", required=False, shell_complete=complete)
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How to write it: for a terminal, a pull request, a program.",
)
@click.option("--exit-code", "strict", is_flag=True, help="Exit with 1 if they differ.")
@click.option("--draw", is_flag=True, help="Draw both side by side in place of the text.")
@output_option("With --draw: a .svg, .png, .pdf or .dot file; A-B.svg by their names otherwise.")
@click.option(
    "--style",
    type=click.Choice(STYLES),
    help="With --draw: every operation, or a card for each block (the default for large networks).",
)
@click.option(
    "--theme",
    type=click.Choice(THEMES),
    help="With --draw: light (the default), dark, or an SVG that follows its surroundings.",
)
@click.option(
    "--depth", type=click.IntRange(min=1), help="With --draw: close modules nested deeper."
)
@click.option(
    "--width", metavar="LENGTH", callback=measured, help="With --draw: 17cm, 7in or 500pt."
)
@input_option
@set_option
def command(
    before: str,
    after: str,
    network: str | None,
    other: str | None,
    format: str,
    strict: bool,
    draw: bool,
    output: str | None,
    shapes: dict[str | int, tuple[int, ...]],
    settings: dict[str, Any],
    **options: Any,
) -> None:
    """Compare NETWORK in A with NETWORK (or OTHER) in B.

    A and B are files, `zoo:NAME`, or versions of files as git names them, `REV:path`. Told are the
    layers that are added, removed and changed, the totals, and which weights of a checkpoint of A
    load into B. --set and --input hold for both.
    """
    from cnnlang.analysis.comparison import compare
    from cnnlang.backends.comparison import render
    from cnnlang.elaborate.networks import Settings
    from cnnlang.graphs import plain

    if before == after == "-":
        raise click.UsageError("standard input can be read only once")
    look = figure(draw, output, options)
    given = Settings({name: plain(value) for name, value in settings.items()}, dict(shapes))
    failed = 2 if strict else 1
    graphs = [
        opened(before, network, given, failed),
        opened(after, other or network, given, failed),
    ]
    found = compare(*graphs)
    if draw:
        write_figure(graphs, output, look, (before, after))
    else:
        colour, width = colourful(sys.stdout), room(sys.stdout)
        click.echo(render(found, (before, after), format, colour=colour, width=width))
    if strict and not found.equal:
        raise click.exceptions.Exit(1)


def figure(draw: bool, output: str | None, options: dict[str, Any]) -> Look:
    """How the figure is to look; options for one that is not asked for are a wrong call."""
    if not draw and any((output, *options.values())):
        raise click.UsageError("-o, --style, --theme, --depth and --width go with --draw")
    format = suffix(output) if output else "svg"
    if format not in PICTURES:
        raise click.BadParameter(f"two networks are not drawn as {format}", param_hint="'-o'")
    look = Look(**options | {"theme": options["theme"] or "light"})
    verify(look, format)
    return look


def write_figure(
    graphs: list[Graph], output: str | None, look: Look, sources: tuple[str, str]
) -> None:
    """Draw two networks side by side into a file."""
    from cnnlang.backends.diagram import sides

    old, new = graphs
    path = output or f"{old.name}-{new.name}.svg"
    picture = drawn(new, lambda: sides.draw(old, new, suffix(path), look))
    for source in sources:
        write(path, picture.data, source)
    tell(path, picture)


def opened(name: str, network: str | None, given: Settings, failed: int) -> Graph:
    """The graph of one side; its errors end the command."""
    from cnnlang.cli.revisions import version
    from cnnlang.compilation import compile_source
    from cnnlang.diagnostics.model import Severity
    from cnnlang.sources import meant

    source, found, fetch = version(name)
    graph = None
    if source is not None:
        graph, found = compile_source(source, fetch, network or meant(name), given)
    shown = Severity.WARNING if graph is not None else Severity.ERROR
    report([each for each in found if each.severity is shown])
    if graph is None:
        raise click.exceptions.Exit(failed)
    return graph
