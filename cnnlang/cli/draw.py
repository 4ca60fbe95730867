"""`cnnlang draw`: the figure of a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnlang.backends import diagram
from cnnlang.backends.diagram.look import (
    CHANGING,
    DIRECTIONS,
    MEASURES,
    STYLES,
    THEMES,
    Look,
    clash,
    points,
)
from cnnlang.cli.failure import Failure
from cnnlang.cli.files import compiled, write
from cnnlang.cli.options import (
    file_argument,
    input_option,
    network_argument,
    output_option,
    set_option,
)
from cnnlang.cli.terminal import working

if TYPE_CHECKING:
    from cnnlang.graph import Graph

EPILOG = """\b
Examples:
  cnnlang draw lenet5.cnn --direction LR
  cnnlang draw alexnet.cnn --style volumes -o alexnet.pdf --width 17cm
  cnnlang draw resnet.cnn ResNet50 --only layer2 --highlight macs
  cnnlang draw resnet.cnn ResNet50 --depth 1 --expand layer3
  cnnlang draw resnet.cnn ResNet50 -o resnet50.mmd
  cnnlang draw unet.cnn UNet --theme dark -o unet.png
  cnnlang draw unet.cnn UNet -o unet.html
"""

FORMATS = {f".{each}": each for each in diagram.FORMATS} | {".mmd": "mermaid"}
"""The formats by how the names of their files end."""


def measured(ctx: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    """A width in points."""
    try:
        return None if text is None else points(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(epilog=EPILOG, short_help="Draw a network as SVG, PNG, PDF, HTML, Mermaid or DOT.")
@file_argument
@network_argument
@output_option("A .svg, .png, .pdf, .html, .mmd or .dot file; NETWORK.svg otherwise.")
@click.option(
    "--style",
    type=click.Choice(STYLES),
    help="Every operation (graph), a card for each block (blocks: the default for large networks), "
    "or the feature maps to scale (volumes: a paper's figure).",
)
@click.option(
    "--direction",
    type=click.Choice(DIRECTIONS, case_sensitive=False),
    help="For the style graph: downwards (the default), or to the right.",
)
@click.option(
    "--theme",
    type=click.Choice(THEMES),
    help="light unless given; auto: an SVG or page that turns dark where its surroundings are. "
    "A .html page does so by itself.",
)
@click.option("--only", metavar="PATH", help="Draw one module or layer alone: layer2, features.3.")
@click.option(
    "--depth", type=click.IntRange(min=1), help="Close modules nested deeper, as in summary."
)
@click.option(
    "--collapse",
    multiple=True,
    metavar="NAME",
    help="Close the module at a path, or all of a block. Repeatable.",
)
@click.option(
    "--expand",
    multiple=True,
    metavar="NAME",
    help="Open it, whatever --depth says; blocks in it are not folded. Repeatable.",
)
@click.option(
    "--highlight",
    type=click.Choice(MEASURES),
    help="Colour by the share of parameters, MACs, or memory that autograd saves (with --input).",
)
@click.option(
    "--width",
    metavar="LENGTH",
    callback=measured,
    help="How wide the picture is: 8.5cm, 85mm, 3.3in or 240pt; a PNG at 300 dpi.",
)
@click.option(
    "--columns",
    type=click.IntRange(min=1),
    help="Columns of a long figure in the style graph; as many as suit it unless given.",
)
@input_option
@set_option
def command(
    file: str,
    network: str | None,
    output: str | None,
    shapes: dict[str | int, tuple[int, ...]],
    settings: dict[str, Any],
    **options: Any,
) -> None:
    """Draw NETWORK in FILE: its layers and blocks, and the shapes between them.

    Needs no Graphviz and no fonts on the machine: both come along. A .html file is a page for the
    browser that needs no network: all styles, to zoom, search and fold, with the table of
    `cnnlang summary` and the source beside them; press ? in it for its keys.
    """
    look = Look(**options)
    format = suffix(output) if output else "svg"
    verify(look, format)
    graph = compiled(file, network, settings, shapes)
    picture = drawn(graph, lambda: diagram.draw(graph, format, look))
    path = output or f"{'.'.join(filter(None, (graph.name, look.only)))}.svg"
    write(path, picture.data, file)
    tell(path, picture)


def verify(look: Look, format: str) -> None:
    """Options that do not go together are a wrong call."""
    if look.direction and look.style not in (None, "graph"):
        raise click.BadParameter(f"the style {look.style} has none", param_hint="'--direction'")
    if look.theme == "auto" and format not in CHANGING:
        raise click.BadParameter(
            f"auto is for .svg and .html, not for .{format}", param_hint="'--theme'"
        )
    if message := clash(look, format):
        raise click.UsageError(message)


def drawn(graph: Graph, make: Callable[[], diagram.Picture]) -> diagram.Picture:
    """A picture, or why there is none."""
    from cnnlang.analysis.memory import Unpredictable
    from cnnlang.backends.diagram.excerpt import PartError
    from cnnlang.backends.rendering import RenderError

    try:
        with working(f"drawing {graph.name}"):
            return make()
    except (PartError, RenderError) as error:
        raise Failure(str(error)) from None
    except Unpredictable as problem:
        raise Failure(unknown(graph, problem)) from None


def unknown(graph: Graph, problem: Exception) -> str:
    """Why the memory of a network is not known, and what to give."""
    from cnnlang.analysis.ordinary import suggestion, usual_shapes

    if not graph.free:
        return f"the memory of {graph.name} cannot be told: {problem}"
    where = f"{', '.join(graph.free)}: give {suggestion(usual_shapes(graph).values())}"
    return f"the memory of {graph.name} depends on {where}"


def tell(path: str, picture: diagram.Picture) -> None:
    """Say what was written, and what one should know about it."""
    click.echo(f"wrote {path}", err=True)
    for each in picture.notes:
        click.echo(f"note: {each}", err=True)


def suffix(output: str) -> str:
    """The format that the name of a file asks for."""
    found = FORMATS.get(Path(output).suffix.lower())
    if found is None:
        raise click.BadParameter(
            f"'{output}' ends in none of {', '.join(FORMATS)}", param_hint="'-o'"
        )
    return found
